// Owns the statements that a run sent: read back from the server's log, and sent again by a loop that does nothing else.
import { post, rowsOf } from '../../test/support/server.ts'
import type { Place } from './backfill.ts'
import { send, type Server } from './server.ts'

/** One INSERT of a run, with its values in the text, as the server logged it. */
export type Logged = {
  /** Table key. */
  readonly table: string
  readonly query: string
  readonly settings: Readonly<Record<string, string>>
  /** `database.table.column` of everything it read. */
  readonly columns: readonly string[]
  /** Server time, with that of a shared step that was computed for it. */
  readonly ms: number
  readonly readRows: number
  readonly writtenRows: number
  readonly peakBytes: number
}

/** The INSERTs into the derived tables of `target`, in the order in which they began. */
export async function statementsOf(server: Server, target: string): Promise<readonly Logged[]> {
  await post(server, 'SYSTEM FLUSH LOGS query_log')
  const found = await rowsOf<Logged>(
    server,
    `SELECT
      extract(query, concat('^INSERT INTO ', {target:String}, '\\\\.int_(\\\\w+)')) AS table,
      query, Settings AS settings, columns,
      (dateDiff('microsecond', query_start_time_microseconds, event_time_microseconds) + step) / 1000 AS ms,
      read_rows AS readRows, written_rows AS writtenRows, memory_usage AS peakBytes
    FROM system.query_log
    LEFT JOIN (
      SELECT replaceOne(query_id, '-step', '') AS insert_id,
        dateDiff('microsecond', query_start_time_microseconds, event_time_microseconds) AS step
      FROM system.query_log WHERE type = 'QueryFinish' AND endsWith(query_id, '-step')
    ) AS steps ON query_id = insert_id
    WHERE type = 'QueryFinish' AND is_initial_query AND startsWith(query, concat('INSERT INTO ', {target:String}, '.int_'))
    ORDER BY query_start_time_microseconds`,
    { target },
  )
  if (found.length === 0) throw new Error(`no INSERT into ${target} in system.query_log`)
  return found
}

/** The same statements, one after the other over one connection, into another database. Locks of the run must still be there. */
export async function replay(
  server: Server,
  statements: readonly Logged[],
  from: string,
  to: string,
): Promise<void> {
  for (const { query, settings } of statements) await send(server, moved(query, from, to), settings)
}

/** The statement with the derived tables of another database. */
export function moved(query: string, from: string, to: string): string {
  return query.replaceAll(`${from}.`, `${to}.`)
}

/** Server time by table key, in ms. */
export function msByTable(statements: readonly Logged[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { table, ms } of statements) sums.set(table, (sums.get(table) ?? 0) + ms)
  return sums
}

/** Drops what a run made. */
export async function dropPlace(server: Server, { target, ledger }: Place): Promise<void> {
  for (const database of [target, ledger, `${ledger}_locks`])
    await post(server, 'DROP DATABASE IF EXISTS {database:Identifier} SYNC', { database })
}
