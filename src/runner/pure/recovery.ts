// Owns the rule of what to do with a range that may be half written, before it is run again.
import type { RowsKind } from '../model.ts'

export type DirtyCase = {
  /** Whether the target's engine keeps one row per key (any Replacing…MergeTree). */
  readonly replacing: boolean
  readonly rows: RowsKind
  /** Whether every attempt at the range used the SQL and the source rows that a new attempt would use. */
  readonly unchanged: boolean
}

/**
 * `rerun`: the same rows come again and replace what is there. `clean`: what is there has to be deleted first.
 * `rerun-stale`: rows of the old attempt cannot be taken back and may differ from those of the new one; run again and
 * say so. `stop`: neither can be told apart from good rows; only a rebuild cures it.
 */
export type Remedy = 'rerun' | 'clean' | 'rerun-stale' | 'stop'

export function remedyFor({ replacing, rows, unchanged }: DirtyCase): Remedy {
  if (rows.kind === 'per-block') return replacing && unchanged ? 'rerun' : 'clean'
  if (!replacing) return 'stop'
  return unchanged ? 'rerun' : 'rerun-stale'
}
