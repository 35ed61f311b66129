// Owns the appending of events to the ledger: fenced, one at a time, sent again while patience lasts.
import { hostname } from 'node:os'
import { sql } from 'kysely'
import pLimit, { type LimitFunction } from 'p-limit'
import { type LedgerEvent, NO_TRY } from '../runner/ledger-model.ts'
import { patiently } from '../runner/patiently.ts'
import type { LedgerPort, Lock, Patience } from '../runner/ports.ts'
import { typed } from './dialect.ts'
import { fence } from './fence.ts'
import { foldQuery } from './fold.ts'
import type { LedgerOptions } from './ledger.ts'
import { reachable } from './reachable.ts'
import { ISLANDS } from './schema.ts'
import { serverError } from './server-error.ts'

export function ledgerWriter({
  server,
  names,
  network,
  toolVersion,
}: LedgerOptions): Pick<LedgerPort, 'append' | 'checkpoint'> {
  const db = server.db.withSchema(names.ledger)
  const queries = { reachable: (patience: Patience) => reachable([server], patience) }

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
      rows_expected: sql`${event.rowsExpected}`,
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
          .where(fence({ lockName: lock.name, names })),
      )
    const send = async (): Promise<void> => {
      await statement.execute().catch((error: unknown) => {
        const doing = `recording '${event.event}' of ${lock.key} in the ledger`
        throw serverError(error, { connection: server.connection, doing })
      })
    }
    // Whether an earlier one arrived or not: the same event twice, at the same (epoch, seq), folds as one.
    await (patience === undefined ? send() : patiently({ queries, patience, small: true }, send))
  }

  return {
    append: (lock, event, patience) => insertEvent(lock, event, { islands: NO_ISLANDS, patience }),

    checkpoint: (lock, { targetUuid, runId }, patience) => {
      // The server folds and writes in one statement: the islands never leave it, whatever their number.
      const now = foldQuery(db, { network, uuids: new Map([[lock.key, targetUuid]]), fromCheckpoint: true })
      const islands = sql`(
        SELECT groupArray((from_block, toUInt64(to_block), toString(state), sql_hash)) FROM ${now}
      )`
      return insertEvent(lock, { ...CHECKPOINT, targetUuid, runId }, { islands, patience })
    },
  }
}

type Insertion = { readonly islands: unknown; readonly patience: Patience | undefined }

const NO_ISLANDS = typed([], ISLANDS)

const CHECKPOINT = { ...NO_TRY, event: 'checkpoint', range: { from: 0, to: 0 }, sqlHash: '' } as const
