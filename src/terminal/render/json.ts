// Owns the machine-readable form of a run, and what all such forms share, version 1. Pure.
import type { BackfillError } from '../../model/errors.ts'
import { countBlocks, type Range } from '../../model/blocks.ts'
import type { RunEvent, RunSummary } from '../../runner/events.ts'
import type { StaleReport } from '../../planning/stale-reports.ts'

export const SCHEMA = 1

export type JsonObject = Readonly<Record<string, unknown>>

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

/** One event of a run. Errors come with their kind, message and hint. */
export function eventJson(event: RunEvent): JsonObject {
  const { type, ...rest } = event
  const fields = Object.entries(rest).flatMap(([key, value]): [string, unknown][] => {
    if (key === 'range') return Object.entries(value as Range)
    if (key === 'sourceGaps' || key === 'incomplete')
      return [[snakeCase(key), pairs(value as readonly Range[])]]
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

/** The same fields under the names that JSON has for them: `rowsRead` becomes `rows_read`. */
export function snakeKeys(fields: Readonly<Record<string, unknown>>): JsonObject {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [snakeCase(key), value]))
}

function snakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
