// Owns the columns of an event's row in the ledger.
import { type RawBuilder, sql } from 'kysely'
import type { Schema } from '../clickhouse/schema.ts'
import type { LedgerEvent } from './events.ts'

export type Columns = Readonly<Record<string, RawBuilder<unknown>>>

const COLUMNS: Readonly<Record<keyof Omit<LedgerEvent, 'range' | 'digest'>, keyof Schema['ledger']>> = {
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

/** Its columns; what an event does not say has the column's default. */
export function columnsOf({ digest, ...said }: Partial<Omit<LedgerEvent, 'range'>>): Columns {
  const named = (Object.keys(COLUMNS) as (keyof typeof COLUMNS)[])
    .filter((name) => said[name] !== undefined)
    .map((name) => [COLUMNS[name], sql`${said[name]}`])
  const digested = digest && {
    digest_rows: sql`${digest.rows}`,
    digest_sum: sql`toUInt64(${digest.sum})`,
    digest_columns: sql`${digest.columns}`,
  }
  return { ...(Object.fromEntries(named) as Columns), ...digested }
}
