// Owns what the simulation itself promises.
import { expect, onTestFinished, test } from 'vitest'
import { randomBelow, randomId } from '../../src/seam/random.ts'
import { OF_A_REBUILD, OF_AN_ADOPTION, READS, WRITES } from './acts.ts'
import { historyOf } from './draws.ts'
import { play } from './play.ts'
import { STATEMENTS, statementOf } from './statements.ts'

test('twenty histories of crashes, lost answers and late effects break nothing', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { broken } = await play(historyOf(seed))
    expect(broken, `seed ${seed}`).toEqual([])
  }
})

test('a seed plays again exactly', async () => {
  const [one, other] = [await play(historyOf(7)), await play(historyOf(7))]
  expect(one.trace.length).toBeGreaterThan(10)
  expect(other).toEqual(one)
})

test('what else happens in this process changes no history', async () => {
  const alone = await play(historyOf(7))
  const others = setInterval(() => [randomId(), randomBelow(9)])
  onTestFinished(() => clearInterval(others))
  expect(await play(historyOf(7))).toEqual(alone)
})

test('a statement that the simulation does not know fails by its text', () => {
  expect(() => statementOf('OPTIMIZE TABLE tgt.plain FINAL')).toThrow('OPTIMIZE TABLE tgt.plain FINAL')
})

test('faults are drawn for statements that there are', () => {
  const names = STATEMENTS.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining([...WRITES, ...READS, ...OF_A_REBUILD, ...OF_AN_ADOPTION]))
})

test('a runner that is stopped once more while it is stopped does not live any sooner', async () => {
  const { broken } = await play({
    seed: 1_067_308_459,
    tables: ['total'],
    isCreated: true,
    acts: [
      { at: 0, act: 'up', host: 'one', jobs: 1, chunk: 6 },
      { at: 4591, act: 'redo', host: 'two', table: 'total', from: 2, to: 4, stray: false },
      { at: 5676, act: 'stop', runner: 1, ms: 83_634 },
      { at: 10_551, act: 'stop', runner: 1, ms: 342 },
      { at: 45_912, act: 'up', host: 'one', jobs: 1, chunk: 6 },
    ],
    faults: [],
  })
  expect(broken).toEqual([])
})
