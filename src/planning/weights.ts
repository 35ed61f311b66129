// Owns how heavy blocks are: the rows that the probe found, stretch by stretch, and what a range holds of them.
import type { Range } from '../model/blocks.ts'
import type { Bucket } from '../sources/availability.ts'

/** Rows in a stretch of blocks, over all the sources that a table reads. */
type Stretch = Range & { readonly rows: number }

/** Sorted and disjoint; blocks outside have no rows. Within a stretch all blocks are taken to be equally heavy. */
export type Weights = readonly Stretch[]

/** The buckets of several sources as weights, from the first to the last block with rows; `width` in blocks. */
export function weigh(sources: readonly (readonly Bucket[])[], width: number): Weights {
  const buckets = Map.groupBy(sources.flat(), ({ first }) => Math.floor(first / width))
  const stretches = [...buckets.values()].map((same) => ({
    from: Math.min(...same.map(({ first }) => first)),
    to: Math.max(...same.map(({ last }) => last)),
    rows: same.reduce((sum, { rows }) => sum + rows, 0),
  }))
  return sorted(stretches)
}

/** All stretches of both; one that both have is taken from `newer`. */
export function mergeWeights(older: Weights, newer: Weights): Weights {
  return sorted([...new Map([...older, ...newer].map((stretch) => [stretch.from, stretch])).values()])
}

/** Expected rows of a range. */
export function rowsIn(weights: Weights, { from, to }: Range): number {
  return weights.reduce((sum, stretch) => {
    const blocks = Math.min(to, stretch.to) - Math.max(from, stretch.from) + 1
    return blocks <= 0 ? sum : sum + blocks * perBlock(stretch)
  }, 0)
}

/** The last block of the longest start of the range that holds at most `rows` rows; at least its first block. */
export function reach(weights: Weights, { from, to }: Range, rows: number): number {
  let left = rows
  for (const stretch of weights) {
    if (stretch.to < from) continue
    if (stretch.from > to) return to
    const start = Math.max(from, stretch.from)
    const blocks = Math.min(to, stretch.to) - start + 1
    const weight = perBlock(stretch)
    if (blocks * weight > left) return Math.max(from, start + Math.floor(left / weight) - 1)
    left -= blocks * weight
  }
  return to
}

/** The same blocks counted downwards: what is first becomes last. */
export function mirrorWeights(weights: Weights): Weights {
  return weights.map((stretch) => ({ ...stretch, ...mirror(stretch) })).toReversed()
}

/** The range counted downwards. */
export function mirror({ from, to }: Range): Range {
  return { from: -to, to: -from }
}

function perBlock({ from, to, rows }: Stretch): number {
  return rows / (to - from + 1)
}

function sorted(weights: Weights): Weights {
  return weights.toSorted((a, b) => a.from - b.from)
}
