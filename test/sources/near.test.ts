// Owns the promises of the look at a few new blocks alone.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { intersect, type Range } from '../../src/model/blocks.ts'
import type { BlockCoverage } from '../../src/model/model.ts'
import {
  bucketWidth,
  BUSY_TRANSACTIONS,
  findSilences,
  findSourceGaps,
  probeRange,
  isComplete,
  isShort,
} from '../../src/sources/availability.ts'
import { historyOf, isUnusual, suspiciousRuns } from '../../src/sources/sparse-silences.ts'
import { blocksFrom, bucketsOf, source, TRANSACTION } from '../support/buckets.ts'

type Contents = {
  readonly table: string
  readonly blockCoverage: BlockCoverage
  readonly blocks: readonly number[]
}

const see = (range: Range, gap: number, contents: readonly Contents[]) =>
  contents.map(({ table, blockCoverage, blocks }) =>
    source(bucketsOf(blocks, range, bucketWidth(gap), BUSY_TRANSACTIONS), blockCoverage, table),
  )

function isNearComplete(range: Range, gap: number, contents: readonly Contents[]): boolean {
  const before = new Map(
    contents.map(({ table, blocks }) => [table, Math.max(...blocks.filter((block) => block <= range.from))]),
  )
  return isComplete(range, see(range, gap, contents), before, gap)
}

/** The blocks of the range that the look around them would find to wait for something. */
function waitingBlocks(range: Range, gap: number, contents: readonly Contents[]) {
  const probed = probeRange(range, gap)
  const sources = see(probed, gap, contents)
  const unusual = sources
    .filter(({ blockCoverage }) => blockCoverage === 'sparse')
    .flatMap((one) =>
      suspiciousRuns(one, sources, probed, gap).filter((run) => {
        const [whole] = contents.filter(({ table }) => table === one.table)
        return isUnusual(run, bucketsOf(whole!.blocks, historyOf(run), bucketWidth(gap)), gap)
      }),
    )
  const waiting = [...findSourceGaps(sources, probed, gap), ...findSilences(sources, probed, gap), ...unusual]
  return waiting.flatMap((one) => intersect([one], [range]))
}

const blocks = (most: number) =>
  fc
    .array(fc.tuple(fc.integer({ min: 0, max: most }), fc.integer({ min: 1, max: 90 })), { maxLength: 6 })
    .map((runs) =>
      [...new Set(runs.flatMap(([from, count]) => blocksFrom(from, count)))].toSorted((a, b) => a - b),
    )

test('blocks that a look at them alone finds complete are complete for the look around them, too', () => {
  let complete = 0
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 120 }),
      fc.integer({ min: 0, max: 5 }),
      blocks(120),
      blocks(120),
      (gap, from, more, most, sparse) => {
        const range = { from, to: from + Math.min(more, gap - 1) }
        const contents: readonly Contents[] = [
          { table: TRANSACTION, blockCoverage: 'every-block', blocks: blocksFrom(0, range.to + 1) },
          { table: 'most', blockCoverage: 'most-blocks', blocks: most },
          { table: 'sparse', blockCoverage: 'sparse', blocks: sparse },
        ]
        expect(isShort(range, gap)).toBe(true)
        if (!isNearComplete(range, gap, contents)) return
        complete++
        expect(waitingBlocks(range, gap, contents)).toEqual([])
      },
    ),
    { numRuns: 3000 },
  )
  expect(complete).toBeGreaterThan(100)
})

const NEW: Range = { from: 5000, to: 5000 }
const whole = (table: string, blockCoverage: BlockCoverage): Contents => ({
  table,
  blockCoverage,
  blocks: blocksFrom(4000, 1001),
})
const up = (to: number, contents: Contents): Contents => ({
  ...contents,
  blocks: blocksFrom(4000, to - 3999),
})

test('a block that one of the sources lacks is not complete', () => {
  const dense = whole(TRANSACTION, 'every-block')
  const most = whole('most', 'most-blocks')
  expect(isNearComplete(NEW, 1000, [dense, most])).toBe(true)
  expect(isNearComplete(NEW, 1000, [up(4999, dense), most])).toBe(false)
  expect(isNearComplete(NEW, 1000, [dense, up(4999, most)])).toBe(false)
})

test('a sparse source may lack the block, but not for long, and not altogether', () => {
  const dense = whole(TRANSACTION, 'every-block')
  const sparse = whole('sparse', 'sparse')
  const at = { from: 5500, to: 5500 }
  const long = { ...dense, blocks: blocksFrom(4000, 1501) }
  expect(isNearComplete(at, 1000, [long, up(5000, sparse)])).toBe(true)
  expect(isNearComplete(at, 1000, [long, up(4900, sparse)])).toBe(false)
  expect(isNearComplete(at, 1000, [long, { ...sparse, blocks: [] }])).toBe(false)
})

test('without a source that has every block, nothing is known from the blocks alone', () => {
  expect(isNearComplete(NEW, 1000, [whole('sparse', 'sparse')])).toBe(false)
  expect(isNearComplete(NEW, 1000, [whole('most', 'most-blocks')])).toBe(false)
  expect(isComplete(NEW, [], new Map(), 1000)).toBe(true)
})
