// Owns the two sides of a comparison as SQL: a range's rows as the transform yields them now, and as the table holds them.
import type { TableDefinition } from '../../model/model.ts'
import type { ExistingTable } from '../../clickhouse/existing-tables.ts'
import { quoteIdentifier } from '../../clickhouse/dialect.ts'

/** What the server says of a target table, as far as rows are compared by it. */
export type TargetFacts = Pick<ExistingTable, 'engine' | 'sortKey' | 'columns'>

/**
 * Two SELECTs over `backfill_key` (the sorting key as 128 bits), `backfill_position` (what decides between rows of a
 * `per-key` table), `backfill_hash` (all compared columns) and `backfill_values` (the same as text). They use the
 * transform's parameters, and those of `placeParams`.
 */
export type Sides = {
  readonly recomputed: string
  readonly stored: string
  /** ClickHouse type of `backfill_position`. */
  readonly positionType: string
  readonly compared: readonly string[]
  /** Columns whose default has another value each time. */
  readonly not: readonly string[]
}

/** `output`: names of the columns that the transform yields. */
export function sidesOf(table: TableDefinition, facts: TargetFacts, output: readonly string[]): Sides {
  const { rows, transform } = table
  const yielded = facts.columns.filter(({ name }) => output.includes(name))
  const computed = facts.columns.filter(
    ({ name, defaultKind }) =>
      !output.includes(name) && (defaultKind === 'DEFAULT' || defaultKind === 'MATERIALIZED'),
  )
  const steady = computed.filter(({ expression }) => !NON_DETERMINISTIC.test(expression))
  const compared = [...yielded, ...steady].map(({ name }) => name)
  const position =
    rows.kind === 'per-key' ? facts.columns.find(({ name }) => name === rows.column) : undefined

  const cast = yielded.map(
    ({ name, type }) => `CAST(${quoteIdentifier(name)} AS ${type}) AS ${quoteIdentifier(name)}`,
  )
  // Defaults are computed from the values as the table would hold them, so in a SELECT around the casts.
  const defaults = steady.map(
    ({ name, type, expression }) => `CAST(${expression} AS ${type}) AS ${quoteIdentifier(name)}`,
  )
  const list = compared.map(quoteIdentifier)
  const side = (from: string) => `SELECT
    sipHash128(tuple(${facts.sortKey === '' ? list.join(', ') : facts.sortKey})) AS backfill_key,
    ${position === undefined ? 'toUInt8(0)' : quoteIdentifier(position.name)} AS backfill_position,
    sipHash64(tuple(${list.join(', ')})) AS backfill_hash,
    [${list.map((name) => `ifNull(toString(${name}), 'NULL')`).join(', ')}] AS backfill_values
  FROM ${from}`
  const rowsOfRange =
    rows.kind === 'per-block' ? ' WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}' : ''
  return {
    recomputed: side(`(SELECT ${[...yielded.map(({ name }) => quoteIdentifier(name)), ...defaults].join(', ')}
    FROM (SELECT ${cast.join(', ')} FROM (\n${transform.text}\n)))`),
    stored: side(
      `{backfill_database:Identifier}.{backfill_table:Identifier}${COLLAPSING_ENGINES.test(facts.engine) ? ' FINAL' : ''}${rowsOfRange}`,
    ),
    positionType: position?.type ?? 'UInt8',
    compared,
    not: computed.filter((column) => !steady.includes(column)).map(({ name }) => name),
  }
}

/** Engines whose rows of one key are one row, once FINAL has looked at them. */
export const COLLAPSING_ENGINES = /Replacing|Collapsing|Summing|Aggregating|Coalescing/

/** Calls that have another value each time, or for each user. */
const NON_DETERMINISTIC =
  /\b(now|now64|today|yesterday|rand\w*|generate\w+|uuid\w*|hostname|currentUser|user|version|serverUUID|rowNumber\w+|blockNumber|nowInBlock|query_?id|initialQueryID|tcpPort|uptime|getSetting|getMacro|fuzzBits|timezone)\s*\(/i
