// Owns the exchange of the new table with the old one.
import { failedError, retryOf, usageError } from '../../model/errors.ts'
import { type BuildOf, isOf, oldName, readRole, readyName } from './names.ts'
import type { Server } from '../../clickhouse/server.ts'
import { changeTables, type NamedTable, tablesLike } from './tables.ts'
import type { Rebuilding } from './workspace.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { Workspace } from '../../runner/workspace.ts'

const MAX_TRIES = 3

/**
 * Exchanges the tables: data and coverage move together, because events belong to UUIDs. Resolves with the old table
 * under its new name. An EXCHANGE cannot carry the fence. Instead, the new table first gets a name with this epoch, so
 * that a late EXCHANGE of a dead call finds no table and swaps nothing back.
 */
export async function swap(rebuilding: Rebuilding, build: BuildOf): Promise<NamedTable> {
  const { workspace, ports, table, lock, options, hooks } = rebuilding
  for (let attempt = 1; ; attempt++) {
    // Checks that the lock is still held, and renews it so that nobody takes it during the exchange.
    await lock.renew()
    const { present, built, replaced } = await readSides(workspace, ports.target, table)
    if (replaced[0] !== undefined) return replaced[0]
    const [next] = built
    if (present.uuid !== build.uuid || next === undefined)
      throw failedError(
        `somebody replaced ${table.target} or the table built for it: nothing was exchanged`,
        `Run backfill rebuild ${table.key} again`,
      )
    const name = readyName(build, lock.epoch)
    try {
      await changeTables(ports.target, 'renaming', next.name, name)
      // From here on an EXCHANGE of before finds no table. One that came since we looked has done the work.
      const [late] = (await readSides(workspace, ports.target, table)).replaced
      if (late !== undefined) return late
      await changeTables(ports.target, 'exchanging', table.target, name)
      return { ...present, name }
    } catch (error) {
      if (retryOf(error) !== 'reconnect' || attempt === MAX_TRIES) throw error
      await workspace.ports.queries.reachable({ giveUpMs: options.up.giveUpMs, signal: hooks.signal })
    }
  }
}

export type Sides = {
  readonly present: NamedTable
  /** Built from the current file or an earlier one to replace the present table; not yet exchanged. */
  readonly built: readonly NamedTable[]
  /** Exchanged but not yet renamed to old: the last step of an earlier rebuild is pending. */
  readonly replaced: readonly NamedTable[]
  readonly old: readonly NamedTable[]
  /** Built to replace a table that no longer exists: useless. */
  readonly stray: readonly NamedTable[]
}

/** @throws BackfillError `usage` if there is no table to rebuild, or none that can be exchanged */
export async function readSides(
  { ports }: Workspace,
  server: Server,
  { key, target }: TableDefinition,
): Promise<Sides> {
  const { database } = ports.target
  const tables = await tablesLike(server, ports.target, target)
  const present = tables.find(({ name }) => name === target)
  if (present === undefined)
    throw usageError(
      `${database}.${target} does not exist: there is nothing to rebuild`,
      `backfill up --tables ${key} creates and fills it`,
    )
  if (server.cluster === undefined && /^(Replicated|Distributed|Shared)/.test(present.engine))
    throw usageError(
      `${key} has the engine ${present.engine}, and no cluster is named: rebuild exchanges its table on all nodes`,
      'Name the cluster with --cluster or BACKFILL_CLUSTER',
    )
  if (server.cluster?.keeper === false)
    throw usageError(
      '`rebuild` does not work on a cluster without Keeper: nothing exchanges tables on all servers',
      `build ${key} in another database, TARGET_CLICKHOUSE_DATABASE=<other> backfill up --tables ${key}, then exchange the two Distributed tables: docs/how-to/clusters.md#rebuilding`,
    )
  if (present.databaseEngine !== 'Atomic')
    throw usageError(
      `the database ${database} has the engine ${present.databaseEngine}, which cannot exchange tables`,
      'Move the derived tables into a database with the engine Atomic',
    )
  const sides = Object.groupBy(tables, ({ name, uuid }) => {
    const role = readRole(target, name)
    if (role === undefined || role.state === 'old') return role === undefined ? 'others' : 'old'
    // Whatever its name: a table whose name says that it replaces its own UUID has been exchanged.
    if (isOf(uuid, role.replaces)) return 'replaced'
    return isOf(present.uuid, role.replaces) ? 'built' : 'stray'
  })
  return { present, ...NO_TABLES, ...sides }
}

const NO_TABLES = { built: [], replaced: [], old: [], stray: [] }

/** Gives an exchanged table its last name; safe to repeat after a kill. */
export async function finishSwap(
  server: Server,
  { target }: TableDefinition,
  replaced: NamedTable,
): Promise<string> {
  const name = oldName(target, replaced.uuid)
  await changeTables(server, 'renaming', replaced.name, name)
  return name
}
