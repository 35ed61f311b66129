// Owns row estimates (the rows that the probe found, segment by segment, and the expected rows of a range), and cutting runnable blocks
// into chunks by them, or by a fixed number of blocks.
import { type BlockSet, type Range, subtract } from '../model/blocks.ts'
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
function firstFrom(rowEstimates: RowEstimates, block: number): number {
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

function mirror({ from, to }: Range): Range {
  return { from: -to, to: -from }
}

function perBlock({ from, to, rows }: Segment): number {
  return rows / (to - from + 1)
}

function sorted(rowEstimates: RowEstimates): RowEstimates {
  return rowEstimates.toSorted((a, b) => a.from - b.from)
}

export type Sizing =
  | { readonly blocks: number }
  /** `mostBlocks`: a chunk of so many is full, whatever its rows. */
  | { readonly rows: number; readonly rowEstimates: RowEstimates; readonly mostBlocks?: number | undefined }

export type Order = 'oldest' | 'newest'

/** A chunk; `full`: it has the wanted size, so further blocks beside it would not change it. */
export type Cut = Range & { readonly full: boolean }

export function cutOne(range: Range, sizing: Sizing, order: Order): Cut {
  if (order === 'oldest') return cutLowest(range, sizing)
  const mirrored =
    'blocks' in sizing ? sizing : { ...sizing, rowEstimates: mirrorRowEstimates(sizing.rowEstimates) }
  const cut = cutLowest(mirror(range), mirrored)
  return { ...mirror(cut), full: cut.full }
}

/** Cuts a set into chunks, in the order of running; a chunk never spans blocks outside the set. */
export function cutChunks(set: BlockSet, sizing: Sizing, order: Order): Range[] {
  return inOrder(set, order).flatMap((range) => {
    const chunks: Range[] = []
    for (let left: Range | undefined = range; left !== undefined;) {
      const { from, to } = cutOne(left, sizing, order)
      chunks.push({ from, to })
      left = subtract([left], [{ from, to }])[0]
    }
    return chunks
  })
}

/** How many chunks the set would be, without cutting them. */
export function chunkCount(set: BlockSet, sizing: Sizing): number {
  return set.reduce((sum, range) => {
    if ('blocks' in sizing) return sum + Math.ceil((range.to - range.from + 1) / sizing.blocks)
    return sum + Math.max(1, Math.ceil(rowsIn(sizing.rowEstimates, range) / sizing.rows - CRUMB))
  }, 0)
}

export function inOrder(set: BlockSet, order: Order): BlockSet {
  return order === 'oldest' ? set : set.toReversed()
}

/** A last chunk may be this much bigger than wanted, to avoid a small remainder. */
const CRUMB = 0.25

function cutLowest({ from, to }: Range, sizing: Sizing): Cut {
  if ('blocks' in sizing) {
    const end = Math.min(to, from + sizing.blocks - 1)
    return { from, to: end, full: end - from + 1 === sizing.blocks }
  }
  const { rows, rowEstimates, mostBlocks = Infinity } = sizing
  const most = rows * (1 + CRUMB)
  const last = Math.min(to, from + mostBlocks - 1)
  const all = rowsIn(rowEstimates, { from, to: last }, most)
  if (all <= most) return { from, to: last, full: all >= rows || last - from + 1 === mostBlocks }
  return {
    from,
    to: alignToBucket(sizing, from, reach(rowEstimates, { from, to }, rows)),
    full: true,
  }
}

/** Ends before a bucket of the probe if half of the wanted size remains: the probe knows the fingerprint only of whole buckets. */
function alignToBucket(
  { rows, rowEstimates }: { rows: number; rowEstimates: RowEstimates },
  from: number,
  end: number,
): number {
  const cut = rowEstimates[firstFrom(rowEstimates, end)]
  if (cut === undefined || cut.to === end || cut.from > end || cut.from <= from) return end
  return rowsIn(rowEstimates, { from, to: cut.from - 1 }) >= rows / 2 ? cut.from - 1 : end
}
