// Owns tables as they stand on a server, with all that a DDL file can be compared with.
import { sql } from 'kysely'
import { typed } from './dialect.ts'
import type { Server } from './server.ts'
import { shardTables } from './cluster/shard-tables.ts'
import type { DefaultKind } from '../sql-syntax/create-table.ts'

/** Those of the connection's database that exist, as far as the user may see them. */
export async function existingTables(
  server: Server,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, ExistingTable>> {
  const { connection } = server
  const db = server.during(`looking at the tables of ${connection.database}`)
  const inList = (column: string) =>
    sql<boolean>`has(${typed([...wanted], 'Array(String)')}, ${sql.ref(column)})`
  const [tables, columns] = await Promise.all([
    db
      .selectFrom('system.tables')
      .select(['name', 'engine', 'engine_full', 'sorting_key', 'partition_key'])
      .where('database', '=', connection.database)
      .where(inList('name'))
      .execute(),
    db
      .selectFrom('system.columns')
      .select(['table', 'name', 'type', 'default_kind', 'default_expression'])
      .where('database', '=', connection.database)
      .where(inList('table'))
      .orderBy('position')
      .execute(),
  ])
  const columnsOf = Map.groupBy(columns, (column) => column.table)
  const locals = await shardTables(server, tables)
  return new Map(
    tables.map((table): [string, ExistingTable] => [
      table.name,
      {
        engine: table.engine,
        engineFull: table.engine_full,
        sortKey: table.sorting_key,
        partitionKey: table.partition_key,
        ...locals.get(table.name)?.shape,
        columns: (columnsOf.get(table.name) ?? []).map((column) => ({
          name: column.name,
          type: column.type,
          defaultKind: column.default_kind,
          expression: column.default_expression,
        })),
      },
    ]),
  )
}

/** A table as it stands on a server, in the server's own words. */
export type ExistingTable = {
  readonly engine: string
  /** With arguments and everything behind it. */
  readonly engineFull: string
  readonly sortKey: string
  readonly partitionKey: string
  readonly columns: readonly {
    readonly name: string
    readonly type: string
    readonly defaultKind: DefaultKind
    readonly expression: string
  }[]
}
