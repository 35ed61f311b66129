// Owns the audit after a crash: every table equals a clean run's, and the ledger tells the truth.
import type { Island } from '../../src/ledger/events.ts'
import type { EventName } from '../../src/clickhouse/schema.ts'
import { type Event, paint } from './ledger-history.ts'
import { post, rowsOf, type TestServer, uniqueDatabase } from './server.ts'
import { openTestWorkspace, type TestWorkspaceOptions } from './workspace.ts'

type Login = Pick<TestServer, 'url' | 'username' | 'password'>

export type Databases = { readonly source: string; readonly target: string; readonly ledger: string }

/** Names that nobody else has. */
export function newDatabases(source: string): Databases {
  return {
    source: uniqueDatabase(source),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
}

/**
 * Rows, distinct keys and a hash of all rows of a derived table. Rows are those that stand there, duplicates and all,
 * in a table that keeps them; those that FINAL leaves in one that replaces.
 */
export async function contentOf(server: Login, target: string, table: string): Promise<string> {
  const [facts] = await rowsOf<{ engine: string; sorting_key: string }>(
    server,
    'SELECT engine, sorting_key FROM system.tables WHERE database = {target:String} AND name = {table:String}',
    { target, table },
  )
  if (facts === undefined) return 'absent'
  const final = facts.engine.includes('Replacing') ? 'FINAL' : ''
  const [row] = await rowsOf<{ rows: number; keys: number; hash: number }>(
    server,
    `SELECT count() AS rows, uniqExact(${facts.sorting_key}) AS keys, toString(sum(sipHash64(*))) AS hash
    FROM {target:Identifier}.{table:Identifier} ${final}`,
    { target, table },
  )
  return `${row!.rows} rows, ${row!.keys} keys, hash ${row!.hash}`
}

export type AuditOptions = Omit<TestWorkspaceOptions, keyof Databases> & {
  readonly server: Login
  readonly databases: Databases
  /** Database of the tables that a clean run made. */
  readonly clean: string
  /** A table may say of itself that it has rows of a try that could not be taken back: it need not be equal then. */
  readonly mayBeStale?: boolean
}

/** What is wrong with the tables and their ledger, sentence by sentence; empty where all is as after a clean run. */
export async function audit({
  databases,
  clean,
  mayBeStale = false,
  ...options
}: AuditOptions): Promise<string[]> {
  const { server } = options
  const opened = await openTestWorkspace({ ...options, ...databases })
  const { chosen, ports } = opened.workspace
  try {
    const targets = await ports.target.tables(chosen.map(({ target }) => target))
    const uuids = new Map(chosen.map(({ key, target }) => [key, targets.get(target)!.uuid]))
    const views = await ports.ledger.fold(uuids)
    const events = await readEvents(server, databases.ledger)
    const found = chosen.map(async ({ key, target: table }): Promise<string[]> => {
      const folded = views.get(key)!.islands
      const painted = paint(events.filter((event) => event.key === key && event.uuid === uuids.get(key)))
      const ledger = [
        ...(JSON.stringify(withoutOrigin(folded)) === JSON.stringify(withoutOrigin(painted))
          ? []
          : [`the fold says ${JSON.stringify(folded)}, its events ${JSON.stringify(painted)}`]),
        ...painted
          .filter(({ state }) => state === 'dirty')
          .map(({ from, to }) => `${from}-${to} was started and has no verdict`),
      ]
      if (mayBeStale && folded.some(({ sqlHash }) => sqlHash.startsWith('mixed-'))) return ledger
      const [is, should] = await Promise.all([
        contentOf(server, databases.target, table),
        contentOf(server, clean, table),
      ])
      const joined = withoutOrigin(folded)
      return [
        ...ledger,
        ...(joined.length > 1 ? [`${joined.length} islands instead of one: ${JSON.stringify(joined)}`] : []),
        ...(is === should ? [] : [`has ${is}; a clean run has ${should}`]),
      ].map((what) => `${key}: ${what}`)
    })
    return (await Promise.all(found)).flat()
  } finally {
    await opened.close()
  }
}

/** States and SQL alone: checkpoints move the positions of inputs forward, which a replay of the events does not. */
function withoutOrigin(
  islands: readonly Island[],
): readonly Pick<Island, 'from' | 'to' | 'state' | 'sqlHash'>[] {
  const merged: { from: number; to: number; state: Island['state']; sqlHash: string }[] = []
  for (const { from, to, state, sqlHash } of islands) {
    const last = merged.at(-1)
    if (last !== undefined && last.to + 1 === from && last.state === state && last.sqlHash === sqlHash)
      last.to = to
    else merged.push({ from, to, state, sqlHash })
  }
  return merged
}

async function readEvents(server: Login, ledger: string): Promise<Event[]> {
  const rows = await rowsOf<{
    table_key: string
    uuid: string
    epoch: number
    seq: number
    event: EventName
    range_from: number
    range_to: number
    sql_hash: string
  }>(
    server,
    `SELECT table_key, toString(target_uuid) AS uuid, epoch, seq, event, range_from, range_to, sql_hash
    FROM {ledger:Identifier}.ledger WHERE event != 'checkpoint' ORDER BY epoch, seq`,
    { ledger },
  )
  return rows.map((row) => ({
    key: row.table_key,
    uuid: row.uuid,
    epoch: row.epoch,
    seq: row.seq,
    event: row.event,
    range: { from: row.range_from, to: row.range_to },
    hash: row.sql_hash,
  }))
}

/** The server's time, as the query log writes it. */
export async function serverTime(server: TestServer): Promise<string> {
  return (await post(server, 'SELECT now64(6)')).trim()
}

/** Statements since a time, by the server's own log, that were no mere questions. */
export async function writesSince(server: TestServer, since: string): Promise<{ query: string }[]> {
  await post(server, 'SYSTEM FLUSH LOGS query_log')
  return rowsOf(
    server,
    `SELECT query FROM system.query_log
    WHERE event_time_microseconds > {since:String} AND type = 'QueryStart' AND query_kind NOT IN ('Select', 'Describe', 'System')
      AND query NOT LIKE 'CHECK GRANT%'`,
    { since },
  )
}

/** Rows of a table, before merging. */
export function sizeOf(server: TestServer, database: string, table: string) {
  return rowsOf<{ rows: number }>(server, 'SELECT count() AS rows FROM {d:Identifier}.{t:Identifier}', {
    d: database,
    t: table,
  })
}
