// Owns row estimates: the rows that the probe found, segment by segment, and the expected rows of a range.
import type { BlockSet, Range } from '../model/blocks.ts'
import type { Bucket } from '../sources/availability.ts'

/** Rows in a segment of blocks, over all sources that a table reads. */
type Segment = Range & { readonly rows: number }

/**
 * After this many rows of a table's missing blocks `status` and `plan` look no further, and say so: less than one window of a busy chain. Empty
 * blocks cost nothing, so a source gap is always seen completely.
 */
export const ENOUGH_ROWS = 250_000

/** Sorted and disjoint; blocks outside have no rows. Within a segment all blocks count as having equally many rows. */
export type RowEstimates = readonly Segment[]

/** The buckets of several sources as estimates, from the first to the last block with rows; `width` in blocks. */
export function estimateRows(sources: readonly (readonly Bucket[])[], width: number): RowEstimates {
  const buckets = Map.groupBy(sources.flat(), ({ first }) => Math.floor(first / width))
  const segments = [...buckets.values()].map((same) => ({
    from: Math.min(...same.map(({ first }) => first)),
    to: Math.max(...same.map(({ last }) => last)),
    rows: same.reduce((sum, { rows }) => sum + rows, 0),
  }))
  return sorted(segments)
}

/** Rows of these blocks by the data parts of the sources, which may overlap: a part's rows are spread over its blocks. */
export function estimateFromParts(parts: readonly Segment[], blocks: BlockSet): RowEstimates {
  const edges = [...parts, ...blocks].flatMap(({ from, to }) => [from, to + 1])
  const cuts = [...new Set(edges)].toSorted((a, b) => a - b)
  const pieces = cuts.slice(1).map((cut, at) => ({ from: cuts[at]!, to: cut - 1 }))
  return blocks
    .flatMap((range) => pieces.filter(({ from, to }) => range.from <= from && to <= range.to))
    .map((piece) => ({ ...piece, rows: parts.reduce((sum, part) => sum + rowsIn([part], piece), 0) }))
}

/** All segments of both; `newer` wins for a segment that both have. */
export function mergeRowEstimates(older: RowEstimates, newer: RowEstimates): RowEstimates {
  return sorted([...new Map([...older, ...newer].map((segment) => [segment.from, segment])).values()])
}

/** Expected rows of a range; if there are more than `enough`, any number above it, because counting stops there. */
export function rowsIn(rowEstimates: RowEstimates, { from, to }: Range, enough = Infinity): number {
  let sum = 0
  for (let at = firstFrom(rowEstimates, from); at < rowEstimates.length && sum <= enough; at++) {
    const segment = rowEstimates[at]!
    if (segment.from > to) break
    sum += (Math.min(to, segment.to) - Math.max(from, segment.from) + 1) * perBlock(segment)
  }
  return sum
}

/** Index of the first segment that ends at or after the block. Binary search: there may be 10^5 segments and as many chunks. */
export function firstFrom(rowEstimates: RowEstimates, block: number): number {
  let [low, high] = [0, rowEstimates.length]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (rowEstimates[middle]!.to < block) low = middle + 1
    else high = middle
  }
  return low
}

/** The last block up to which the range holds at most `rows` rows; at least its first block. */
export function reach(rowEstimates: RowEstimates, { from, to }: Range, rows: number): number {
  let left = rows
  for (let at = firstFrom(rowEstimates, from); at < rowEstimates.length; at++) {
    const segment = rowEstimates[at]!
    if (segment.from > to) return to
    const start = Math.max(from, segment.from)
    const blocks = Math.min(to, segment.to) - start + 1
    const rowEstimate = perBlock(segment)
    if (blocks * rowEstimate > left) return Math.max(from, start + Math.floor(left / rowEstimate) - 1)
    left -= blocks * rowEstimate
  }
  return to
}

/** The same blocks counted downwards: the first becomes the last. */
export function mirrorRowEstimates(rowEstimates: RowEstimates): RowEstimates {
  return rowEstimates.map((segment) => ({ ...segment, ...mirror(segment) })).toReversed()
}

export function mirror({ from, to }: Range): Range {
  return { from: -to, to: -from }
}

function perBlock({ from, to, rows }: Segment): number {
  return rows / (to - from + 1)
}

function sorted(rowEstimates: RowEstimates): RowEstimates {
  return rowEstimates.toSorted((a, b) => a.from - b.from)
}
