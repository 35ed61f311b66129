// Owns creating missing databases, ledger and derived tables on the target. Checks come first.
import { checkTables, type OnMisfit } from '../targets/check-columns.ts'
import { ownTargetBehindSources } from '../targets/own-target.ts'
import type { BackfillError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'
import { withDependencies } from '../model/choose.ts'
import { uuidsOf } from '../planning/table-status.ts'
import type { Workspace } from './workspace.ts'

/**
 * If a check fails, nothing is written. Where nothing is to be created, `check` is left to the caller, to be done before anything is written: it describes
 * each transform. @throws BackfillError `usage` if a file does not fit the servers; `failed` for a table that is not as
 * its file says, or that the server does not create, unless `onMisfit` takes it
 */
export async function createTables(workspace: Workspace, onMisfit?: OnMisfit) {
  const { target } = workspace.ports
  const tables = withDependencies(workspace)
  const names = tables.map((table) => table.target)
  const safe = workspace.catalogue.sources.filter(({ safeView }) => safeView).map(({ table }) => table)
  const sources = [...new Set(tables.flatMap((table) => table.sources))].filter(
    (name) => !safe.includes(name),
  )
  const [existing, ledger, behind] = await Promise.all([
    target.tables(names),
    target.ledgerState(),
    workspace.ports.source.assertReadable(sources),
  ])
  for (const table of tables) {
    const { sharding } = existing.get(table.target) ?? {}
    const own = ownTargetBehindSources(table, { database: target.database, sharding }, behind)
    if (own !== undefined) throw own
  }
  const missing = tables.filter((table) => !existing.has(table.target))
  const check = async () => await checkTables(workspace, tables, existing, onMisfit)
  const isNew = missing.length > 0 || ledger !== 'ready'
  const unchecked = isNew ? await check() : []
  for (const table of missing) target.assertCreatable(table)
  if (isNew) {
    // Blocks of another network are refused before anything is written.
    if (ledger !== 'absent') await workspace.ports.ledger.assertOwnNetwork(uuidsOf(tables, existing))
    await target.prepare(workspace.catalogue.ledger)
    await target.ledgerState() // refuses databases that the server has just created with an engine without UUIDs
  }
  const created = new Set<TableDefinition>()
  for (const table of missing)
    try {
      await target.create(table)
      created.add(table)
    } catch (error) {
      // A server that refuses one table takes the others.
      const isChosen = workspace.chosen.includes(table)
      if (!isChosen || onMisfit === undefined || (error as BackfillError).kind !== 'failed') throw error
      onMisfit(table.key, error as BackfillError)
    }
  if (unchecked.length > 0) await checkTables(workspace, unchecked, await target.tables(names), onMisfit)
  return {
    /** What stands behind the sources that stand for other tables. */
    behind,
    tables: tables.map((table) => ({
      table: table.key,
      target: `${target.database}.${table.target}`,
      created: created.has(table),
    })),
    /** Only where nothing was created: what is on the target server, and the check that is still to be done. */
    present: isNew ? undefined : { targets: existing, ledger },
    check: isNew ? undefined : check,
  }
}
