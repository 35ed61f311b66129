import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  cutChunks,
  cutOne,
  type Order,
  type Sizing,
  rowsIn,
  type RowEstimates,
} from '../../src/planning/row-estimates.ts'
import { blockSet, covers } from '../../src/model/blocks.ts'

const someRange = fc.tuple(fc.nat(200), fc.nat(60)).map(([from, more]) => ({ from, to: from + more }))
const someSet = fc.array(someRange, { maxLength: 8 }).map(blockSet)
const someSize = fc.integer({ min: 1, max: 25 })
const someOrder = fc.constantFrom<Order>('oldest', 'newest')
/** Stretches of ten blocks, some of them missing or empty. */
const someRowEstimates: fc.Arbitrary<RowEstimates> = fc
  .array(fc.oneof(fc.constant(undefined), fc.nat(1000)), { minLength: 26, maxLength: 26 })
  .map((all) =>
    all.flatMap((rows, index) =>
      rows === undefined ? [] : [{ from: index * 10, to: index * 10 + 9, rows }],
    ),
  )
const someSizing: fc.Arbitrary<Sizing> = fc.oneof(
  someSize.map((blocks) => ({ blocks })),
  fc.record({
    rows: fc.integer({ min: 1, max: 3000 }),
    rowEstimates: someRowEstimates,
    mostBlocks: fc.option(someSize, { nil: undefined }),
  }),
)

test('chunks are disjoint, come in the order asked for, and have the blocks of the set and no other', () => {
  fc.assert(
    fc.property(someSet, someSizing, someOrder, (set, sizing, order) => {
      const chunks = cutChunks(set, sizing, order)
      expect(blockSet(chunks)).toEqual(set)
      const ascending = order === 'oldest' ? chunks : chunks.toReversed()
      for (const [index, { from }] of ascending.entries())
        if (index > 0) expect(from).toBeGreaterThan(ascending[index - 1]!.to)
    }),
  )
})

test('no chunk spans a block that the set lacks', () => {
  fc.assert(
    fc.property(someSet, someSizing, someOrder, (set, sizing, order) => {
      for (const chunk of cutChunks(set, sizing, order)) expect(covers(set, chunk)).toBe(true)
    }),
  )
})

test('cut by blocks, no chunk is longer than asked for, and no more are cut than each stretch needs', () => {
  fc.assert(
    fc.property(someSet, someSize, someOrder, (set, blocks, order) => {
      const chunks = cutChunks(set, { blocks }, order)
      for (const { from, to } of chunks) expect(to - from + 1).toBeLessThanOrEqual(blocks)
      const needed = set.reduce((sum, { from, to }) => sum + Math.ceil((to - from + 1) / blocks), 0)
      expect(chunks).toHaveLength(needed)
    }),
  )
})

test('cut by rows, a chunk of more than one block is a quarter heavier than asked for at most', () => {
  fc.assert(
    fc.property(
      someSet,
      someRowEstimates,
      fc.integer({ min: 1, max: 3000 }),
      someOrder,
      (set, rowEstimates, rows, order) => {
        for (const chunk of cutChunks(set, { rows, rowEstimates }, order))
          if (chunk.from < chunk.to)
            expect(rowsIn(rowEstimates, chunk)).toBeLessThanOrEqual(rows * 1.25 + 1e-6)
      },
    ),
  )
})

test('cut by rows, a chunk is as heavy as it may be, or it ends before a stretch and is half as heavy at least', () => {
  fc.assert(
    fc.property(someSet, someRowEstimates, fc.integer({ min: 1, max: 3000 }), (set, rowEstimates, rows) => {
      for (const { from, to } of cutChunks(set, { rows, rowEstimates }, 'oldest'))
        if (!set.some((range) => range.to === to)) {
          const even = rowEstimates.some((segment) => segment.from === to + 1)
          const next = rowsIn(rowEstimates, { from, to: to + 1 })
          expect(next).toBeGreaterThan((even ? rows / 2 : rows) - 1e-6)
        }
    }),
  )
})

test('cut by rows, a chunk ends before a stretch and not within it, where that leaves it half of what was asked for', () => {
  fc.assert(
    fc.property(someSet, someRowEstimates, fc.integer({ min: 1, max: 3000 }), (set, rowEstimates, rows) => {
      for (const { from, to } of cutChunks(set, { rows, rowEstimates }, 'oldest')) {
        const cut = rowEstimates.find(
          (segment) => from < segment.from && segment.from <= to && to < segment.to,
        )
        if (cut !== undefined && !set.some((range) => range.to === to))
          expect(rowsIn(rowEstimates, { from, to: cut.from - 1 })).toBeLessThan(rows / 2)
      }
    }),
    { numRuns: 500 },
  )
  const rowEstimates = [0, 10, 20].map((from) => ({ from, to: from + 9, rows: 100 }))
  const ends = (rows: number) =>
    cutChunks([{ from: 0, to: 29 }], { rows, rowEstimates }, 'oldest').map(({ to }) => to)
  expect(ends(200)).toEqual([19, 29])
  expect(ends(150)).toEqual([9, 19, 29])
  expect(ends(210)).toEqual([19, 29])
})

test('what would be left over of a range is added to its last chunk, up to a quarter of one', () => {
  const sizing = { rows: 100, rowEstimates: [{ from: 0, to: 99, rows: 1000 }] }
  expect(cutChunks([{ from: 0, to: 11 }], sizing, 'oldest')).toEqual([{ from: 0, to: 11 }])
  expect(cutChunks([{ from: 0, to: 12 }], sizing, 'oldest')).toEqual([
    { from: 0, to: 9 },
    { from: 10, to: 12 },
  ])
})

test('an era without rows is one chunk, however long', () => {
  const rowEstimates = [{ from: 5_000_000, to: 5_000_999, rows: 10_000 }]
  expect(cutChunks([{ from: 0, to: 5_000_999 }], { rows: 5_000, rowEstimates }, 'oldest')).toEqual([
    { from: 0, to: 5_000_499 },
    { from: 5_000_500, to: 5_000_999 },
  ])
})

const full = (to: number, sizing: Sizing) => cutOne({ from: 0, to }, sizing, 'oldest').full

test('a chunk is full when it is as big as asked for, or was cut off', () => {
  const rowEstimates = [{ from: 0, to: 99, rows: 1000 }]
  expect(full(8, { blocks: 10 })).toBe(false)
  expect(full(9, { blocks: 10 })).toBe(true)
  expect(cutOne({ from: 5, to: 14 }, { blocks: 10 }, 'oldest').full).toBe(true)
  expect(full(9, { rows: 200, rowEstimates })).toBe(false)
  expect(full(19, { rows: 200, rowEstimates })).toBe(true)
  expect(full(99, { rows: 200, rowEstimates })).toBe(true)
})

test('a chunk of the most blocks is full, however few its rows are; with more rows it is cut by them', () => {
  const sizing = { rows: 200, rowEstimates: [{ from: 0, to: 99, rows: 1000 }], mostBlocks: 10 }
  for (const order of ['oldest', 'newest'] as const) {
    const [from, to] = order === 'oldest' ? [0, 9] : [20, 29]
    expect(cutOne({ from: 0, to: 29 }, sizing, order)).toEqual({ from, to, full: true })
  }
  expect(full(8, sizing)).toBe(false)
  expect(full(9, sizing)).toBe(true)
  expect(cutOne({ from: 0, to: 29 }, { ...sizing, rows: 50 }, 'oldest').to).toBe(4)
})

test('one chunk at a time gives the same chunks as all at once', () => {
  fc.assert(
    fc.property(someRange, someSizing, someOrder, (range, sizing, order) => {
      const { from, to } = cutOne(range, sizing, order)
      expect(cutChunks([range], sizing, order)[0]).toEqual({ from, to })
    }),
  )
})
