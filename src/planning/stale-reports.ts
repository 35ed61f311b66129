// Owns the report on stale ranges: which SQL built them, and when.
import { everyForm, MARKS, type StaleVersion, withStaleTag } from '../ledger/stale.ts'
import type { TableStatus } from './table-status.ts'
import type { ReadWorkspace } from './read-workspace.ts'
import type { BuiltAt } from '../ledger/sql-versions.ts'

/** The stale ranges of a table, with the times of their building; sends no query if there are none. */
export async function staleReports(
  { ports }: Pick<ReadWorkspace, 'ports'>,
  { table, target, stale }: Pick<TableStatus, 'table' | 'target' | 'stale'>,
): Promise<readonly StaleReport[]> {
  if (target === undefined) return []
  return await Promise.all(
    stale.map(async (version) => {
      const { sqlHash, hash, blocks } = version
      // Marked ranges were built before they were marked.
      const isMarked = MARKS.some((tag) => sqlHash === withStaleTag(tag, hash))
      const sqlHashes = isMarked ? everyForm(hash) : [sqlHash]
      const question = { key: table.key, targetUuid: target.uuid, sqlHashes, blocks }
      return { ...version, built: (await ports.versions.built(question)) ?? null }
    }),
  )
}

/** Stale ranges of one SQL version, for the same reasons. */
export type StaleReport = StaleVersion & {
  /** When they were built, by the server's clock; null without such an event. */
  readonly built: BuiltAt | null
}
