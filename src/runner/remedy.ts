// Owns the rule for blocks that may be partly written, before they run again.
import type { RowsKind } from '../model/model.ts'

export type DirtyCase = {
  /** Whether the target's engine keeps one row per key (any Replacing…MergeTree). */
  readonly replacing: boolean
  readonly rows: RowsKind
  /** Whether the attempt used the SQL and the source rows that a new attempt would use. */
  readonly unchanged: boolean
  /** As in `Found`. */
  readonly suspect: boolean
}

/**
 * `rerun`: the new rows are equal and replace the old ones. `clean`: delete the old rows first. `rerun-stale`: rows of the
 * old attempt cannot be deleted and may differ from the new rows; run again and tag the range as stale. `stop`: old and
 * new rows cannot be distinguished; only a rebuild fixes it.
 */
export type Remedy = 'rerun' | 'clean' | 'rerun-stale' | 'stop'

export function remedyFor({ replacing, rows, unchanged, suspect }: DirtyCase): Remedy {
  const same = unchanged && !suspect
  if (rows.kind === 'per-block') return replacing && same && rows.deletedFirst !== true ? 'rerun' : 'clean'
  if (!replacing) return 'stop'
  return same ? 'rerun' : 'rerun-stale'
}
