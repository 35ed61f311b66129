// Owns the servers of `backfill check` and its query for databases. Reads only.
import type { ExistingTable } from '../../clickhouse/existing-tables.ts'
import type { ServerRole } from '../../clickhouse/connection.ts'
import type { Names } from '../../clickhouse/own-databases.ts'
import type { Server } from '../../clickhouse/server.ts'
import { SOME_RANGE, transformParams } from '../../targets/transform.ts'
import type { ColumnProblem } from '../../sql-syntax/column-fit.ts'
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
  /** Receives, for each table, the columns that do not fit into its target. */
  readonly misfits?: Misfits
}

export type Misfits = Map<TableDefinition, readonly ColumnProblem[]>

/** The existing tables and databases; tables by name without database. */
export type ServerState = {
  readonly sources: ReadonlyMap<string, ExistingTable>
  readonly targets: ReadonlyMap<string, ExistingTable>
  readonly databases: { readonly source: ReadonlySet<string>; readonly target: ReadonlySet<string> }
}

/** For a statement of the table that is described, and not run. */
export function someParams(
  { source, target, network }: CheckServers,
  table: TableDefinition,
): Record<string, unknown> {
  const sides = { source: source.connection, target: target.connection }
  return transformParams({ table, network, range: SOME_RANGE, ...sides })
}

export async function existingDatabases(
  server: Server,
  databases: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await server.client.rows<{ readonly name: string }>({
    query: 'SELECT name FROM system.databases WHERE has({databases:Array(String)}, name)',
    query_params: { databases },
    doing: 'looking for databases',
  })
  return new Set(rows.map(({ name }) => name))
}
