// Owns the row types of every table that kysely builds statements for.
import type { ColumnType } from 'kysely'

/** `[range_from, range_to, state, sql_hash, forks, inputs]`. */
export type IslandTuple = readonly [number, number, IslandState, string, string, string]

export const ISLANDS = 'Array(Tuple(UInt64, UInt64, String, String, String, String))'

/** Columns of an event (sql/ledger/02-ledger.sql), and the types in which rows are sent. What a row does not say has the type's default. */
export const EVENT_TYPES = {
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
} as const

type Columns = typeof EVENT_TYPES

type ValueOf<Type> = Type extends 'String' | 'UUID' ? string : Type extends 'Bool' ? boolean : number

/** The schema (database) is set with `withSchema`. */
type LedgerTable = {
  [Column in Exclude<keyof Columns, 'event' | `digest_${string}`>]: ValueOf<Columns[Column]>
} & {
  event: EventName
  digest_rows: number | null
  /** Up to 2^64: to be read as text. */
  digest_sum: string | null
  digest_columns: string
  user: string
  islands: IslandTuple[]
  oldest_parts: Readonly<Record<string, number>>
  event_time: ColumnType<string, string, never>
}

/** Of sql/ledger/03-sql-versions.sql, as far as it is read. */
type SqlVersionsTable = Record<'table_key' | 'sql_hash' | 'raw_hash' | 'file' | 'text' | 'kept_at', string>

type RangeTuple = { range_from: number; range_to: number }

/** Of sql/ledger/04-source-probe.sql, as far as it is read. */
type SourceProbeTable = Record<'network' | 'sources' | 'probed_at', string> &
  Record<'source_gaps' | 'incomplete', RangeTuple[]> & {
    parts: (RangeTuple & { source: string; hash: string; rows: number })[]
  }

type SourceTable = {
  meta_network_name: string
  block_number: number
  updated_date_time: string
}

/** The tables for kysely; source tables are addressed by name through `SourceTable`. */
export type Schema = {
  ledger: LedgerTable
  sql_versions: SqlVersionsTable
  source_probe: SourceProbeTable
  'system.tables': { database: string; name: string; engine: string }
  [source: `canonical_execution_${string}`]: SourceTable
  [target: `int_${string}`]: { block_number: number }
}

export type EventName = 'started' | 'done' | 'failed' | 'cleaned' | 'invalidated' | 'accepted' | 'checkpoint'

/** The state of a segment by its latest event. `dirty`: started or failed, so rows may be partly written. */
export type IslandState = 'done' | 'dirty' | 'cleaned' | 'invalidated' | 'accepted'
