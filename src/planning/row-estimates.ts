// Owns how heavy blocks are: the rows that the probe found, stretch by stretch, and what a range holds of them.
import type { Range } from '../model/blocks.ts'
import type { Bucket } from '../sources/availability.ts'

/** Rows in a stretch of blocks, over all the sources that a table reads. */
type Segment = Range & { readonly rows: number }

/** Sorted and disjoint; blocks outside have no rows. Within a stretch all blocks are taken to be equally heavy. */
export type RowEstimates = readonly Segment[]

/** The buckets of several sources as weights, from the first to the last block with rows; `width` in blocks. */
export function estimateRows(sources: readonly (readonly Bucket[])[], width: number): RowEstimates {
  const buckets = Map.groupBy(sources.flat(), ({ first }) => Math.floor(first / width))
  const segments = [...buckets.values()].map((same) => ({
    from: Math.min(...same.map(({ first }) => first)),
    to: Math.max(...same.map(({ last }) => last)),
    rows: same.reduce((sum, { rows }) => sum + rows, 0),
  }))
  return sorted(segments)
}

/** All stretches of both; one that both have is taken from `newer`. */
export function mergeRowEstimates(older: RowEstimates, newer: RowEstimates): RowEstimates {
  return sorted([...new Map([...older, ...newer].map((segment) => [segment.from, segment])).values()])
}

/** Expected rows of a range. */
export function rowsIn(rowEstimates: RowEstimates, { from, to }: Range): number {
  return rowEstimates.reduce((sum, segment) => {
    const blocks = Math.min(to, segment.to) - Math.max(from, segment.from) + 1
    return blocks <= 0 ? sum : sum + blocks * perBlock(segment)
  }, 0)
}

/** The last block of the longest start of the range that holds at most `rows` rows; at least its first block. */
export function reach(rowEstimates: RowEstimates, { from, to }: Range, rows: number): number {
  let left = rows
  for (const segment of rowEstimates) {
    if (segment.to < from) continue
    if (segment.from > to) return to
    const start = Math.max(from, segment.from)
    const blocks = Math.min(to, segment.to) - start + 1
    const rowEstimate = perBlock(segment)
    if (blocks * rowEstimate > left) return Math.max(from, start + Math.floor(left / rowEstimate) - 1)
    left -= blocks * rowEstimate
  }
  return to
}

/** The same blocks counted downwards: what is first becomes last. */
export function mirrorRowEstimates(rowEstimates: RowEstimates): RowEstimates {
  return rowEstimates.map((segment) => ({ ...segment, ...mirror(segment) })).toReversed()
}

/** The range counted downwards. */
export function mirror({ from, to }: Range): Range {
  return { from: -to, to: -from }
}

function perBlock({ from, to, rows }: Segment): number {
  return rows / (to - from + 1)
}

function sorted(rowEstimates: RowEstimates): RowEstimates {
  return rowEstimates.toSorted((a, b) => a.from - b.from)
}
