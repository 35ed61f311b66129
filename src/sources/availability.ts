// Owns evaluating the probe's buckets (docs/architecture.md, "Planning"): source gaps, incomplete ranges, what to compare.
import type { BlockCoverage } from '../model/model.ts'
import { type BlockSet, blockSet, countBlocks, intersect, type Range, subtract } from '../model/blocks.ts'

/** The contents of one source in one bucket; buckets without a row do not exist. */
export type Bucket = {
  readonly first: number
  readonly last: number
  readonly rows: number
  /** Distinct blocks with a row. */
  readonly blocks: number
  readonly newest: number
  /** Order-independent hash of the set of these blocks, decimal. */
  readonly hash: string
}

export type ProbedSource = {
  readonly table: string
  readonly blockCoverage: BlockCoverage
  readonly buckets: readonly Bucket[]
}

/** Width of a bucket in blocks: never wider than a source gap, so that no source gap hides inside one bucket. */
export function bucketWidth(sourceGapBlocks: number): number {
  return Math.min(1000, sourceGapBlocks)
}

/** Blocks to probe so that every source gap at `range` is seen whole: aligned buckets, one gap width more at each side. */
export function probeRange(range: Range, sourceGapBlocks: number): Range {
  const width = bucketWidth(sourceGapBlocks)
  const from = Math.floor(Math.max(0, range.from - sourceGapBlocks) / width) * width
  const to = (Math.floor((range.to + sourceGapBlocks) / width) + 1) * width - 1
  return { from, to }
}

/** Runs of at least `sourceGapBlocks` blocks of the probed range in which none of the sources has a row. */
export function findSourceGaps(sources: readonly ProbedSource[], probed: Range, sourceGapBlocks: number) {
  const buckets = sources.flatMap((source) => source.buckets)
  return emptyRuns(buckets, probed, sourceGapBlocks)
}

/**
 * Ranges in which a `most-blocks` source has no row although the chain is busy by the `transaction` table: its rows have not arrived. Bucket by
 * bucket: a quiet one beside a busy one proves nothing.
 */
export function findSilences(sources: readonly ProbedSource[], probed: Range, sourceGapBlocks: number) {
  const width = bucketWidth(sourceGapBlocks)
  const transactions = sources.find(({ table }) => table === TRANSACTION_TABLE)?.buckets ?? []
  const busy = transactions
    .filter(({ rows }) => rows >= BUSY_TRANSACTIONS * width)
    .map(({ first }) => segmentOf(first, width))
  const silent = sources
    .filter(({ blockCoverage }) => blockCoverage === 'most-blocks')
    .flatMap(({ buckets }) => emptyRuns(buckets, probed, sourceGapBlocks))
  return intersect(blockSet(busy), blockSet(silent))
}

/** Busy buckets in which every hundredth block or more has a row in no `every-block` source: too few for a gap, too many for empty blocks. */
export function findThinBuckets(sources: readonly ProbedSource[], width: number) {
  const dense = sources.filter(({ blockCoverage }) => blockCoverage === 'every-block')
  const busy = sources.find(({ table }) => table === TRANSACTION_TABLE)?.buckets ?? []
  return busy.flatMap(({ first, rows, blocks: own }) => {
    const { from, to } = segmentOf(first, width)
    const all = dense.flatMap(({ buckets }) => buckets.filter((one) => one.first >= from && one.last <= to))
    const ends = {
      from: Math.min(...all.map((one) => one.first)),
      to: Math.max(...all.map((one) => one.last)),
    }
    const blocks = ends.to - ends.from + 1 - Math.max(...all.map((one) => one.blocks))
    return rows >= BUSY_TRANSACTIONS * own && blocks * 100 >= width ? [{ ...ends, blocks }] : []
  })
}

export function findDisagreements(sources: readonly ProbedSource[], probed: Range, width: number): BlockSet {
  const dense = sources.filter(({ blockCoverage }) => blockCoverage === 'every-block')
  const buckets = Map.groupBy(
    dense.flatMap((one) => one.buckets),
    ({ first }) => segmentOf(first, width).from,
  )
  const differing = [...buckets.values()].filter(
    (same) => same.length < dense.length || same.some(({ hash }) => hash !== same[0]!.hash),
  )
  return intersect(blockSet(differing.map(([one]) => segmentOf(one!.first, width))), [probed])
}

export function blocksAsSet(blocks: readonly number[]): BlockSet {
  return blockSet(blocks.map((block) => ({ from: block, to: block })))
}

/** The table that counts transactions; before the merge, blocks that only `traces` has are empty blocks with a reward. */
export const TRANSACTION_TABLE = 'canonical_execution_transaction'

/** From this many transactions per block on, a missing `most-blocks` source cannot be accidental. */
export const BUSY_TRANSACTIONS = 20

/** Runs of at least `atLeast` blocks of the probed range between the buckets' ends. */
export function emptyRuns(buckets: readonly Bucket[], probed: Range, atLeast: number): BlockSet {
  const filled = blockSet(buckets.map(({ first, last }) => ({ from: first, to: last })))
  return subtract([probed], filled).filter((run) => countBlocks([run]) >= atLeast)
}

function segmentOf(block: number, width: number): Range {
  const from = Math.floor(block / width) * width
  return { from, to: from + width - 1 }
}

/** Whether so few blocks are worth a look at them alone: then no source gap hides among them. */
export function isShort(range: Range, sourceGapBlocks: number): boolean {
  return countBlocks([range]) <= bucketWidth(sourceGapBlocks)
}

/**
 * Whether `probeRange` around the blocks would find all of them runnable, given what the sources hold in the blocks alone. Each `every-block` source
 * has all of them, and each `most-blocks` source has both ends, so no silence reaches them. A sparse source may be silent for twice a bucket's width.
 * `before`: the last block of each sparse source up to the first one of the range.
 */
export function isComplete(
  range: Range,
  sources: readonly ProbedSource[],
  before: ReadonlyMap<string, number>,
  sourceGapBlocks: number,
): boolean {
  const silent = 2 * bucketWidth(sourceGapBlocks)
  const end = probeRange(range, sourceGapBlocks).to
  const isThere = ({ table, blockCoverage, buckets }: ProbedSource): boolean => {
    if (blockCoverage === 'every-block')
      return buckets.reduce((sum, { blocks }) => sum + blocks, 0) === countBlocks([range])
    if (blockCoverage === 'most-blocks')
      return buckets[0]?.first === range.from && buckets.at(-1)!.last === range.to
    // Inside the range no silence is that long.
    const since = before.get(table) ?? -Infinity
    const [first = end, last = since] = [buckets[0]?.first, buckets.at(-1)?.last]
    return first - since <= silent && end - last <= silent
  }
  return (
    sources.every(isThere) &&
    (sources.length === 0 || sources.some(({ blockCoverage }) => blockCoverage === 'every-block'))
  )
}
