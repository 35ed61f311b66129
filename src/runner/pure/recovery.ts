// Owns the rule of what to do with blocks that may be half written, before they are run again.
import type { Range, RowsKind } from '../model.ts'
import { type BlockSet, intersect, subtract } from './interval.ts'

/** An event of the ledger as recovery sees it; events of one try share its query id. */
export type Trace = { readonly event: string; readonly range: Range; readonly queryId: string }

/**
 * The tries whose rows may stand in the dirty blocks, each with those blocks: back to the last that was taken back,
 * and to the last `done`, whose own rows are there too. `events` are ordered newest first.
 */
export function triesIn<T extends Trace>(
  events: readonly T[],
  dirty: BlockSet,
): readonly (T & { blocks: BlockSet })[] {
  const tries = new Map<string, T & { blocks: BlockSet }>()
  let open = dirty
  for (const event of events) {
    const blocks = intersect(open, [event.range])
    if (blocks.length === 0) continue
    if (WRITES.has(event.event) && !tries.has(event.queryId)) tries.set(event.queryId, { ...event, blocks })
    if (SETTLES.has(event.event)) open = subtract(open, blocks)
  }
  return [...tries.values()]
}

const WRITES: ReadonlySet<string> = new Set(['started', 'failed', 'done'])
const SETTLES: ReadonlySet<string> = new Set(['cleaned', 'done'])

export type DirtyCase = {
  /** Whether the target's engine keeps one row per key (any Replacing…MergeTree). */
  readonly replacing: boolean
  readonly rows: RowsKind
  /** Whether the try used the SQL and the source rows that a new one would use. */
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
