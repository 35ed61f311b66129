// Owns the ledger's history as JSON: the documents of `log --json`. Pure.
import type { LoggedEvent, LoggedRun } from './report.ts'
import type { JsonObject } from '../../terminal/render/json.ts'

const SCHEMA = 1

export function runsJson(network: string, runs: readonly LoggedRun[]): JsonObject {
  return {
    schema: SCHEMA,
    network,
    runs: runs.map((run) => ({
      run_id: run.runId,
      started: iso(run.started),
      ended: iso(run.ended),
      tables: run.tables,
      outcome: run.outcome,
      chunks_done: run.chunksDone,
      chunks_failed: run.chunksFailed,
      chunks_open: run.chunksOpen,
      blocks: run.blocks,
      rows_read: run.rowsRead,
      rows_written: run.rowsWritten,
      accepted_blocks: run.accepted,
      revoked_blocks: run.revoked,
      cleaned_blocks: run.cleaned,
      invalidated_blocks: run.invalidated,
      error: run.error === '' ? null : run.error,
      user: run.user,
      host: run.host,
      tool_version: run.toolVersion,
    })),
  }
}

export function eventsJson(network: string, events: readonly LoggedEvent[]): JsonObject {
  return {
    schema: SCHEMA,
    network,
    events: events.map((event) => ({
      table: event.table,
      present: event.present,
      from: event.range.from,
      to: event.range.to,
      event: event.state,
      attempt: event.attempt,
      ended: iso(event.at),
      elapsed_ms: event.elapsedMs,
      rows_read: event.rowsRead,
      rows_written: event.rowsWritten,
      peak_memory: event.peakMemory,
      error_code: event.errorCode,
      error: event.error === '' ? null : event.error,
      sql_hash: event.sqlHash,
      run_id: event.runId,
      query_id: event.queryId,
      user: event.user,
      host: event.host,
      tool_version: event.toolVersion,
    })),
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
