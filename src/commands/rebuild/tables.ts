// Owns the statements of a rebuild: listing, renaming, exchanging and dropping tables.
import type { Server } from '../../clickhouse/server.ts'

export async function tablesLike(server: Server, prefix: string): Promise<readonly NamedTable[]> {
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

const STATEMENTS = {
  /** @throws BackfillError `failed` if the first does not exist, or the second does */
  renaming: 'RENAME TABLE {database:Identifier}.{one:Identifier} TO {database:Identifier}.{other:Identifier}',
  /** Atomic: readers always find a table under both names. @throws BackfillError `failed` if one does not exist */
  exchanging:
    'EXCHANGE TABLES {database:Identifier}.{one:Identifier} AND {database:Identifier}.{other:Identifier}',
  dropping: 'DROP TABLE IF EXISTS {database:Identifier}.{one:Identifier} SYNC',
} as const

export async function changeTables(
  { client, connection: { database } }: Server,
  what: keyof typeof STATEMENTS,
  one: string,
  other = '',
): Promise<void> {
  const joint = what === 'exchanging' ? 'and' : 'to'
  await client.command({
    query: STATEMENTS[what],
    query_params: { database, one, other },
    // Allows dropping a table of more than 50 GB: the user has confirmed.
    clickhouse_settings: { max_table_size_to_drop: '0', max_partition_size_to_drop: '0' },
    doing: `${what} ${database}.${one}${other && ` ${joint} ${other}`}`,
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
}
