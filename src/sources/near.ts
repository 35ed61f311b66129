// Owns the short cut of the probe: a few blocks that every source has leave nothing to look for around them. Pure.
import { countBlocks, type Range } from '../model/blocks.ts'
import { bucketWidth, probeRange, type ProbedSource } from './availability.ts'

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
