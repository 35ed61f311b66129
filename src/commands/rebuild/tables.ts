// Owns the statements of a rebuild: listing, renaming, exchanging and dropping tables.
import { sql } from 'kysely'
import type { Server } from '../../clickhouse/server.ts'

export type RebuildPort = ReturnType<typeof openRebuild>

/** All functions throw BackfillError `server`. */
export function openRebuild({ server }: { readonly server: Server }) {
  const { client, connection } = server
  const { database } = connection
  const command = (query: string, names: Readonly<Record<string, string>>, doing: string) =>
    client.command({
      query,
      query_params: { database, ...names },
      // Allows dropping a table of more than 50 GB: the user has confirmed.
      clickhouse_settings: { max_table_size_to_drop: '0', max_partition_size_to_drop: '0' },
      doing,
    })
  return {
    /** The tables whose names begin with `prefix`. */
    async tables(prefix: string): Promise<readonly NamedTable[]> {
      return await server
        .during(`looking at the tables of ${database}`)
        .selectFrom('system.tables')
        .select([
          'name',
          'engine',
          'total_rows as rows',
          'total_bytes as bytes',
          sql<string[]>`arrayMap((d, t) -> concat(d, '.', t), dependencies_database, dependencies_table)`.as(
            'views',
          ),
          sql<string>`toString(uuid)`.as('uuid'),
          sql<string>`(SELECT engine FROM system.databases WHERE name = ${database})`.as('databaseEngine'),
        ])
        .where('database', '=', database)
        .where(sql<boolean>`startsWith(name, ${prefix})`)
        .orderBy('name')
        .execute()
    },

    /** @throws BackfillError `failed` if `from` does not exist, or `to` does */
    rename: (from: string, to: string): Promise<void> =>
      command(
        'RENAME TABLE {database:Identifier}.{from:Identifier} TO {database:Identifier}.{to:Identifier}',
        { from, to },
        `renaming ${database}.${from} to ${to}`,
      ),

    /** Atomic: readers always find a table under both names. @throws BackfillError `failed` if one does not exist */
    exchange: (one: string, other: string): Promise<void> =>
      command(
        'EXCHANGE TABLES {database:Identifier}.{one:Identifier} AND {database:Identifier}.{other:Identifier}',
        { one, other },
        `exchanging ${database}.${one} and ${other}`,
      ),

    /** Drops a table of any size, if it exists. */
    drop: (name: string): Promise<void> =>
      command(
        'DROP TABLE IF EXISTS {database:Identifier}.{name:Identifier} SYNC',
        { name },
        `dropping ${database}.${name}`,
      ),
  }
}

/** A table of the target database. */
export type NamedTable = {
  readonly name: string
  readonly uuid: string
  readonly engine: string
  /** Of its database: EXCHANGE needs Atomic. */
  readonly databaseEngine: string
  /** Rows before merging and bytes on disk; null if the engine does not count them. */
  readonly rows: number | null
  readonly bytes: number | null
  /** The materialized views that read it. */
  readonly views: readonly string[]
}
