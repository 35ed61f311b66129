// Owns the servers of `backfill check` and its query for databases. Reads only.
import type { ExistingTable } from '../../clickhouse/existing-tables.ts'
import type { ServerRole } from '../../clickhouse/connection.ts'
import type { Names, Server } from '../../clickhouse/server.ts'
import { SOME_RANGE, transformParams } from '../../targets/transform.ts'
import type { Range } from '../../model/blocks.ts'
import { boundStatement } from '../../sql-syntax/parameters.ts'
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
export function paramsOf(
  { source, target, network }: CheckServers,
  table: TableDefinition,
  range = SOME_RANGE,
): Record<string, unknown> {
  return transformParams({ table, network, range, source: source.connection, target: target.connection })
}

/** The transform of a range without parameters: it may stand beside those of other ranges. */
export function boundTo(servers: CheckServers, table: TableDefinition, range: Range): string {
  const { transform } = table
  return boundStatement({ transform, settings: {} }, paramsOf(servers, table, range))
}

/** Those that the user may see. */
export async function existingDatabases({ client }: Server): Promise<ReadonlySet<string>> {
  const query = 'SELECT name FROM system.databases'
  const rows = await client.rows<{ readonly name: string }>({ query, doing: 'looking for databases' })
  return new Set(rows.map(({ name }) => name))
}
