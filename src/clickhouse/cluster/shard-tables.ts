// Owns reading a Distributed table as one table: its local tables on all shards, and why it must not be written to.
// The names of local tables come from the Distributed definition.
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { failedError } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { type Distributed, distributedEngine } from '../../sql-syntax/distributed.ts'
import { type ShardProblem, shardProblem } from './shard-problem.ts'
import type { Cluster, Server } from '../server.ts'
import { onAllNodes } from './cluster.ts'
import { determinismOf } from '../determinism.ts'
import { typed } from '../dialect.ts'
import type { SystemTables } from '../schema.ts'

/** A table of the cluster; engine and keys are those of its local tables. */
export type ShardTable = {
  readonly shape: {
    readonly engine: string
    readonly sortKey: string
    /** The CREATE TABLE of one local table; empty if there is none. */
    readonly definition: string
  }
  /** Rows of all shards before merging; null if a local table does not count its rows. */
  readonly rows: number | null
  /**
   * UUIDs that identify the local tables of all shards together: it changes if any of them is dropped and created again.
   * Several, if replicas of a shard have local tables with different UUIDs.
   */
  readonly uuids: readonly string[]
  /** Undefined if the table may be written to. */
  readonly problem: ShardProblem | undefined
}

export type Definition = { readonly name: string; readonly engine: string; readonly engine_full: string }

/** The table of each shard that holds the rows of a target. @throws BackfillError `failed` if the target is not Distributed */
export async function localOf(
  server: Server,
  { target }: TableDefinition,
): Promise<Pick<Distributed, 'database' | 'table'>> {
  const { database } = server.connection
  const row = await server
    .during(`looking at ${database}.${target}`)
    .selectFrom('system.tables')
    .select('engine_full')
    .where('database', '=', database)
    .where('name', '=', target)
    .executeTakeFirst()
  const found = distributedEngine(row?.engine_full ?? '')
  if (found === undefined) throw failedError(`${database}.${target} is not Distributed any more`)
  return { database: found.database, table: found.table }
}

/** The existing tables by name; none if the server is not a node of a cluster. */
export async function shardTables(
  server: Server,
  tables: readonly Definition[],
): Promise<ReadonlyMap<string, ShardTable>> {
  const { cluster } = server
  if (cluster === undefined) return new Map()
  const definitions = tables.map((table) => ({ ...table, of: distributedEngine(table.engine_full) }))
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
      const found = of === undefined ? [] : locals.filter((one) => isLocalOf(one, of))
      const isRandom = sharding[index] === 'nondeterministic'
      return [
        name,
        { ...merged(cluster, found), problem: shardProblem(cluster, { engine, of, isRandom, found }) },
      ]
    }),
  )
}

type Local = Pick<
  SystemTables,
  'database' | 'name' | 'uuid' | 'engine' | 'sorting_key' | 'create_table_query' | 'total_rows'
> & { /** From 1, as clusterAllReplicas() counts. */ readonly node: number }

function isLocalOf(one: Local, { database, table }: Distributed): boolean {
  return one.database === database && one.name === table
}

function among(values: readonly string[]): unknown {
  return typed([...new Set(values)], 'Array(String)')
}

async function localTables(server: Server, wanted: readonly Distributed[]): Promise<readonly Local[]> {
  if (wanted.length === 0) return []
  return await server
    .during('looking at the tables of all nodes')
    .selectFrom(onAllNodes<SystemTables & { _shard_num: number }>(server, 'system.tables').as('tables'))
    .select(['database', 'name', 'engine', 'sorting_key', 'create_table_query', 'total_rows'])
    .select([sql<string>`toString(uuid)`.as('uuid'), '_shard_num as node'])
    .where(sql<boolean>`has(${among(wanted.map(({ database }) => database))}, database)`)
    .where(sql<boolean>`has(${among(wanted.map(({ table }) => table))}, name)`)
    .orderBy('node')
    .execute()
}

/** The local tables, one per shard (from the first node that has it), as one table. */
function merged({ nodes }: Cluster, found: readonly Local[]): Omit<ShardTable, 'problem'> {
  const byShard = Map.groupBy(found, ({ node }) => nodes[node - 1] ?? 0)
  const counts = [...byShard.values()].map((replicas) =>
    replicas.reduce<number | null>(
      (most, { total_rows }) => (total_rows === null || most === null ? null : Math.max(most, total_rows)),
      0,
    ),
  )
  const [first] = found
  return {
    shape: {
      engine: first?.engine ?? '',
      sortKey: first?.sorting_key ?? '',
      definition: first?.create_table_query ?? '',
    },
    rows: counts.reduce((sum, rows) => (sum === null || rows === null ? null : sum + rows), 0),
    uuids: identities([...new Set(nodes)].map((shard) => (byShard.get(shard) ?? []).map(({ uuid }) => uuid))),
  }
}

/**
 * One UUID per shard is combined into one; if all are equal (ON CLUSTER gives all the same), it is that UUID. A replica
 * that was added later may have a different UUID: then there are several combinations, and the ledger knows which one
 * was used.
 */
function identities(shards: readonly (readonly string[])[]): readonly string[] {
  let ways: readonly (readonly string[])[] = [[]]
  for (const uuids of shards) {
    const own = [...new Set(uuids.length === 0 ? ['none'] : uuids)].toSorted()
    ways = ways.flatMap((way) => own.map((uuid) => [...way, uuid])).slice(0, MOST_WAYS)
  }
  return ways.map((way) => (new Set(way).size === 1 ? way[0]! : foldedUuid(way)))
}

/** As many as fit into a statement's parameter. */
const MOST_WAYS = 1000

function foldedUuid(uuids: readonly string[]): string {
  const hash = createHash('sha256').update(uuids.join()).digest('hex')
  return hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
}
