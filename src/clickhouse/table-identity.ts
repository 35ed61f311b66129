// Owns what the program needs of its tables: a UUID, by which the ledger knows them, to be attached, and to keep their rows.
import type { Names, Server } from './server.ts'
import { usageError } from '../model/errors.ts'
import { quotedName } from '../sql-syntax/quoting.ts'
import { unlessRefused } from './server-error.ts'

const WITHOUT_UUIDS: readonly string[] = ['Ordinary', 'Memory', 'Lazy']

/** `databases`: `name engine` of those that exist. @throws BackfillError `usage` if its tables have no UUID, or if it is Replicated */
export function assertUuids(database: string, databases: readonly string[]): void {
  const engine = WITHOUT_UUIDS.find((one) => databases.includes(`${database} ${one}`))
  if (engine !== undefined)
    throw usageError(
      `the database ${database} has the engine ${engine}, whose tables have no UUID: the ledger could not tell a table from one that replaced it`,
      USE_ATOMIC,
    )
  if (databases.includes(`${database} Replicated`))
    throw usageError(
      `the database ${database} has the engine Replicated, which takes no ON CLUSTER, and in which plain tables have other rows on each replica`,
      USE_ATOMIC,
    )
}

const USE_ATOMIC =
  'use a database with the engine Atomic: TARGET_CLICKHOUSE_DATABASE for the tables, BACKFILL_LEDGER_DATABASE for the ledger'

export function problemOfUuid(uuid: string): { sentence: string; hint: string } | undefined {
  return uuid === NO_UUID
    ? { sentence: 'has no UUID, by which the ledger knows a table', hint: USE_ATOMIC }
    : undefined
}

const NO_UUID = '00000000-0000-0000-0000-000000000000'

/** Of tables that were not found; where detached ones cannot be asked for, none is. @throws BackfillError `usage` if one is detached */
export async function assertAttached(server: Server, database: string, tables: readonly string[]) {
  if (tables.length === 0) return
  const [detached] = await server.client
    .rows<{ table: string }>({
      query: `SELECT table FROM system.detached_tables
        WHERE database = {database:String} AND has({tables:Array(String)}, table) ORDER BY table`,
      query_params: { database, tables },
      doing: 'looking for detached tables',
    })
    .catch(unlessRefused([]))
  if (detached === undefined) return
  const name = `${quotedName(database)}.${quotedName(detached.table)}`
  throw usageError(`the table ${name} is detached`, `ATTACH TABLE ${name}`)
}

/** @throws BackfillError `usage` if a TTL deletes events: blocks without an event run again */
export async function assertKept(server: Server, { ledger }: Names): Promise<void> {
  // A comment may hold any word.
  const [dropping] = await server.client.rows<{ name: string }>({
    query: `SELECT name FROM system.tables WHERE database = {ledger:String} AND name IN ('ledger', 'sql_versions')
      AND position(replaceRegexpAll(create_table_query, {literal:String}, ''), ' TTL ') > 0`,
    query_params: { ledger, literal: String.raw`'(\\.|[^'\\])*'` },
    doing: 'looking at the ledger',
  })
  if (dropping === undefined) return
  const name = `${quotedName(ledger)}.${quotedName(dropping.name)}`
  throw usageError(
    `the table ${name} has a TTL: blocks whose events it deletes would run again`,
    `ALTER TABLE ${name} REMOVE TTL; of a column: ALTER TABLE ${name} MODIFY COLUMN <name> REMOVE TTL`,
  )
}
