// Owns whom `backfill check` asks, and its questions of databases and rights. Nothing here writes.
import { sql } from 'kysely'
import { typed } from '../../clickhouse/dialect.ts'
import type { ExistingTable } from '../../clickhouse/existing-tables.ts'
import { missingGrantsOn, type Need, type ServerRole } from '../../clickhouse/grants.ts'
import type { Names } from '../../clickhouse/own-databases.ts'
import type { Server } from '../../clickhouse/server.ts'
import type { Catalogue, Network, TableDefinition } from '../../model/model.ts'

/** Both sides, and what is configured with them. */
export type CheckServers = Readonly<Record<ServerRole, Server>> & {
  readonly names: Names
  readonly network: Network
}

export type ServerCheck = {
  readonly servers: CheckServers
  readonly catalogue: Catalogue
  /** Those whose files are sound. */
  readonly tables: readonly TableDefinition[]
}

/** What is there on the servers, by table name without database. */
export type ServerState = {
  readonly sources: ReadonlyMap<string, ExistingTable>
  readonly targets: ReadonlyMap<string, ExistingTable>
  /** Databases that exist. */
  readonly databases: { readonly source: ReadonlySet<string>; readonly target: ReadonlySet<string> }
}

/** Which of the databases exist, as far as the user may see them. @throws BackfillError `server`, `failed` */
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

/**
 * Those of the needs that the users lack; undefined where a server cannot be asked (before 24.10).
 * @throws BackfillError `server`, `failed`
 */
export async function lackingNeeds<One extends Need>(
  servers: CheckServers,
  requiredGrants: readonly One[],
): Promise<readonly One[] | undefined> {
  const on = (side: ServerRole) =>
    missingGrantsOn(
      servers[side],
      requiredGrants.filter((need) => need.side === side),
    )
  const [ofSource, ofTarget] = await Promise.all([on('source'), on('target')])
  return ofSource && ofTarget && [...ofSource, ...ofTarget]
}
