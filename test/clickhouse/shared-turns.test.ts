// Owns the promises of questions that several ask at once.
import { expect, test } from 'vitest'
import { sharedTurns } from '../../src/clickhouse/shared-turns.ts'

test('whoever asks while a question is under way shares the next one, and no question answers what was asked after it', async () => {
  const asked: (readonly string[])[] = []
  const gates: (() => void)[] = []
  const ask = sharedTurns(async (about) => {
    const turn = asked.push(about)
    await new Promise<void>((open) => gates.push(open))
    return turn
  })
  const first = ask(['a'])
  await Promise.resolve()
  await Promise.resolve()
  expect(asked).toEqual([['a']])
  const others = [ask(['b']), ask(['c', 'a']), ask(['b'])]
  expect(asked).toHaveLength(1)
  gates[0]!()
  expect(await first).toBe(1)
  await Promise.resolve()
  gates[1]!()
  expect(await Promise.all(others)).toEqual([2, 2, 2])
  expect(asked).toEqual([['a'], ['b', 'c', 'a']])
})

test('a question that fails does so for those who shared it, and not for the next', async () => {
  let fails = true
  const ask = sharedTurns((about) =>
    fails ? Promise.reject(new Error(`no ${about.join()}`)) : Promise.resolve(about),
  )
  const answers = await Promise.allSettled([ask(['a']), ask(['b'])])
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  fails = false
  expect(await ask(['c'])).toEqual(['c'])
})
