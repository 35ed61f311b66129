// Owns the decision which blocks of a range may be accepted, and why the others may not.
import type { Range } from '../../model/blocks.ts'
import { type BlockSet, intersect, subtract } from '../../model/blocks.ts'

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
export function evaluate(input: AcceptanceInput): AcceptDecision {
  const { limits, expected } = input
  let left: BlockSet = intersect(
    [input.range],
    within({ from: limits.from ?? 0, to: limits.to ?? Number.MAX_SAFE_INTEGER }),
  )
  const take = (blocks: BlockSet): BlockSet => {
    const taken = intersect(left, blocks)
    left = subtract(left, taken)
    return taken
  }
  // The ledger comes first: a done block stays done even if the first block has moved up since.
  const already = take(input.accepted)
  const done = take(input.done)
  const dirty = take(input.dirty)
  const above = take(
    expected === undefined ? [] : within({ from: expected.to + 1, to: Number.MAX_SAFE_INTEGER }),
  )
  const below = take(expected === undefined ? left : within({ from: 0, to: expected.from - 1 }))
  const sourceGaps = take(input.sourceGaps)
  const incomplete = take(input.incomplete)
  const reasons: readonly (readonly [Reason, BlockSet])[] = [
    ['below', below],
    ['above', above],
    ['done', done],
    ['dirty', dirty],
    ['ready', left],
  ]
  return {
    sourceGaps,
    incomplete,
    already,
    refused: reasons.flatMap(([reason, blocks]) => (blocks.length > 0 ? [{ reason, blocks }] : [])),
  }
}

/** The range as a set: empty where it ends before it begins. */
function within(range: Range): BlockSet {
  return range.from <= range.to ? [range] : []
}
