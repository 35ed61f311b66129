// Owns reading a Distributed table as one: its local tables on all shards, and why it must not be written to.
import { hash } from 'node:crypto'
import { failedError, serverProblem } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { type Distributed, distributedEngine } from '../../sql-syntax/ddl-clauses.ts'
import type { Cluster, Server } from '../server.ts'
import { onAllNodes } from './cluster.ts'
import { ANSWERING } from './replicas.ts'
import { determinismOf } from '../server-words.ts'
import { frontProblem, type Local, type ShardProblem, shardProblem } from './shard-problem.ts'

/** A table of the cluster; engine and keys are those of its local tables. */
export type ShardTable = {
  readonly shape: {
    readonly engine: string
    readonly sortKey: string
    readonly definition: string
  }
  /** Rows of all shards before merging; null if a local table does not count its rows. */
  readonly rows: number | null
  /** Change if one of the local tables is dropped and created again. Several, if replicas of a shard have different UUIDs. */
  readonly uuids: readonly string[]
  /** The materialized views that read a local table: they stay with it. */
  readonly views: readonly string[]
  /** Undefined for a table that is not Distributed. */
  readonly sharding: Distributed | undefined
  readonly problem: ShardProblem | undefined
}

export type Definition = { readonly name: string; readonly engine: string; readonly engine_full: string }

/** The table of each shard that holds the rows of a Distributed one; undefined for any other, and where the table is gone. */
export async function localBehind({ client, connection: { database } }: Server, name: string) {
  const [row] = await client.rows<{ engine_full: string }>({
    query:
      'SELECT engine_full FROM system.tables WHERE database = {database:String} AND name = {name:String}',
    query_params: { database, name },
    doing: `looking at ${database}.${name}`,
  })
  return distributedEngine(row?.engine_full ?? '')
}

/** The same of a target. @throws BackfillError `failed` if the target is not Distributed */
export async function localOf(server: Server, { target }: TableDefinition) {
  const found = await localBehind(server, target)
  if (found !== undefined) return { database: found.database, table: found.table }
  throw failedError(`${server.connection.database}.${target} is not Distributed any more`)
}

/**
 * The existing tables by name; none if the server is not a node of a cluster.
 * @throws BackfillError `server` if no node of a shard answers: the table would be taken for another one, without rows
 */
export async function shardTables(
  server: Server,
  tables: readonly Definition[],
): Promise<ReadonlyMap<string, ShardTable>> {
  const { cluster } = server
  if (cluster === undefined) return new Map()
  const definitions = tables.map((table) => ({ ...table, of: distributedEngine(table.engine_full) }))
  if (definitions.some(({ of }) => of !== undefined)) assertEachShard(server, cluster)
  const locals = await localTables(
    server,
    definitions.flatMap(({ name, of }) =>
      of === undefined ? [] : [of, { database: server.connection.database, table: name }],
    ),
  )
  const sharding = await determinismOf(
    server,
    definitions.map(({ of }) => of?.key?.text ?? ''),
  )
  return new Map(
    definitions.map(({ name, engine, engine_full, of }, index): [string, ShardTable] => {
      const found = locals.filter((one) => one.database === of?.database && one.name === of.table)
      const isRandom = sharding[index] === 'nondeterministic'
      const fronts = locals.filter((one) => one.database === server.connection.database && one.name === name)
      const problem =
        shardProblem(cluster, { engine, of, isRandom, found }) ??
        frontProblem(cluster, { fronts, own: engine_full, local: found[0]?.create_table_query })
      return [name, { ...merged(cluster, found), sharding: of, problem }]
    }),
  )
}

function assertEachShard({ connection }: Server, { nodes, places, unreachable }: Cluster): void {
  const away = nodes.filter((shard) =>
    nodes.every((one, index) => one !== shard || unreachable.includes(places[index]!)),
  )
  if (away.length === 0) return
  throw serverProblem(
    `no node of shard ${[...new Set(away)].join(', ')} of the cluster of target ${connection.url} answers, so nothing is known of its tables`,
    'Start one of its nodes; backfill doctor names them',
  )
}

const WANTED = (name: string) =>
  `has({databases:Array(String)}, database) AND has({tables:Array(String)}, ${name})`

async function localTables(
  server: Server,
  wanted: readonly Pick<Distributed, 'database' | 'table'>[],
): Promise<readonly Local[]> {
  if (wanted.length === 0) return []
  // Without Keeper there are no replicas, and the user needs no right to look for them.
  const replicas = server.cluster!.keeper
    ? `SELECT database, table AS name, zookeeper_path AS keeper_path, active_replicas AS active, _shard_num AS node
        FROM ${onAllNodes(server, 'system.replicas')} WHERE ${WANTED('table')}`
    : `SELECT '' AS database, '' AS name, '' AS keeper_path, 0 AS active, toUInt32(0) AS node WHERE 0`
  return await server.client.rows<Local>({
    query: `SELECT tables.*, keeper_path, active FROM (
        SELECT database, name, engine, engine_full, sorting_key, create_table_query, total_rows, toString(uuid) AS uuid, _shard_num AS node,
          arrayMap((d, t) -> concat(d, '.', t), dependencies_database, dependencies_table) AS views
        FROM ${onAllNodes(server, 'system.tables')} WHERE ${WANTED('name')}) AS tables
      LEFT JOIN (${replicas}) AS replicas USING (database, name, node)
      ORDER BY node`,
    query_params: {
      databases: wanted.map(({ database }) => database),
      tables: wanted.map(({ table }) => table),
    },
    // Then it is only read: what is written asks for all nodes first.
    clickhouse_settings: server.cluster!.unreachable.length > 0 ? ANSWERING : {},
    doing: 'looking at the tables of all nodes',
  })
}

/** The local tables, one per shard (from the first node that has it), as one table. */
function merged({ nodes }: Cluster, found: readonly Local[]): Omit<ShardTable, 'problem' | 'sharding'> {
  const byShard = Map.groupBy(found, ({ node }) => nodes[node - 1] ?? 0)
  const isCounted = found.every(({ total_rows }) => total_rows !== null)
  const counts = [...byShard.values()].map((replicas) =>
    Math.max(...replicas.map(({ total_rows }) => total_rows ?? 0)),
  )
  const [first] = found
  return {
    shape: {
      engine: first?.engine ?? '',
      sortKey: first?.sorting_key ?? '',
      definition: first?.create_table_query ?? '',
    },
    rows: isCounted ? counts.reduce((sum, rows) => sum + rows, 0) : null,
    views: [...new Set(found.flatMap(({ views }) => views))],
    uuids: identities([...new Set(nodes)].map((shard) => (byShard.get(shard) ?? []).map(({ uuid }) => uuid))),
  }
}

/**
 * One UUID per shard is folded into one, with the number of shards: without one of them, rows are gone. A replica that was added later may have another: then there are
 * several combinations, and the ledger knows which one was used.
 */
function identities(shards: readonly (readonly string[])[]): readonly string[] {
  let ways: readonly (readonly string[])[] = [[]]
  for (const uuids of shards) {
    const own = [...new Set(uuids.length === 0 ? [NO_TABLE] : uuids)].toSorted()
    ways = ways.flatMap((way) => own.map((uuid) => [...way, uuid])).slice(0, MOST_WAYS)
  }
  return ways.map((way) => (way.length === 1 && way[0] !== NO_TABLE ? way[0]! : foldedUuid(way)))
}

/** Of a shard without the local table: no UUID. */
const NO_TABLE = 'none'

const MOST_WAYS = 1000

function foldedUuid(uuids: readonly string[]): string {
  return hash('sha256', uuids.join()).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
}
