// Owns the exchange of the new table with the old one, and its statements: listing, renaming, exchanging and dropping tables. On a cluster these are
// the Distributed tables.
import { failedError, retryOf, usageError, serverProblem } from '../../model/errors.ts'
import { type BuildOf, isOf, oldName, readRole, readyName, type Rebuilding } from './workspace.ts'
import type { Server } from '../../clickhouse/server.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { onAllNodes, assertAllNodes } from '../../clickhouse/cluster/cluster.ts'
import { onCluster, runQueued } from '../../clickhouse/cluster/queue.ts'
import { isLocalShared } from '../../clickhouse/cluster/fronts.ts'
import { localBehind } from '../../clickhouse/cluster/shard-tables.ts'
import { listOf } from '../../terminal/render/format.ts'
import type { TargetPort } from '../../targets/target.ts'

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
      // Keeper may be away, too. What has come through meanwhile, the next look finds.
      const passes = ['reconnect', 'retry'].includes(retryOf(error))
      if (!passes || attempt === MAX_TRIES) throw error
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

/** @throws BackfillError `server` where the nodes of a cluster have different tables under one name */
async function tablesLike(
  server: Server,
  target: Pick<TargetPort, 'tables'>,
  prefix: string,
): Promise<readonly NamedTable[]> {
  if (server.cluster !== undefined) return await tablesOfCluster(server, target, prefix)
  const { database } = server.connection
  return await server.client.rows<NamedTable>({
    query: `SELECT name, toString(uuid) AS uuid, engine, total_rows AS rows, total_bytes AS bytes,
        arrayMap((d, t) -> concat(d, '.', t), dependencies_database, dependencies_table) AS views,
        (SELECT engine FROM system.databases WHERE name = {database:String}) AS databaseEngine
      FROM system.tables WHERE database = {database:String} AND startsWith(name, {prefix:String}) ORDER BY name`,
    query_params: { database, prefix },
    doing: `looking at the tables of ${database}`,
  })
}

/** The Distributed tables, each with rows and UUID of its local tables, which move with its name. */
async function tablesOfCluster(
  server: Server,
  target: Pick<TargetPort, 'tables'>,
  prefix: string,
): Promise<readonly NamedTable[]> {
  assertAllNodes(server)
  const { database } = server.connection
  const rows = await server.client.rows<{
    name: string
    agreed: 0 | 1
    on: readonly number[]
    databaseEngine: string
  }>({
    query: `SELECT name, count() = {nodes:UInt64} AND uniqExact(engine_full) = 1 AS agreed,
        groupArray(_shard_num) AS on,
        (SELECT engine FROM system.databases WHERE name = {database:String}) AS databaseEngine
      FROM ${onAllNodes(server, 'system.tables')}
      WHERE database = {database:String} AND engine = 'Distributed'
        AND (name = {prefix:String} OR startsWith(name, concat({prefix:String}, '__')))
      GROUP BY name ORDER BY name`,
    query_params: { database, prefix, nodes: server.cluster!.nodes.length },
    doing: `looking at the tables of ${database} on all nodes`,
  })
  const open = rows.find(({ agreed }) => agreed === 0)
  if (open !== undefined) {
    const lacking = server.cluster!.places.filter((_, index) => !open.on.includes(index + 1))
    throw serverProblem(
      `${database}.${open.name} is ${lacking.length > 0 ? `missing on ${lacking.join(', ')}` : 'not the same table on all nodes'}: not all statements ON CLUSTER have been run there yet, or somebody has changed it there alone`,
      `\`backfill doctor\` shows what the queue waits for; run backfill rebuild again then. If it waits for nothing, ${lacking.length > 0 ? 'backfill up with the address of that node says how to make the table there' : 'make the table on all nodes as it is on the right one'}`,
    )
  }
  const found = await target.tables(rows.map(({ name }) => name))
  return rows.flatMap(({ name, databaseEngine }) => {
    const table = found.get(name)
    return table === undefined ? [] : [{ ...table, name, databaseEngine }]
  })
}

/**
 * Resolves when every node has run what was queued before: an exchange of a dead call is over then. Nothing to do on one server.
 * @throws BackfillError `server` naming the nodes that the queue waits for
 */
export async function queueRun(server: Server): Promise<void> {
  if (server.cluster === undefined) return
  const { database } = server.connection
  await runQueued(server, {
    query: `CREATE DATABASE IF NOT EXISTS {database:Identifier}${onCluster(server)}`,
    query_params: { database },
    doing: 'waiting for the queue of ON CLUSTER',
  })
}

const STATEMENTS = {
  /** @throws BackfillError `failed` if the first does not exist, or the second does */
  renaming: 'RENAME TABLE {database:Identifier}.{one:Identifier} TO {database:Identifier}.{other:Identifier}',
  /** Atomic on each node: readers always find a table under both names. @throws BackfillError `failed` if one does not exist */
  exchanging:
    'EXCHANGE TABLES {database:Identifier}.{one:Identifier} AND {database:Identifier}.{other:Identifier}',
  dropping: 'DROP TABLE IF EXISTS {database:Identifier}.{one:Identifier} SYNC',
} as const

/**
 * On a cluster each node does it at its own instant; resolves when all have. Dropping a Distributed table drops its local tables first, unless another
 * Distributed table reads these.
 */
export async function changeTables(
  server: Server,
  what: keyof typeof STATEMENTS,
  one: string,
  other = '',
): Promise<void> {
  const own = { database: server.connection.database, table: one }
  const isFront = what === 'dropping' && server.cluster !== undefined
  const local = isFront && !(await isLocalShared(server, one)) ? await localBehind(server, one) : undefined
  const joint = what === 'exchanging' ? 'and' : 'to'
  for (const { database, table } of listOf(local, own))
    await runQueued(server, {
      query: STATEMENTS[what].replace(/(?= SYNC$)|$/, onCluster(server)),
      query_params: { database, one: table, other },
      // Allows dropping a table of more than 50 GB: the user has confirmed.
      clickhouse_settings: { max_table_size_to_drop: '0', max_partition_size_to_drop: '0' },
      doing: `${what} ${database}.${table}${other && ` ${joint} ${other}`}`,
    })
}

export type NamedTable = {
  readonly name: string
  readonly uuid: string
  readonly engine: string
  /** Of its database: EXCHANGE needs Atomic. */
  readonly databaseEngine: string
  /** Rows before merging and bytes on disk; null if the engine does not count them. */
  readonly rows: number | null
  readonly bytes: number | null
  readonly views: readonly string[]
  readonly localViews?: readonly string[]
}
