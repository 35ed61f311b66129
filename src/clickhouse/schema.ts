// Owns the row types of every table that kysely builds statements for.
import type { ColumnType } from 'kysely'

/** `[range_from, range_to, state, sql_hash, forks, inputs]`. */
export type IslandTuple = readonly [number, number, IslandState, string, string, string]

export const ISLANDS = 'Array(Tuple(UInt64, UInt64, String, String, String, String))'

/** sql/ledger/02-ledger.sql; the schema (database) is set with `withSchema`. */
type LedgerTable = {
  network: string
  table_key: string
  epoch: number
  seq: number
  event: EventName
  range_from: number
  range_to: number
  target_uuid: string
  sql_hash: string
  source_fingerprint: string
  forks: string
  inputs: string
  digest_rows: number | null
  /** Up to 2^64: to be read as text. */
  digest_sum: string | null
  digest_columns: string
  attempt: number
  run_id: string
  query_id: string
  user: string
  rows_expected: number
  rows_read: number
  rows_written: number
  bytes_read: number
  peak_memory: number
  elapsed_ms: number
  error_code: number
  error: string
  forced: boolean
  islands: IslandTuple[]
  host: string
  tool_version: string
  event_time: ColumnType<string, string, never>
}

/** sql/ledger/03-sql-versions.sql. */
type SqlVersionsTable = {
  table_key: string
  sql_hash: string
  raw_hash: string
  file: string
  text: string
  user: string
  host: string
  tool_version: string
  kept_at: ColumnType<string, string, never>
}

type RangeTuple = { range_from: number; range_to: number }

/** sql/ledger/04-source-probe.sql. */
type SourceProbeTable = {
  network: string
  sources: string
  source_gaps: RangeTuple[]
  incomplete: RangeTuple[]
  parts: (RangeTuple & { source: string; hash: string; rows: number })[]
  host: string
  tool_version: string
  probed_at: ColumnType<string, string, never>
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
