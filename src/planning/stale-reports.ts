// Owns what is said of stale ranges: what built them, and when.
import { everyForm } from '../ledger/stale.ts'
import { staleVersions } from '../ledger/stale-versions.ts'
import type { StaleReport } from '../runner/events.ts'
import type { Standing } from './table-status.ts'
import type { World } from '../runner/world.ts'

/** The stale ranges of a table by what built them; nothing is asked where there are none. */
export async function staleReports(
  { ports }: World,
  { table, target, view }: Pick<Standing, 'table' | 'target' | 'view'>,
): Promise<readonly StaleReport[]> {
  const versions = staleVersions(view?.islands ?? [], table.sqlHash)
  if (versions.length === 0 || target === undefined) return []
  const built = await ports.versions.built(
    versions.map(({ sqlHash, hash, reason, blocks }) => ({
      key: table.key,
      targetUuid: target.uuid,
      // What is late was built before it was marked.
      sqlHashes: reason === 'late' ? everyForm(hash) : [sqlHash],
      blocks,
    })),
  )
  return versions.map((version, index) => ({ ...version, built: built[index] ?? null }))
}
