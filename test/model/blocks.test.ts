import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Range,
  blockSet,
  type BlockSet,
  countBlocks,
  covers,
  hull,
  intersect,
  formatBlockSet,
  subtract,
  union,
  watermark,
} from '../../src/model/blocks.ts'

/** Few blocks, so that random ranges overlap, touch and leave gaps of one block; some are empty (`from > to`). */
const LAST = 40
const LAST_BLOCK = Number.MAX_SAFE_INTEGER
const someRange = fc.record({ from: fc.nat(LAST), to: fc.nat(LAST) })
const someRanges = fc.array(someRange, { maxLength: 12 })

/** The oracle: a set of block numbers. */
const blocksOf = (ranges: readonly Range[]) =>
  new Set(
    ranges.flatMap(({ from, to }) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)),
  )

const only = (blocks: ReadonlySet<number>, keep: (block: number) => boolean) =>
  new Set([...blocks].filter(keep))

/** Says the blocks of a set, and that it is in normal form: sorted, disjoint, and never touching. */
function expectBlocks(set: BlockSet, blocks: ReadonlySet<number>): void {
  expect([...blocksOf(set)]).toEqual([...blocks].toSorted((a, b) => a - b))
  for (const [index, { from, to }] of set.entries()) {
    expect(from).toBeLessThanOrEqual(to)
    if (index > 0) expect(from).toBeGreaterThan(set[index - 1]!.to + 1)
  }
}

const property = (check: (a: BlockSet, b: BlockSet, range: Range) => void) =>
  fc.assert(
    fc.property(someRanges, someRanges, someRange, (a, b, range) => {
      check(blockSet(a), blockSet(b), range)
    }),
    { numRuns: 500 },
  )

test('a set holds the blocks of its ranges, in normal form, whatever their order and however they overlap', () => {
  fc.assert(
    fc.property(someRanges, (ranges) => expectBlocks(blockSet(ranges), blocksOf(ranges))),
    { numRuns: 500 },
  )
})

test('making a set leaves the given ranges as they were', () => {
  const ranges = Object.freeze([Object.freeze({ from: 5, to: 9 }), Object.freeze({ from: 1, to: 5 })])
  expect(blockSet(ranges)).toEqual([{ from: 1, to: 9 }])
})

test('a union has the blocks of either set', () => {
  property((a, b) => expectBlocks(union(a, b), new Set([...blocksOf(a), ...blocksOf(b)])))
})

test('an intersection has the blocks of both sets', () => {
  property((a, b) =>
    expectBlocks(
      intersect(a, b),
      only(blocksOf(a), (block) => blocksOf(b).has(block)),
    ),
  )
})

test('a difference has the blocks of the first set that the second lacks', () => {
  property((a, b) =>
    expectBlocks(
      subtract(a, b),
      only(blocksOf(a), (block) => !blocksOf(b).has(block)),
    ),
  )
})

test('every block is counted once', () => {
  property((a) => expect(countBlocks(a)).toBe(blocksOf(a).size))
})

test('a set covers a range if and only if it has each of its blocks', () => {
  property((a, _, range) => {
    fc.pre(range.from <= range.to)
    expect(covers(a, range)).toBe([...blocksOf([range])].every((block) => blocksOf(a).has(block)))
  })
})

test('the hull goes from the lowest block to the highest', () => {
  property((a) => {
    const blocks = [...blocksOf(a)]
    expect(hull(a)).toEqual(
      a.length === 0 ? undefined : { from: Math.min(...blocks), to: Math.max(...blocks) },
    )
  })
})

test('the watermark is the last block before the first missing one, counted from the first block', () => {
  property((a, _, { from: first }) => {
    const blocks = blocksOf(a)
    let next = first
    while (blocks.has(next)) next++
    expect(watermark(a, first)).toBe(next === first ? undefined : next - 1)
  })
})

test('the highest and the lowest block there can be are blocks like any other', () => {
  const all = [{ from: 0, to: LAST_BLOCK }]
  expect(subtract(all, [{ from: 0, to: LAST_BLOCK - 1 }])).toEqual([{ from: LAST_BLOCK, to: LAST_BLOCK }])
  expect(subtract(all, [{ from: 0, to: 0 }])).toEqual([{ from: 1, to: LAST_BLOCK }])
  expect(subtract(all, all)).toEqual([])
  expect(subtract(all, [{ from: LAST_BLOCK, to: LAST_BLOCK }])).toEqual([{ from: 0, to: LAST_BLOCK - 1 }])
  expect(union([{ from: LAST_BLOCK, to: LAST_BLOCK }], [{ from: 0, to: LAST_BLOCK - 1 }])).toEqual(all)
})

test('people read the first three ranges of a set, how many more there are, and where they end', () => {
  const set = [5, 10, 20, 30, 40].map((from) => ({ from, to: from + (from === 5 ? 0 : 3) }))
  expect(formatBlockSet(set.slice(0, 1))).toBe('5')
  expect(formatBlockSet(set.slice(0, 3))).toBe('5, 10-13, 20-23')
  expect(formatBlockSet(set)).toBe('5, 10-13, 20-23 and 2 more up to 43')
})
