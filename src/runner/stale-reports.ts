// Owns what is said of stale ranges: what built them, and when.
import { staleVersions } from './pure/stale-versions.ts'
import type { StaleReport } from './reports.ts'
import type { Standing } from './standing.ts'
import type { World } from './world.ts'

/** The stale ranges of a table by what built them; nothing is asked where there are none. */
export async function staleReports(
  { ports }: World,
  { table, target, view }: Pick<Standing, 'table' | 'target' | 'view'>,
): Promise<readonly StaleReport[]> {
  const versions = staleVersions(view?.islands ?? [], table.sqlHash)
  if (versions.length === 0 || target === undefined) return []
  const built = await ports.versions.built(
    versions.map(({ hash, blocks }) => ({ key: table.key, targetUuid: target.uuid, hash, blocks })),
  )
  return versions.map((version, index) => ({ ...version, built: built[index] ?? null }))
}
