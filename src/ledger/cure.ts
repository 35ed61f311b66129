// Owns which command builds stale ranges of a table again.
import type { TableDefinition } from '../model/model.ts'

/** As it is typed. Rows of a `per-key` table cannot be taken back, so only the whole table can be built anew. */
export function cureOf({ key, rows }: Pick<TableDefinition, 'key' | 'rows'>): string {
  if (rows.kind === 'per-block' && rows.deletedFirst === true) return 'backfill import --changed'
  return rows.kind === 'per-block' ? `backfill redo ${key} --stale` : `backfill rebuild ${key}`
}
