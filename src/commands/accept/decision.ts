// Owns the decision which blocks of a range may be accepted, and why the others may not.
import { type BlockSet, intersect, type Range, subtract } from '../../model/blocks.ts'

export type AcceptanceInput = {
  readonly range: Range
  /** The table's `blocks`, resolved. Blocks outside are ignored. */
  readonly limits: { readonly from: number | undefined; readonly to: number | undefined }
  readonly expected: Range | undefined
  readonly done: BlockSet
  readonly accepted: BlockSet
  readonly dirty: BlockSet
  /** Of the missing blocks, by the probe of the table's own sources. */
  readonly sourceGaps: BlockSet
  readonly incomplete: BlockSet
}

export type Reason =
  /** Below the first block that the sources have. */
  | 'below'
  /** Above the head. */
  | 'above'
  | 'done'
  /** May be half written: an acceptance would hide them from recovery. */
  | 'dirty'
  /** Missing, and a run can process them. */
  | 'ready'

export type AcceptDecision = {
  readonly sourceGaps: BlockSet
  readonly incomplete: BlockSet
  /** Accepted before. */
  readonly already: BlockSet
  /** In the order of the reasons above; reasons without blocks are absent. */
  readonly refused: readonly { readonly reason: Reason; readonly blocks: BlockSet }[]
}

/** Every block of the range within the limits is in exactly one set of the decision. */
export function evaluate({ range, limits, expected, ...sets }: AcceptanceInput): AcceptDecision {
  let left = intersect([range], within(limits.from ?? 0, limits.to))
  const take = (blocks: BlockSet): BlockSet => {
    const taken = intersect(left, blocks)
    left = subtract(left, taken)
    return taken
  }
  // The ledger comes first: a done block stays done even if the first block has moved up since.
  const already = take(sets.accepted)
  const done = take(sets.done)
  const dirty = take(sets.dirty)
  const above = take(expected === undefined ? [] : within(expected.to + 1))
  const below = take(expected === undefined ? left : within(0, expected.from - 1))
  const sourceGaps = take(sets.sourceGaps)
  const incomplete = take(sets.incomplete)
  const refused: readonly AcceptDecision['refused'][number][] = [
    { reason: 'below', blocks: below },
    { reason: 'above', blocks: above },
    { reason: 'done', blocks: done },
    { reason: 'dirty', blocks: dirty },
    { reason: 'ready', blocks: left },
  ]
  return { sourceGaps, incomplete, already, refused: refused.filter(({ blocks }) => blocks.length > 0) }
}

/** Empty where it ends before it begins. */
function within(from: number, to = Number.MAX_SAFE_INTEGER): BlockSet {
  return from <= to ? [{ from, to }] : []
}
