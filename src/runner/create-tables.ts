// Owns the creation of what is missing on the target: databases, ledger, derived tables. Checks come first.
import { checkTables } from '../targets/check-columns.ts'
import { withDependencies } from '../model/choose.ts'
import type { World } from './world.ts'

export type CreatedTable = { readonly table: string; readonly target: string; readonly created: boolean }

/**
 * Checks every chosen table and what it depends on, then creates what is missing; nothing is written where a check
 * fails. Creating is idempotent.
 *
 * @throws BackfillError `usage` where a file and the servers do not fit
 */
export async function createTables(world: World): Promise<readonly CreatedTable[]> {
  const { target } = world.ports
  const tables = withDependencies(world)
  const names = tables.map((table) => table.target)
  const [existing, ledger] = await Promise.all([target.tables(names), target.ledgerState()])
  const unchecked = await checkTables(world, tables, existing)
  const missing = tables.filter((table) => !existing.has(table.target))
  for (const table of missing) target.refuseUncreatable(table)
  if (missing.length > 0 || ledger !== 'ready') await target.prepare(world.catalogue.ledger)
  if (ledger === 'old') await target.prepare(world.catalogue.ledgerUpgrade)
  for (const table of missing) await target.create(table)
  if (unchecked.length > 0) await checkTables(world, unchecked, await target.tables(names))
  return tables.map((table) => ({
    table: table.key,
    target: `${target.database}.${table.target}`,
    created: missing.includes(table),
  }))
}
