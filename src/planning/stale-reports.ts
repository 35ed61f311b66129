// Owns the report on stale ranges: which SQL built them, and when.
import { everyForm, type StaleVersion, staleVersions } from '../ledger/stale.ts'
import type { TableStatus } from './table-status.ts'
import type { ReadWorkspace } from './read-workspace.ts'
import type { BuiltAt } from '../ledger/sql-versions.ts'

/** The stale ranges of a table by SQL version; sends no query if there are none. */
export async function staleReports(
  { ports }: ReadWorkspace,
  { table, target, view }: Pick<TableStatus, 'table' | 'target' | 'view'>,
): Promise<readonly StaleReport[]> {
  const versions = staleVersions(view?.islands ?? [], table.sqlHash)
  if (versions.length === 0 || target === undefined) return []
  return await Promise.all(
    versions.map(async (version) => {
      // Late ranges were built before they were marked.
      const sqlHashes = version.reason === 'late' ? everyForm(version.hash) : [version.sqlHash]
      const question = { key: table.key, targetUuid: target.uuid, sqlHashes, blocks: version.blocks }
      return { ...version, built: (await ports.versions.built(question)) ?? null }
    }),
  )
}

/** Stale ranges of one SQL version. */
export type StaleReport = StaleVersion & {
  /** When they were built, by the server's clock; null without such an event. */
  readonly built: BuiltAt | null
}
