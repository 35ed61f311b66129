import * as fc from 'fast-check'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { otherWays } from '../../../src/commands/test/bench.ts'
import { readCatalogue } from '../../../src/project/sql-folder.ts'

const { tables } = await readCatalogue(fileURLToPath(new URL('../../../sql', import.meta.url)))
const table = tables.find(({ key }) => key === 'block_slots_stat')!
const stored = (engine: string) => {
  const text = `CREATE TABLE IF NOT EXISTS {target:Identifier}.t (block_number UInt32, v UInt64, gone UInt8) ENGINE = ${engine} ORDER BY block_number`
  return { ...table, ddl: { ...table.ddl, text } }
}
const rangesOf = (ways: ReturnType<typeof otherWays>) => ways.map(({ ranges }) => ranges)

test('a range is computed block by block, the latest first, and twice over', () => {
  expect(rangesOf(otherWays(table, { from: 7, to: 9 }))).toEqual([
    [
      { from: 9, to: 9 },
      { from: 8, to: 8 },
      { from: 7, to: 7 },
    ],
    [
      { from: 7, to: 9 },
      { from: 7, to: 9 },
    ],
  ])
})

test('the pieces of any range are the range, each block once, in at most 16 statements', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.nat(5000), fc.boolean(), (from, more, isOrdered) => {
      const to = from + more + 1
      const sequential = isOrdered ? ('ordered' as const) : undefined
      const [pieces] = rangesOf(otherWays({ ...table, sequential }, { from, to }))
      const forwards = isOrdered ? pieces! : pieces!.toReversed()
      expect(forwards.length).toBeGreaterThan(1)
      expect(forwards.length).toBeLessThanOrEqual(16)
      expect([forwards[0]!.from, forwards.at(-1)!.to]).toEqual([from, to])
      for (const [index, piece] of forwards.entries()) {
        expect(piece.from).toBeLessThanOrEqual(piece.to)
        if (index > 0) expect(piece.from).toBe(forwards[index - 1]!.to + 1)
      }
    }),
  )
})

test('one block has no pieces, and a table that reads its own rows has no other way', () => {
  expect(rangesOf(otherWays(table, { from: 7, to: 7 }))).toHaveLength(1)
  expect(otherWays({ ...table, sequential: 'itself' }, { from: 7, to: 9 })).toEqual([])
})

test.each([
  ['ReplacingMergeTree', 1],
  ['ReplacingMergeTree(v)', 1],
  ["ReplicatedReplacingMergeTree('/path', 'replica', v)", 1],
  // FINAL would leave out rows that are marked as deleted.
  ['ReplacingMergeTree(v, gone)', 0],
  ['MergeTree', 0],
  ['SummingMergeTree(v)', 0],
])('with ENGINE = %s a block is computed twice over: %i', (engine, count) => {
  expect(otherWays(stored(engine), { from: 7, to: 7 })).toHaveLength(count)
})
