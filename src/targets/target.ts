// Owns the derived tables as they stand on the target server: which exist, with which columns, and their creation.
import { sql } from 'kysely'
import { usageError } from '../model/errors.ts'
import type { SqlText, TableDefinition } from '../model/model.ts'
import type { Column, TargetPort, TargetTable } from './target-port.ts'
import type { Cluster, Server } from '../clickhouse/server.ts'
import { onCluster } from '../clickhouse/cluster/cluster.ts'
import { typed } from '../clickhouse/dialect.ts'
import type { Names } from '../clickhouse/own-databases.ts'
import { isMissing, serverError } from '../clickhouse/server-error.ts'
import { mustSee } from '../clickhouse/grants.ts'
import { type Definition, shardTables } from '../clickhouse/cluster/shard-tables.ts'

export function openTarget({
  server,
  names,
  mayHide = false,
}: {
  readonly server: Server
  readonly names: Names
  /** What the user may not see counts as absent: nothing depends on it. */
  readonly mayHide?: boolean
}): TargetPort {
  const { db, connection } = server
  const { database } = connection
  const failing = (doing: string) => (error: unknown) => {
    throw serverError(error, { connection, doing })
  }
  const run = ({ text, file }: SqlText, query_params: Record<string, string>) =>
    server.client.command({ query: text, query_params }).catch(failing(`running ${file}`))

  const ddlOf = (table: TableDefinition): readonly SqlText[] =>
    server.cluster === undefined ? [table.ddl] : clusterDdl(server.cluster, table)

  return {
    database,

    async tables(wanted) {
      if (wanted.length === 0) return new Map()
      const inList = (column: string) =>
        sql<boolean>`has(${typed([...wanted], 'Array(String)')}, ${sql.ref(column)})`
      const [tables, columns] = await Promise.all([
        db
          .selectFrom('system.tables')
          .select(['name', 'engine', 'engine_full', 'total_rows', sql<string>`toString(uuid)`.as('uuid')])
          .where('database', '=', database)
          .where(inList('name'))
          .execute(),
        db
          .selectFrom('system.columns')
          .select(['table', 'name', 'type', 'default_kind'])
          .where('database', '=', database)
          .where(inList('table'))
          .orderBy('position')
          .execute(),
      ]).catch(failing(`looking at the tables of ${database}`))
      const unseen = wanted.filter((name) => !columns.some(({ table }) => table === name))
      if (!mayHide)
        await mustSee(
          server,
          unseen.map((table) => ({ kind: 'table', database, table })),
        )
      const columnsOf = Map.groupBy(columns, (column) => column.table)
      const shared = await tablesOfShards(server, names, tables)
      return new Map(
        tables.map(({ name, uuid, engine, total_rows }): [string, TargetTable] => [
          name,
          {
            uuid,
            engine,
            rows: total_rows,
            ...(engine === 'Distributed' && server.cluster === undefined && { problem: NO_CLUSTER }),
            ...shared.get(name),
            columns: (columnsOf.get(name) ?? []).map((column): Column => ({
              name: column.name,
              type: column.type,
              defaultKind: column.default_kind,
            })),
          },
        ]),
      )
    },

    async ledgerState() {
      const locks = db.selectFrom('system.databases').select('name').where('name', '=', names.locks)
      const columns = await db
        .selectFrom('system.columns')
        .select(['table', 'name'])
        .where('database', '=', names.ledger)
        .where('table', 'in', ['ledger', 'sql_versions'])
        .where(sql<boolean>`${names.locks} IN ${locks}`)
        .execute()
        .catch(failing('looking for the ledger'))
      const has = (table: string, column: string) =>
        columns.some((one) => one.table === table && one.name === column)
      if (!has('ledger', 'network')) {
        await mustSee(server, [
          { kind: 'table', database: names.ledger, table: 'ledger' },
          { kind: 'database', database: names.locks },
        ])
        return 'absent'
      }
      return has('ledger', 'rows_expected') && has('sql_versions', 'text') ? 'ready' : 'old'
    },

    async prepare(ledger) {
      await server.client
        .command({
          query: `CREATE DATABASE IF NOT EXISTS {target:Identifier}${onCluster(server)}`,
          query_params: { target: database },
        })
        .catch(failing(`creating the database ${database}`))
      const { cluster } = server
      const keeper_path = `/backfill/${cluster?.name}/${names.locks}`
      const params = { ledger: names.ledger, locks: names.locks, ...(names.inKeeper && { keeper_path }) }
      for (const statement of ledger) await run(statement, params)
    },

    assertCreatable: (table) => void ddlOf(table),

    async create(table) {
      for (const statement of ddlOf(table)) await run(statement, { target: database })
    },
  }
}

/** @throws BackfillError `usage` where a table cannot be created on all shards */
function clusterDdl({ name, keeper }: Cluster, { target, ddl, clusterDdl: found }: TableDefinition) {
  if (!keeper)
    throw usageError(
      `the table ${target} does not exist, and the cluster '${name}' has no ON CLUSTER to create it with (it has no Keeper)`,
      'create it by hand, a local table on each server and a Distributed one over them: docs/clusters.md',
    )
  if (found.length === 0)
    throw usageError(
      `${ddl.file} says no '--! shard', without which the table cannot be created on a cluster`,
      `write which shard a row belongs to above it, such as --! shard: cityHash64(address): docs/clusters.md`,
    )
  return found
}

const NO_CLUSTER = {
  sentence: 'is Distributed, so its rows are on other servers',
  hint: 'name the cluster with --cluster or BACKFILL_CLUSTER',
}

/** What `TargetPort` says otherwise of tables where the server is a node of a cluster: nothing where it is not. */
export async function tablesOfShards(
  server: Server,
  names: Names,
  tables: readonly Definition[],
): Promise<ReadonlyMap<string, Pick<TargetTable, 'uuid' | 'engine' | 'rows' | 'problem'>>> {
  const found = await shardTables(server, tables)
  const chosen = await Promise.all(
    [...found].map(async ([name, { uuids, shape, rows, problem }]) => {
      const uuid = uuids.length > 1 ? await knownUuid(server, names, uuids) : uuids[0]!
      return [name, { uuid, engine: shape.engine, rows, ...(problem && { problem }) }] as const
    }),
  )
  return new Map(chosen)
}

/** The one under which the ledger has the latest events; the first where it has none. */
async function knownUuid(
  { db, connection }: Server,
  names: Names,
  uuids: readonly string[],
): Promise<string> {
  const row = await db
    .withSchema(names.ledger)
    .selectFrom('ledger')
    .select(sql<string>`toString(target_uuid)`.as('uuid'))
    .where(sql<boolean>`has(${typed([...uuids], 'Array(UUID)')}, target_uuid)`)
    .orderBy('epoch', 'desc')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
    .catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw serverError(error, { connection, doing: 'reading the ledger' })
    })
  return row?.uuid ?? uuids[0]!
}
