// Owns reading a Distributed table as one: its local tables on all shards, and why it must not be written to.
import { hash } from 'node:crypto'
import { failedError, serverProblem } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { type Distributed, distributedEngine, shardingProblem } from '../../sql-syntax/ddl-clauses.ts'
import { ddlColumns } from '../../sql-syntax/create-table.ts'
import type { Cluster, Server } from '../server.ts'
import { onAllNodes } from './cluster.ts'
import { ANSWERING } from './replicas.ts'
import { determinismOf } from '../server-words.ts'
import { quotedName } from '../../sql-syntax/quoting.ts'
import { columnsIn } from '../../sql-syntax/named-columns.ts'

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
    definitions.flatMap(({ of }) => of ?? []),
  )
  const sharding = await determinismOf(
    server,
    definitions.map(({ of }) => of?.key?.text ?? ''),
  )
  return new Map(
    definitions.map(({ name, engine, of }, index): [string, ShardTable] => {
      const found = locals.filter((one) => one.database === of?.database && one.name === of.table)
      const isRandom = sharding[index] === 'nondeterministic'
      return [
        name,
        { ...merged(cluster, found), problem: shardProblem(cluster, { engine, of, isRandom, found }) },
      ]
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

type Local = {
  readonly database: string
  readonly name: string
  readonly uuid: string
  readonly engine: string
  readonly sorting_key: string
  readonly create_table_query: string
  readonly total_rows: number | null
  /** From 1, as clusterAllReplicas() counts. */
  readonly node: number
}

/** All replicas hold the same rows. Shared… are those of ClickHouse Cloud. */
const REPLICATED = /^(Replicated|Shared)/

async function localTables(server: Server, wanted: readonly Distributed[]): Promise<readonly Local[]> {
  if (wanted.length === 0) return []
  return await server.client.rows<Local>({
    query: `SELECT database, name, engine, sorting_key, create_table_query, total_rows, toString(uuid) AS uuid, _shard_num AS node
      FROM ${onAllNodes(server, 'system.tables')}
      WHERE has({databases:Array(String)}, database) AND has({tables:Array(String)}, name) ORDER BY node`,
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
function merged({ nodes }: Cluster, found: readonly Local[]): Omit<ShardTable, 'problem'> {
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
    uuids: identities([...new Set(nodes)].map((shard) => (byShard.get(shard) ?? []).map(({ uuid }) => uuid))),
  }
}

/**
 * One UUID per shard is folded into one, unless all are equal (ON CLUSTER). A replica that was added later may have another: then there are
 * several combinations, and the ledger knows which one was used.
 */
function identities(shards: readonly (readonly string[])[]): readonly string[] {
  let ways: readonly (readonly string[])[] = [[]]
  for (const uuids of shards) {
    const own = [...new Set(uuids.length === 0 ? ['none'] : uuids)].toSorted()
    ways = ways.flatMap((way) => own.map((uuid) => [...way, uuid])).slice(0, MOST_WAYS)
  }
  return ways.map((way) => (new Set(way).size === 1 ? way[0]! : foldedUuid(way)))
}

const MOST_WAYS = 1000

function foldedUuid(uuids: readonly string[]): string {
  return hash('sha256', uuids.join()).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
}

type ShardProblem = { readonly sentence: string; readonly hint: string }

type Target = {
  readonly engine: string
  readonly of: Distributed | undefined
  readonly isRandom: boolean
  readonly found: readonly Pick<Local, 'node' | 'engine' | 'sorting_key' | 'create_table_query'>[]
}

/** A column that only one of two nodes has: which node has it, and which lacks it. The statement is empty for a user who may not see it. */
function oddColumn(places: readonly string[], found: Target['found']): string | undefined {
  const [first, ...others] = found
    .filter(({ create_table_query: text }) => text !== '')
    .map(({ node, create_table_query: text }) => {
      const columns = ddlColumns({ text, file: places[node - 1]!, line: 1 })
      return {
        place: places[node - 1]!,
        columns: columns.map(({ name, type }) => `${quotedName(name)} ${type}`),
      }
    })
  const lacks = (has: typeof first, other: typeof first) => {
    const column = has!.columns.find((one) => !other!.columns.includes(one))
    return column && `${has!.place} has ${column}, and ${other!.place} does not`
  }
  return others.map((other) => lacks(first, other) ?? lacks(other, first)).find((text) => text !== undefined)
}

/** Why a target must not be written to on a cluster; undefined if it may. */
export function shardProblem(
  { name, nodes, places, unreachable }: Pick<Cluster, 'name' | 'nodes' | 'places' | 'unreachable'>,
  { engine, of, isRandom, found }: Target,
): ShardProblem | undefined {
  const again = `create it again: docs/how-to/clusters.md`
  if (of === undefined)
    return {
      sentence: `is a ${engine} on one server, not Distributed`,
      hint: `leave --cluster out, or ${again}`,
    }
  if (of.cluster !== name && of.cluster !== '{cluster}')
    return {
      sentence: `is Distributed over the cluster '${of.cluster}'`,
      hint: `--cluster ${of.cluster}, or ${again}`,
    }
  const local = `${of.database}.${of.table}`
  const without = places.filter(
    (place, index) => !found.some(({ node }) => node === index + 1) && !unreachable.includes(place),
  )
  if (without.length > 0)
    return {
      sentence: `is Distributed over ${local}, which does not exist on every node: ${without.join(', ')} lacks it, or you may not see it`,
      hint: `create it there as it is on the other nodes, or GRANT SHOW TABLES ON ${quotedName(of.database)}.*`,
    }
  const [first, ...others] = found
  const other = others.find((one) => one.sorting_key !== first!.sorting_key || one.engine !== first!.engine)
  if (other !== undefined)
    return {
      sentence: `has local tables ${local} that differ: ${first!.engine} sorted by ${first!.sorting_key}, and ${other.engine} sorted by ${other.sorting_key}`,
      hint: 'make them alike on all nodes',
    }
  const odd = oddColumn(places, found)
  if (odd !== undefined)
    return {
      sentence: `has local tables ${local} with other columns: ${odd}`,
      hint: 'make them alike with ALTER TABLE',
    }
  if (!first!.engine.includes('Replacing'))
    return {
      sentence: `has local tables ${local} that keep every row (${first!.engine}): built again after one shard has lost its rows, it would have those of the others twice`,
      hint: 'use ReplacingMergeTree, sorted by the key of a row',
    }
  if (new Set(nodes).size < nodes.length && !REPLICATED.test(first!.engine))
    return {
      sentence: `has local tables ${local} that are not Replicated, on shards with several replicas: each replica would have other rows`,
      hint: `use Replicated${first!.engine}, or a cluster without replicas`,
    }
  const sharding = nodes.every((shard) => shard === nodes[0])
    ? undefined
    : shardingProblem(of, columnsIn(first!.sorting_key), isRandom)
  return sharding === undefined
    ? undefined
    : {
        sentence: `may keep rows of one key on several shards, where nothing makes one of them: ${sharding}`,
        hint: `shard it by columns of its sorting key, as '--! shard' in sql/ddl does: ${again}`,
      }
}
