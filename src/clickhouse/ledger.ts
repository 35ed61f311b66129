// Owns the ledger table: appends fenced events, reads the fold.
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pLimit, { type LimitFunction } from 'p-limit'
import type { BackfillError } from '../runner/errors.ts'
import type { Island, LedgerEvent } from '../runner/ledger-model.ts'
import type { Range } from '../runner/model.ts'
import type { Attempt, LedgerPort, LedgerView, Lock, Patience } from '../runner/ports.ts'
import { backoffMs, verdictOn } from '../runner/pure/failure.ts'
import { triesIn } from '../runner/pure/recovery.ts'
import { typed } from './dialect.ts'
import { fence } from './fence.ts'
import { eventsOf, type FoldKey, foldQuery, ofPresentTargets, POSITION } from './fold.ts'
import type { Names } from './names.ts'
import type { IslandTuple } from './schema.ts'
import { serverError } from './server-error.ts'
import type { Server } from './server.ts'

export type LedgerOptions = {
  readonly server: Server
  readonly names: Names
  readonly network: string
  readonly toolVersion: string
}

/** The ledger of one network on the target server. */
export function openLedger({ server, names, network, toolVersion }: LedgerOptions): LedgerPort {
  const db = server.db.withSchema(names.ledger)
  const failing = (doing: string) => (error: unknown) => {
    throw serverError(error, { connection: server.connection, doing })
  }
  const foldKey = (uuids: ReadonlyMap<string, string>): FoldKey => ({ network, uuids, fromCheckpoint: true })

  async function fold(uuids: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, LedgerView>> {
    if (uuids.size === 0) return new Map()
    const tails = await tailsOf(uuids).execute().catch(failing('reading the ledger'))
    const tailOf = new Map(tails.map((row) => [row.table_key, row]))
    // A checkpoint with nothing behind it is the fold, a query that takes the server long only to understand.
    const open = new Map([...uuids].filter(([key]) => (tailOf.get(key)?.tail ?? 0) > 0))
    const folded =
      open.size === 0 ? [] : await foldQuery(db, foldKey(open)).execute().catch(failing('reading the ledger'))
    const islandsOf = (key: string): readonly Island[] =>
      open.has(key)
        ? folded
            .filter((row) => row.table_key === key)
            .map((row) => ({
              from: row.from_block,
              to: row.to_block,
              state: row.state,
              sqlHash: row.sql_hash,
            }))
        : (tailOf.get(key)?.islands ?? []).map(([from, to, state, sqlHash]) => ({ from, to, state, sqlHash }))
    return new Map(
      [...uuids.keys()].map((key) => [
        key,
        { islands: islandsOf(key), tail: tailOf.get(key)?.tail ?? 0, lastRun: tailOf.get(key)?.last_run },
      ]),
    )
  }

  /** The last checkpoint's islands, how many events lie behind it, and when the last of these, or it, was written. */
  function tailsOf(uuids: ReadonlyMap<string, string>) {
    return db
      .with('events', (q) =>
        eventsOf(q, foldKey(uuids)).select(['event', 'event_time', 'islands', POSITION.as('position')]),
      )
      .selectFrom('events')
      .select('table_key')
      .select([
        sql<number>`countIf(event != 'checkpoint')`.as('tail'),
        sql<string>`formatDateTime(max(event_time), '%Y-%m-%dT%H:%i:%SZ')`.as('last_run'),
        // Without the tuple's names, so that rows come as arrays whatever a profile says.
        sql<IslandTuple[]>`CAST(argMaxIf(islands, position, event = 'checkpoint'), ${sql.lit(ISLANDS)})`.as(
          'islands',
        ),
      ])
      .groupBy('table_key')
  }

  /**
   * One event of a lock at a time: a checkpoint folds what has arrived, so every event with a lower seq has to have
   * arrived before it.
   */
  const queues = new WeakMap<Lock, LimitFunction>()
  function insertEvent(lock: Lock, event: LedgerEvent, { islands, patience }: Insertion): Promise<void> {
    const queue = queues.get(lock) ?? pLimit(1)
    queues.set(lock, queue)
    return queue(() => insertNow(lock, event, { islands, patience }))
  }

  async function insertNow(lock: Lock, event: LedgerEvent, { islands, patience }: Insertion): Promise<void> {
    const row = {
      network: sql`${network}`,
      table_key: sql`${lock.key}`,
      epoch: sql`${lock.epoch}`,
      seq: sql`${lock.nextSeq()}`,
      event: sql`${event.event}`,
      from_block: sql`${event.range.from}`,
      to_block: sql`${event.range.to}`,
      target_uuid: sql`${event.targetUuid}`,
      sql_hash: sql`${event.sqlHash}`,
      source_fingerprint: sql`${event.sourceFingerprint}`,
      attempt: sql`${event.attempt}`,
      run_id: sql`${event.runId}`,
      query_id: sql`${event.queryId}`,
      user: sql`currentUser()`,
      rows_read: sql`${event.rowsRead}`,
      rows_written: sql`${event.rowsWritten}`,
      bytes_read: sql`${event.bytesRead}`,
      peak_memory: sql`${event.peakMemory}`,
      elapsed_ms: sql`${event.elapsedMs}`,
      error_code: sql`${event.errorCode}`,
      error: sql`${event.error}`,
      forced: sql`${event.forced}`,
      islands: sql`${islands}`,
      host: sql`${hostname()}`,
      tool_version: sql`${toolVersion}`,
      // The server's clock, not ours; for people only, since (epoch, seq) alone is the order.
      event_time: sql`now64(6)`,
    } as const
    const columns = Object.keys(row) as (keyof typeof row)[]
    const statement = db
      .insertInto('ledger')
      .columns(columns)
      .expression(
        db
          .selectNoFrom(columns.map((column) => row[column].as(column)))
          .where(fence({ lockName: lock.name, locksDatabase: names.locks })),
      )
    const doing = `recording '${event.event}' of ${lock.key} in the ledger`
    await patiently(patience, () => statement.execute().catch(failing(doing)))
  }

  return {
    fold,
    append: (lock, event, patience) => insertEvent(lock, event, { islands: NO_ISLANDS, patience }),

    checkpoint: (lock, { targetUuid, runId }, patience) => {
      // The server folds and writes in one statement: the islands never leave it, whatever their number.
      const now = foldQuery(db, foldKey(new Map([[lock.key, targetUuid]])))
      const islands = sql`(
        SELECT groupArray((from_block, toUInt64(to_block), toString(state), sql_hash)) FROM ${now}
      )`
      return insertEvent(lock, { ...EMPTY_EVENT, targetUuid, runId }, { islands, patience })
    },

    async rowsWritten(key, targetUuid) {
      const row = await db
        .selectFrom('ledger')
        .select(({ fn }) => fn.sum<number>('rows_written').as('rows'))
        .where('network', '=', network)
        .where('table_key', '=', key)
        .where('target_uuid', '=', targetUuid)
        .where('event', '=', 'done')
        .executeTakeFirstOrThrow()
        .catch(failing('reading the ledger'))
      return row.rows
    },

    async attempts(key, targetUuid, dirty) {
      const rows = await db
        .selectFrom('ledger')
        .select(['event', 'from_block', 'to_block', 'query_id', 'sql_hash', 'source_fingerprint', 'user'])
        .where('network', '=', network)
        .where('table_key', '=', key)
        .where('target_uuid', '=', targetUuid)
        .where('event', '!=', 'checkpoint')
        .where(overlapsAny(dirty))
        .orderBy('epoch', 'desc')
        .orderBy('seq', 'desc')
        .execute()
        .catch(failing('reading the ledger'))
      const events = rows.map((row) => ({
        event: row.event,
        range: { from: row.from_block, to: row.to_block },
        queryId: row.query_id,
        sqlHash: row.sql_hash,
        sourceFingerprint: row.source_fingerprint,
        user: row.user,
      }))
      return triesIn(events, dirty) satisfies readonly Attempt[]
    },

    async mark(uuids, range) {
      if (uuids.size === 0) return ''
      const rows = await db
        .selectFrom('ledger')
        .select(['table_key', sql<string>`toString(max((epoch, seq)))`.as('latest')])
        .where('network', '=', network)
        .where(ofPresentTargets(uuids))
        .where('event', '!=', 'checkpoint')
        .where('from_block', '<=', range.to)
        .where('to_block', '>=', range.from)
        .groupBy('table_key')
        .orderBy('table_key')
        .execute()
        .catch(failing('reading the ledger'))
      return rows.map((row) => `${row.table_key}=${row.latest}`).join(' ')
    },
  }
}

/**
 * Sends again while patience lasts. Whether the earlier one arrived or not: the same event twice, at the same
 * (epoch, seq), folds as one.
 */
async function patiently(patience: Patience | undefined, send: () => Promise<unknown>): Promise<void> {
  const deadline = performance.now() + (patience?.giveUpMs ?? 0)
  for (let tries = 1; ; tries++)
    try {
      await send()
      return
    } catch (error) {
      const passes = verdictOn(error as BackfillError) !== 'stop'
      if (!passes || patience === undefined || patience.signal.aborted || performance.now() > deadline)
        throw error
      await sleep(backoffMs(tries, Math.random()), undefined, { signal: patience.signal }).catch(
        () => undefined,
      )
    }
}

type Insertion = { readonly islands: unknown; readonly patience: Patience | undefined }

const ISLANDS = 'Array(Tuple(UInt64, UInt64, String, String))'
const NO_ISLANDS = typed([], ISLANDS)

function overlapsAny(ranges: readonly Range[]) {
  const froms = typed<number[]>(
    ranges.map(({ from }) => from),
    'Array(UInt64)',
  )
  const tos = typed<number[]>(
    ranges.map(({ to }) => to),
    'Array(UInt64)',
  )
  return sql<boolean>`arrayExists((f, t) -> from_block <= t AND to_block >= f, ${froms}, ${tos})`
}

const EMPTY_EVENT = {
  event: 'checkpoint',
  range: { from: 0, to: 0 },
  sqlHash: '',
  sourceFingerprint: '',
  attempt: 0,
  queryId: '',
  rowsRead: 0,
  rowsWritten: 0,
  bytesRead: 0,
  peakMemory: 0,
  elapsedMs: 0,
  errorCode: 0,
  error: '',
  forced: false,
} as const
