// Owns the columns of an event's row in the ledger.
import { type RawBuilder, sql } from 'kysely'
import { identity } from '../seam/process.ts'
import type { LedgerEvent } from './events.ts'

/** The columns of one event; a column that `changes` names differs from row to row. */
export function eventRow(
  { network, toolVersion }: { readonly network: string; readonly toolVersion: string },
  event: Omit<LedgerEvent, 'targetUuid'>,
  changes: Changes,
) {
  return {
    network: sql`${network}`,
    event: sql`${event.event}`,
    range_from: sql`${event.range.from}`,
    range_to: sql`${event.range.to}`,
    sql_hash: sql`${event.sqlHash}`,
    source_fingerprint: sql`${event.sourceFingerprint}`,
    forks: sql`${event.forks}`,
    inputs: sql`${event.inputs}`,
    digest_rows: event.digest === undefined ? sql`NULL` : sql`${event.digest.rows}`,
    digest_sum: event.digest === undefined ? sql`NULL` : sql`toUInt64(${event.digest.sum})`,
    digest_columns: sql`${event.digest?.columns ?? ''}`,
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
    host: sql`${identity().host}`,
    tool_version: sql`${toolVersion}`,
    // The server's clock, not ours; only for people, because (epoch, seq) is the order.
    event_time: sql`now64(6)`,
    ...changes,
  }
}

export type Changes = Readonly<
  Record<'table_key' | 'epoch' | 'seq' | 'target_uuid' | 'islands', RawBuilder<unknown>> &
    Partial<Record<'range_from' | 'range_to' | 'query_id' | 'digest_rows', RawBuilder<unknown>>>
>
