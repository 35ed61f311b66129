// Owns the machine-readable forms, version 1: `status --json`, `plan --json`, the events of `up --json`. Pure.
import type { BackfillError } from '../../model/errors.ts'
import type { Range } from '../../model/model.ts'
import { countBlocks } from '../../model/blocks.ts'
import type { PlanReport, RunEvent, RunSummary, StaleReport, StatusReport } from '../../runner/events.ts'
import type { RedoPlan } from '../../commands/redo/redo-report.ts'

const SCHEMA = 1

export type JsonObject = Readonly<Record<string, unknown>>

export function statusJson({ network, tables }: StatusReport): JsonObject {
  return {
    schema: SCHEMA,
    network,
    tables: tables.map((table) => ({
      table: table.table,
      target: table.target,
      first: table.first,
      head: table.head,
      watermark: table.watermark,
      covered: pairs(table.covered),
      accepted: pairs(table.accepted),
      missing: pairs(table.missing),
      missing_blocks: table.missingBlocks,
      holes: pairs(table.holes),
      held: pairs(table.held),
      dirty: pairs(table.dirty),
      stale: pairs(table.stale),
      sql_hash: table.sqlHash,
      stale_versions: staleJson(table.staleVersions),
      state: table.state,
      last_run: table.lastRun,
    })),
  }
}

/** Stale ranges by the SQL that built them; `edited`: it is not that of the file. */
export function staleJson(versions: readonly StaleReport[]): readonly JsonObject[] {
  return versions.map(({ hash, reason, edited, blocks, built }) => ({
    sql_hash: hash,
    edited,
    reason: reason ?? null,
    ranges: pairs(blocks),
    blocks: countBlocks(blocks),
    built_from: built?.from ?? null,
    built_to: built?.to ?? null,
  }))
}

export function planJson({ network, jobs, tables }: PlanReport): JsonObject {
  return {
    schema: SCHEMA,
    network,
    jobs,
    tables: tables.map((table) => ({
      table: table.table,
      create: table.create,
      missing_blocks: table.missingBlocks,
      expected_rows: table.expectedRows,
      expected_ms: table.expectedMs,
      chunks: table.chunks.map(({ from, to, reason, expectedRows, expectedMs }) => ({
        from,
        to,
        reason,
        expected_rows: expectedRows,
        expected_ms: expectedMs,
      })),
      holes: pairs(table.holes),
      held: pairs(table.held),
      dirty: pairs(table.dirty),
      notes: table.notes,
    })),
  }
}

/** What a redo would do; the first line of `redo --json`, and the only one with --dry-run. */
export function redoPlanJson({ network, tables }: RedoPlan): JsonObject {
  return {
    schema: SCHEMA,
    event: 'plan',
    network,
    tables: tables.map(({ table, target, deletes, redo, also, rows, tableRows }) => ({
      table,
      target,
      deletes,
      redo: pairs(redo),
      also: pairs(also),
      rows,
      table_rows: tableRows,
    })),
  }
}

/** One event of a run. Errors come with their kind, message and hint. */
export function eventJson(event: RunEvent): JsonObject {
  const { type, ...rest } = event
  const fields = Object.entries(rest).flatMap(([key, value]): [string, unknown][] => {
    if (key === 'range') return Object.entries(value as Range)
    if (key === 'holes' || key === 'held') return [[key, pairs(value as readonly Range[])]]
    if (key === 'error') return [[key, errorJson(value as BackfillError)]]
    return [[snakeCase(key), value ?? null]]
  })
  return { schema: SCHEMA, event: type, ...Object.fromEntries(fields) }
}

export function summaryJson(summary: RunSummary): JsonObject {
  return {
    schema: SCHEMA,
    event: 'summary',
    run_id: summary.runId,
    chunks: summary.chunks,
    blocks: summary.blocks,
    rows_written: summary.rowsWritten,
    elapsed_ms: Math.round(summary.elapsedMs),
    failed: summary.failed.map(({ table, error }) => ({ table, error: errorJson(error) })),
    interrupted: summary.interrupted,
  }
}

/** The last event of a run that ended by an error instead of a summary. */
export function errorEventJson(error: BackfillError): JsonObject {
  return { schema: SCHEMA, event: 'error', ...errorJson(error) }
}

function errorJson({ kind, message, hint }: BackfillError): JsonObject {
  return { kind, message, hint: hint ?? null }
}

/** `[from, to]` each. */
export function pairs(ranges: readonly Range[]): readonly (readonly [number, number])[] {
  return ranges.map(({ from, to }) => [from, to])
}

function snakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
