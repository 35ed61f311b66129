// Owns reading existing tables by name: the only query of system.tables and system.columns for them.
import type { Server } from './server.ts'
import { type ShardTable, shardTables } from './cluster/shard-tables.ts'
import type { DdlColumn } from '../sql-syntax/create-table.ts'

export type ExistingTable = {
  readonly uuid: string
  /** On a cluster engine and keys are those of the local tables. */
  readonly engine: string
  readonly sortKey: string
  /** Rows before merging; null if the engine does not count them. */
  readonly rows: number | null
  readonly bytes: number | null
  /** The materialized views that read it, with their databases: each takes every row that is inserted. */
  readonly views: readonly string[]
  readonly definition: string
  readonly columns: readonly (DdlColumn & { readonly expression: string })[]
  /** Its local tables as one; undefined if the server is not a node of a cluster. */
  readonly shards: ShardTable | undefined
}

/** By name, as far as the user may see them. @throws BackfillError `server`, `failed` */
export async function existingTables(
  server: Server,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, ExistingTable>> {
  if (wanted.length === 0) return new Map()
  const { client, connection } = server
  const { database } = connection
  const question = { query_params: { database, wanted }, doing: `looking at the tables of ${database}` }
  const readColumns = async () => {
    const columns = await client.rows<ExistingTable['columns'][number] & { table: string }>({
      query: `SELECT table, name, type, default_kind AS defaultKind, default_expression AS expression
        FROM system.columns WHERE database = {database:String} AND has({wanted:Array(String)}, table) ORDER BY position`,
      ...question,
    })
    return Map.groupBy(columns, ({ table }) => table)
  }
  const [tables, found] = await Promise.all([
    client.rows<Omit<ExistingTable, 'columns' | 'shards'> & { name: string; engine_full: string }>({
      query: `SELECT name, engine, engine_full, sorting_key AS sortKey, total_rows AS rows, total_bytes AS bytes,
          create_table_query AS definition, toString(uuid) AS uuid,
          arrayMap((d, t) -> concat(d, '.', t), dependencies_database, dependencies_table) AS views
        FROM system.tables WHERE database = {database:String} AND has({wanted:Array(String)}, name)`,
      ...question,
    }),
    readColumns(),
  ])
  // A table that another run has created in this moment may be in one answer and not in the other.
  const isWhole = tables.every(({ name }) => found.has(name))
  const columnsOf = isWhole ? found : await readColumns()
  const locals = await shardTables(server, tables)
  return new Map(
    tables.map(({ name, engine_full: __, ...table }): [string, ExistingTable] => {
      const shards = locals.get(name)
      const { engine, sortKey } = shards?.shape ?? table
      const own = (columnsOf.get(name) ?? []).map(({ table: ___, ...column }) => column)
      return [name, { ...table, engine, sortKey, shards, columns: own }]
    }),
  )
}
