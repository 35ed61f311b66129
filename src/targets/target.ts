// Owns the derived tables on the target server: which exist, with which columns, and their creation.
import { sql } from 'kysely'
import { attempt, ignore, usageError } from '../model/errors.ts'
import type { SqlText, TableDefinition } from '../model/model.ts'
import { type Distributed, ttlOfRows } from '../sql-syntax/ddl-clauses.ts'
import { createTable, type DdlColumn } from '../sql-syntax/create-table.ts'
import type { Server, Names } from '../clickhouse/server.ts'
import { assertAllNodes } from '../clickhouse/cluster/cluster.ts'
import { onCluster, runQueued } from '../clickhouse/cluster/queue.ts'
import type { OutputColumn } from '../sql-syntax/column-fit.ts'
import { columnsOfDdl } from '../clickhouse/server-words.ts'
import { rowPolicies } from '../clickhouse/row-policies.ts'
import { mustSee } from '../clickhouse/grants.ts'
import { oldestParts } from '../clickhouse/oldest-parts.ts'
import { assertAttached, assertUuids, problemOfUuid } from '../clickhouse/table-identity.ts'
import { freeSpace } from './free-space.ts'
import { assertNoOtherFront, dropOf } from '../clickhouse/cluster/fronts.ts'
import { misplacedOfTarget, type Within } from '../clickhouse/cluster/placement.ts'
import { assertNamed, clusterDdl } from './cluster-ddl.ts'
import { uuidOfShards } from './shards-uuid.ts'
import { type ExistingTable, existingTables } from '../clickhouse/existing-tables.ts'

/** A table that exists on the target server; of one of a cluster, the rows are those of all shards, and the bytes unknown. */
export type TargetTable = Omit<ExistingTable, 'shards'> & {
  /** It has a TTL: rows or values go by themselves. */
  readonly fades?: boolean
  /** A TTL takes rows: that there are none is no sign that somebody has emptied it. */
  readonly expires?: boolean
  /** Of a table of a cluster: where its rows are, and the key that says on which shard; the materialized views that read its local tables. */
  readonly sharding?: Distributed
  readonly localViews?: readonly string[]
  /** Why its rows cannot be deleted, as the end of a sentence. */
  readonly noDeletes?: string
  /** Why it must not be written to: a sentence without the table's name, and the hint. */
  readonly problem?: { readonly sentence: string; readonly hint: string }
}

/** No columns: they are not known. */
type Identity = Pick<TargetTable, 'uuid' | 'rows'> & { readonly columns: readonly OutputColumn[] }

/** Beside its events. */
const LEDGER_TABLES = ['sql_versions', 'source_probe', 'steering', 'tables', 'run_reports']

export type LedgerState = 'absent' | 'old' | 'no locks' | 'ready'

export type TargetPort = ReturnType<typeof openTarget>

type TargetOptions = {
  readonly server: Server
  readonly names: Names
  /** Tables that the user may not see count as absent. */
  readonly mayHide?: boolean
}

export function openTarget({ server, names, mayHide = false }: TargetOptions) {
  const { database } = server.connection
  const run = ({ text, file }: SqlText, query_params: Record<string, string>) =>
    runQueued(server, { query: text, query_params, doing: `running ${file}`, isRepeatable: true })

  const ddlOf = (table: TableDefinition): readonly SqlText[] =>
    server.cluster === undefined ? [table.ddl] : clusterDdl(server.cluster, table)

  /** The derived tables that exist, by table name without database. */
  async function tables(wanted: readonly string[]): Promise<ReadonlyMap<string, TargetTable>> {
    const found = await existingTables(server, wanted)
    const unseen = wanted.filter((name) => (found.get(name)?.columns ?? []).length === 0)
    if (!mayHide)
      await mustSee(
        server,
        unseen.map((table) => ({ kind: 'table', database, table })),
      )
    await assertAttached(server, database, unseen)
    const seen = [...found].map(
      async ([name, table]) => [name, await asTarget(server, names, table)] as const,
    )
    return new Map(await Promise.all(seen))
  }

  /** @throws BackfillError `usage` for a ledger of a newer version */
  /** As far as anybody has looked for the ledger. */
  let locksInKeeper = false
  async function ledgerFacts() {
    const facts = await server
      .during('looking for the ledger')
      .selectNoFrom([
        sql<string[]>`(SELECT groupArray(concat(name, ' ', engine)) FROM system.databases
          WHERE name IN (${database}, ${names.ledger}, ${names.locks}))`.as('databases'),
        sql<string[]>`(SELECT groupUniqArray(table) FROM system.columns WHERE database = ${names.ledger})`.as(
          'tables',
        ),
        sql<string>`(SELECT any(comment) FROM system.tables WHERE database = ${names.ledger} AND name = 'ledger')`.as(
          'comment',
        ),
        sql<number>`(SELECT count() FROM system.tables WHERE database = ${names.locks} AND engine = 'KeeperMap')`.as(
          'inKeeper',
        ),
      ])
      .executeTakeFirstOrThrow()
    assertKnownLedger(names.ledger, facts.comment)
    locksInKeeper = facts.inKeeper > 0
    return facts
  }

  async function prepareLedger(statements: readonly SqlText[]): Promise<void> {
    const keeper_path = `/backfill/${server.cluster?.name}/${names.locks}`
    const params = { ledger: names.ledger, locks: names.locks, ...(names.inKeeper && { keeper_path }) }
    for (const statement of statements) await run(statement, params)
  }

  return {
    /** Runs statements of sql/ledger, each of which creates what is missing. */
    prepareLedger,

    database,
    tables,
    /** The row policies that hide rows of these tables from the user. @throws BackfillError `server` */
    policies: (wanted: readonly string[]) => rowPolicies(server, wanted),

    async identities(wanted: readonly string[]): Promise<ReadonlyMap<string, Identity>> {
      // The UUID of a table of a cluster is made of those of its local tables.
      if (server.cluster !== undefined) return await tables(wanted)
      const rows = await server.client.rows<
        Omit<Identity, 'columns'> & { name: string; types?: [name: string, type: string][] }
      >({
        query: `SELECT name, total_rows AS rows, toString(uuid) AS uuid, types
          FROM system.tables
          LEFT ANY JOIN (
            SELECT table AS of, groupArray((name, type)) AS types FROM system.columns
            WHERE database = {database:String} AND has({wanted:Array(String)}, table) GROUP BY of
          ) AS typed ON tables.name = typed.of
          WHERE tables.database = {database:String} AND has({wanted:Array(String)}, tables.name)`,
        query_params: { database, wanted },
        doing: `looking at the tables of ${database}`,
      })
      return new Map(
        rows.map(({ name: found, types = [], ...table }) => [
          found,
          { ...table, columns: types.map(([name, type]) => ({ name, type })) },
        ]),
      )
    },

    oldestParts: (wanted: readonly string[]) => oldestParts(server, wanted),
    misplacedRows: (sharding: Distributed, within?: Within) => misplacedOfTarget(server, sharding, within),
    freeSpace: (wanted: readonly string[]) => freeSpace(server, wanted),

    ddlColumns: ({ ddl }: TableDefinition): Promise<readonly DdlColumn[]> => columnsOfDdl(server, ddl),

    /** @throws BackfillError `usage` for a ledger of a newer version */
    assertKnownLedger: async (): Promise<void> => void (await ledgerFacts()),

    /** `old`: of a version with fewer tables; `no locks`: restored from a backup. @throws BackfillError `usage` for a ledger of a newer version */
    async ledgerState(): Promise<LedgerState> {
      const { databases, tables: known } = await ledgerFacts()
      for (const name of [database, names.ledger, names.locks]) assertUuids(name, databases)
      const locked = databases.some((one) => one.startsWith(`${names.locks} `))
      if (!locked) await mustSee(server, [{ kind: 'database', database: names.locks }])
      if (!known.includes('ledger')) {
        await mustSee(server, [{ kind: 'table', database: names.ledger, table: 'ledger' }])
        await assertAttached(server, names.ledger, ['ledger', 'sql_versions'])
        return 'absent'
      }
      const lacking = LEDGER_TABLES.filter((name) => !known.includes(name))
      if (lacking.length === 0) return locked ? 'ready' : 'no locks'
      await assertAttached(server, names.ledger, lacking)
      return 'old'
    },

    /** Creates the target database and the ledger's databases and tables if they are missing. */
    async prepare(ledger: readonly SqlText[]): Promise<void> {
      assertAllNodes(server)
      if (locksInKeeper) assertNamed(server, names)
      const query = `CREATE DATABASE IF NOT EXISTS {target:Identifier}${onCluster(server)}`
      const doing = `creating the database ${database}`
      await runQueued(server, { query, query_params: { target: database }, doing, isRepeatable: true })
      await prepareLedger(ledger)
    },

    /** @throws BackfillError `usage` for a table that cannot be created; sends no statement. */
    assertCreatable: (table: TableDefinition): void => void ddlOf(table),

    dropOf: (name: string): Promise<string> => dropOf(server, name),

    async create(table: TableDefinition): Promise<void> {
      await assertNoOtherFront(server, table)
      for (const statement of ddlOf(table)) await run(statement, { target: database })
    },
  }
}

const NO_CLUSTER = {
  sentence: 'is Distributed, so its rows are on other servers',
  hint: 'name the cluster with --cluster or BACKFILL_CLUSTER',
}

async function asTarget(server: Server, names: Names, { shards, definition, ...table }: ExistingTable) {
  const rowsIn = shards?.shape.definition ?? definition
  const why = noDeletes(table.engine, rowsIn)
  const fades = /\bTTL\b/.test(rowsIn)
  const own = table.engine === 'Distributed' ? NO_CLUSTER : problemOfUuid(table.uuid)
  const problem = shards === undefined ? own : shards.problem
  return {
    ...table,
    definition: rowsIn,
    fades,
    expires: fades && expires(rowsIn),
    ...(why !== undefined && { noDeletes: why }),
    ...(problem && { problem }),
    ...(shards?.sharding && { sharding: shards.sharding }),
    ...(shards && {
      uuid: await uuidOfShards(server, names, shards),
      rows: shards.rows,
      bytes: null,
      localViews: shards.views,
    }),
  }
}

/** What stands there may be no CREATE TABLE. */
function expires(text: string): boolean {
  const created = attempt(ignore, () => createTable({ file: 'system.tables', text, line: 1 }))
  return created !== undefined && ttlOfRows(created.clauses).length > 0
}

function noDeletes(engine: string, definition: string): string | undefined {
  if (!engine.includes('MergeTree')) return `the engine ${engine} has no DELETE`
  return /\bPROJECTION\b/.test(definition) && !definition.includes('lightweight_mutation_projection_mode')
    ? "it has a projection, and its setting lightweight_mutation_projection_mode, 'drop' or 'rebuild', is not set"
    : undefined
}

/** A version that changes what the ledger's rows mean raises it, in the comment of its table too (sql/ledger). */
export const LEDGER_VERSION = 1

/** @throws BackfillError `usage` if a newer version of this program has written the ledger */
function assertKnownLedger(ledger: string, comment: string): void {
  const [, version = '1'] = /; version (\d+)$/.exec(comment) ?? []
  if (Number(version) <= LEDGER_VERSION) return
  throw usageError(
    `a newer version of backfill wrote the ledger ${ledger}: it has version ${version}, this program knows ${LEDGER_VERSION}`,
    'install the newer version again; docs/how-to/upgrading.md says how to go back. Nothing was changed',
  )
}
