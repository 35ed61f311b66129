// Owns the rule of what to do with blocks that may be half written, before they are run again.
import type { RowsKind } from '../model/model.ts'

export type DirtyCase = {
  /** Whether the target's engine keeps one row per key (any Replacing…MergeTree). */
  readonly replacing: boolean
  readonly rows: RowsKind
  /** Whether the try used the SQL and the source rows that a new one would use. */
  readonly unchanged: boolean
  /** As in `Found`. */
  readonly suspect: boolean
}

/**
 * `rerun`: the same rows come again and replace what is there. `clean`: what is there has to be deleted first.
 * `rerun-stale`: rows of the old attempt cannot be taken back and may differ from those of the new one; run again and
 * say so. `stop`: neither can be told apart from good rows; only a rebuild cures it.
 */
export type Remedy = 'rerun' | 'clean' | 'rerun-stale' | 'stop'

export function remedyFor({ replacing, rows, unchanged, suspect }: DirtyCase): Remedy {
  const same = unchanged && !suspect
  if (rows.kind === 'per-block') return replacing && same && rows.deletedFirst !== true ? 'rerun' : 'clean'
  if (!replacing) return 'stop'
  return same ? 'rerun' : 'rerun-stale'
}
