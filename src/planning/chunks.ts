// Owns cutting runnable blocks into chunks: by expected rows, or by a fixed number of blocks.
import { type BlockSet, type Range, subtract } from '../model/blocks.ts'
import { firstFrom, mirror, mirrorRowEstimates, reach, rowsIn, type RowEstimates } from './row-estimates.ts'

export type Sizing =
  | { readonly blocks: number }
  | { readonly rows: number; readonly rowEstimates: RowEstimates }

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
  const most = sizing.rows * (1 + CRUMB)
  const all = rowsIn(sizing.rowEstimates, { from, to }, most)
  if (all <= most) return { from, to, full: all >= sizing.rows }
  return {
    from,
    to: alignToBucket(sizing, from, reach(sizing.rowEstimates, { from, to }, sizing.rows)),
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
