// Owns the columns of an event's row in the ledger.
import type { Schema } from '../clickhouse/schema.ts'
import type { LedgerEvent } from './events.ts'

type Column = Exclude<keyof Schema['ledger'], 'islands' | 'event_time' | 'user'>

const COLUMNS: Readonly<Record<keyof Omit<LedgerEvent, 'range' | 'digest'>, Column>> = {
  event: 'event',
  targetUuid: 'target_uuid',
  sqlHash: 'sql_hash',
  runId: 'run_id',
  queryId: 'query_id',
  attempt: 'attempt',
  sourceFingerprint: 'source_fingerprint',
  forks: 'forks',
  inputs: 'inputs',
  rowsExpected: 'rows_expected',
  rowsRead: 'rows_read',
  rowsWritten: 'rows_written',
  bytesRead: 'bytes_read',
  peakMemory: 'peak_memory',
  elapsedMs: 'elapsed_ms',
  errorCode: 'error_code',
  error: 'error',
  forced: 'forced',
}

/** Types in which rows are sent. What a row does not say has the type's default, which is the column's. */
export const EVENT_TYPES: Readonly<Partial<Record<Column, string>>> = {
  network: 'String',
  table_key: 'String',
  epoch: 'UInt64',
  seq: 'UInt64',
  event: 'String',
  range_from: 'UInt64',
  range_to: 'UInt64',
  target_uuid: 'UUID',
  sql_hash: 'String',
  source_fingerprint: 'String',
  forks: 'String',
  inputs: 'String',
  digest_rows: 'Nullable(UInt64)',
  digest_sum: 'Nullable(UInt64)',
  digest_columns: 'String',
  attempt: 'UInt32',
  run_id: 'String',
  query_id: 'String',
  rows_expected: 'UInt64',
  rows_read: 'UInt64',
  rows_written: 'UInt64',
  bytes_read: 'UInt64',
  peak_memory: 'UInt64',
  elapsed_ms: 'UInt64',
  error_code: 'Int32',
  error: 'String',
  forced: 'Bool',
  host: 'String',
  tool_version: 'String',
}

export type EventRow = Readonly<Partial<Record<Column, string | number | boolean>>>

/** What the event says, by columns. */
export function rowOfEvent({ digest, ...said }: Omit<LedgerEvent, 'range'>): EventRow {
  const named = (Object.keys(COLUMNS) as (keyof typeof COLUMNS)[])
    .filter((name) => said[name] !== undefined)
    .map((name) => [COLUMNS[name], wellFormed(said[name]!)])
  const digested = digest && {
    digest_rows: digest.rows,
    digest_sum: digest.sum,
    digest_columns: digest.columns,
  }
  return { ...(Object.fromEntries(named) as EventRow), ...digested }
}

/** A text that was cut may end with half a character, which the server would not read. */
const wellFormed = (value: string | number | boolean) =>
  typeof value === 'string' ? value.toWellFormed() : value
