// Owns the JSON form of every result, version 1. Pure.
import { BackfillError } from '../../model/errors.ts'
import { countBlocks, type Range } from '../../model/blocks.ts'
import { type Standstill, standstillText } from '../../model/standstill.ts'
import type { StaleReport } from '../../planning/stale-ranges.ts'
import type { RunEvent, RunSummary } from '../../runner/events.ts'

/** The version of all documents; schema/ describes them. */
export const SCHEMA = 1

/** Data whose keys stay unchanged: rows of a table. */
export function verbatim(data: unknown): object {
  return { toJSON: () => data }
}

/**
 * Data for a JSON document: keys in snake_case, undefined as null, block sets as `[[from, to], …]`, the field `range` as
 * `from` and `to`, times as ISO 8601, errors as kind, message and hint.
 */
export function jsonOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value ?? null
  // A time, or a value to keep unchanged.
  if ('toJSON' in value) return value
  if (value instanceof BackfillError)
    return { kind: value.kind, message: value.message, hint: value.hint ?? null }
  if (isBlockSet(value)) return value.map(({ from, to }) => [from, to])
  if (Array.isArray(value)) return value.map(jsonOf)
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]) =>
      key === 'range' ? Object.entries(field as Range) : [[snakeCase(key), jsonOf(field)]],
    ),
  )
}

function isBlockSet(value: object): value is readonly Range[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => Object.keys(one ?? {}).join() === 'from,to')
  )
}

function snakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

export function eventFields({ type, ...event }: RunEvent): object {
  const { isEmpty: _, ...fields } = event as { readonly standstill?: Standstill; readonly isEmpty?: true }
  const { standstill } = fields
  return { event: type, ...fields, ...(standstill && { text: standstillText(standstill, 0) }) }
}

export function summaryFields(summary: RunSummary): object {
  return { event: 'summary', ...summary, elapsedMs: Math.round(summary.elapsedMs) }
}

export function errorDocument(error: unknown, exitCode: number): object {
  const known =
    error instanceof BackfillError ? error : { kind: 'defect', message: String(error), hint: null }
  return { event: 'error', exitCode, error: known }
}

export function staleFields(versions: readonly StaleReport[]): readonly object[] {
  return versions.map(({ hash, reasons, blocks, built }) => ({
    sqlHash: hash,
    reasons,
    ranges: blocks,
    blocks: countBlocks(blocks),
    builtFrom: built?.from,
    builtTo: built?.to,
  }))
}
