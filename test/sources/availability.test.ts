import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Range, type BlockSet, blockSet, covers, intersect } from '../../src/model/blocks.ts'
import {
  blocksAsSet,
  bucketWidth,
  findDisagreements,
  findSourceGaps,
  probeRange,
} from '../../src/sources/availability.ts'
import { blocksFrom, bucketsOf, source } from '../support/buckets.ts'

/** Chains of stretches with and without rows; the stretches without are often just as long as a source gap, or one less. */
function someChain(sourceGapBlocks: number) {
  const gap = fc.oneof(
    fc.nat(2),
    fc.integer({ min: sourceGapBlocks - 1, max: sourceGapBlocks + 1 }),
    fc.nat(2 * sourceGapBlocks + bucketWidth(sourceGapBlocks)),
  )
  const segment = fc.tuple(gap, fc.oneof(fc.constant(1), fc.integer({ min: 1, max: sourceGapBlocks })))
  return fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => {
    let next = 0
    return segments.flatMap(([skipped, filled]) => {
      const blocks = blocksFrom(next + skipped, filled)
      next += skipped + filled
      return blocks
    })
  })
}

const someAvailability = (sourceGapBlocks: number, sources: number) =>
  fc.record({
    sourceGapBlocks: fc.constant(sourceGapBlocks),
    chains: fc.array(someChain(sourceGapBlocks), { minLength: sources, maxLength: sources }),
    range: fc
      .tuple(fc.nat(6 * sourceGapBlocks), fc.nat(3 * sourceGapBlocks))
      .map(([from, more]) => ({ from, to: from + more })),
  })
/** Source gaps narrower than a bucket may be (1000 blocks), just as wide, and wider. */
const HOLE_SIZES = [1, 2, 7, 50, 999, 1000, 1001, 2300]
const anyAvailability = (sources: number) =>
  fc.constantFrom(...HOLE_SIZES).chain((size) => someAvailability(size, sources))

/** All runs of at least `atLeast` blocks, from block 0 to for ever, in which no block of `blocks` lies: the oracle. */
function longGaps(blocks: ReadonlySet<number>, atLeast: number, end: number): BlockSet {
  const gaps: Range[] = []
  let start = 0
  for (let block = 0; block <= end + 1; block++) {
    if (!blocks.has(block) && block <= end) continue
    if (block - start >= atLeast) gaps.push({ from: start, to: block - 1 })
    start = block + 1
  }
  return gaps
}

/** Far enough beyond every chain and window that what follows is one source gap for ever. */
const END = 30_000

test('every block of a range that lies in a source gap is found, and no other, wherever the window was cut', () => {
  fc.assert(
    fc.property(anyAvailability(2), ({ sourceGapBlocks, chains, range }) => {
      const probed = probeRange(range, sourceGapBlocks)
      const sources = chains.map((chain) => source(bucketsOf(chain, probed, bucketWidth(sourceGapBlocks))))
      const found = findSourceGaps(sources, probed, sourceGapBlocks)
      const sourceGaps = longGaps(new Set(chains.flat()), sourceGapBlocks, END)
      expect(intersect(found, [range])).toEqual(intersect(sourceGaps, [range]))
      for (const { from, to } of found) expect(to - from + 1).toBeGreaterThanOrEqual(sourceGapBlocks)
    }),
    { numRuns: 600 },
  )
})

test('a window is made of whole buckets and reaches one source gap beyond the range on both sides, and no further', () => {
  fc.assert(
    fc.property(
      fc.nat(100_000),
      fc.nat(5000),
      fc.constantFrom(...HOLE_SIZES),
      (from, more, sourceGapBlocks) => {
        const range = { from, to: from + more }
        const probed = probeRange(range, sourceGapBlocks)
        expect([
          probed.from % bucketWidth(sourceGapBlocks),
          (probed.to + 1) % bucketWidth(sourceGapBlocks),
        ]).toEqual([0, 0])
        expect(
          covers([probed], { from: Math.max(0, from - sourceGapBlocks), to: range.to + sourceGapBlocks }),
        ).toBe(true)
        expect(probed.to - (range.to + sourceGapBlocks)).toBeLessThanOrEqual(bucketWidth(sourceGapBlocks))
        expect(from - sourceGapBlocks - probed.from).toBeLessThan(bucketWidth(sourceGapBlocks))
      },
    ),
  )
})

test('a run without rows is a source gap from the set length on, across bucket borders too', () => {
  const range = { from: 0, to: 9999 }
  const around = (length: number) => {
    const blocks = blocksFrom(0, 10_000).filter((block) => block < 1500 || block >= 1500 + length)
    return findSourceGaps([source(bucketsOf(blocks, range, 1000))], range, 1000)
  }
  expect(around(999)).toEqual([])
  expect(around(1000)).toEqual([{ from: 1500, to: 2499 }])
})

test('a stretch is no source gap while any one of the sources has rows there', () => {
  const range = { from: 0, to: 2999 }
  const sparse = source(bucketsOf([1500], range, 1000), 'sparse', 'canonical_execution_contracts')
  const ends = source(bucketsOf([0, 2999], range, 1000))
  expect(findSourceGaps([ends], range, 1000)).toEqual([{ from: 1, to: 2998 }])
  expect(findSourceGaps([ends, sparse], range, 1000)).toEqual([
    { from: 1, to: 1499 },
    { from: 1501, to: 2998 },
  ])
})

test('a stretch is looked at block by block if and only if the transaction sources differ in it', () => {
  const someMissing = fc.array(fc.array(fc.nat(4000), { maxLength: 2 }), { minLength: 3, maxLength: 3 })
  fc.assert(
    fc.property(anyAvailability(1), someMissing, ({ sourceGapBlocks, chains, range }, missing) => {
      const width = bucketWidth(sourceGapBlocks)
      const probed = probeRange(range, sourceGapBlocks)
      const chain = chains[0]!
      const lacks = missing.map((indexes) => new Set(indexes.map((index) => chain[index % chain.length])))
      const sources = lacks.map((lacked) =>
        source(
          bucketsOf(
            chain.filter((block) => !lacked.has(block)),
            probed,
            width,
          ),
        ),
      )
      const differing = chain.filter(
        (block) =>
          covers([probed], { from: block, to: block }) &&
          new Set(lacks.map((lacked) => lacked.has(block))).size > 1,
      )
      const starts = differing.map((block) => Math.floor(block / width) * width)
      const common = source([], 'most-blocks', 'canonical_execution_storage_diffs')
      expect(findDisagreements([common, ...sources], probed, width)).toEqual(
        blockSet(starts.map((from) => ({ from, to: from + width - 1 }))),
      )
    }),
    { numRuns: 300 },
  )
})

test('single blocks make a set', () => {
  expect(blocksAsSet([9, 4, 5, 5])).toEqual([
    { from: 4, to: 5 },
    { from: 9, to: 9 },
  ])
})
