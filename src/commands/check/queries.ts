// Owns the servers of `backfill check` and its query for databases. Reads only.
import { sql } from 'kysely'
import { typed } from '../../clickhouse/dialect.ts'
import type { ExistingTable } from '../../clickhouse/existing-tables.ts'
import type { ServerRole } from '../../clickhouse/grants.ts'
import type { Names } from '../../clickhouse/own-databases.ts'
import type { Server } from '../../clickhouse/server.ts'
import type { Catalogue, Network, TableDefinition } from '../../model/model.ts'

export type CheckServers = Readonly<Record<ServerRole, Server>> & {
  readonly names: Names
  readonly network: Network
}

export type ServerCheck = {
  readonly servers: CheckServers
  readonly catalogue: Catalogue
  /** The tables whose files have no error. */
  readonly tables: readonly TableDefinition[]
}

/** The existing tables and databases; tables by name without database. */
export type ServerState = {
  readonly sources: ReadonlyMap<string, ExistingTable>
  readonly targets: ReadonlyMap<string, ExistingTable>
  readonly databases: { readonly source: ReadonlySet<string>; readonly target: ReadonlySet<string> }
}

export async function existingDatabases(
  server: Server,
  databases: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await server
    .during('looking for databases')
    .selectFrom('system.databases')
    .select('name')
    .where(sql<boolean>`has(${typed([...databases], 'Array(String)')}, name)`)
    .execute()
  return new Set(rows.map(({ name }) => name))
}
