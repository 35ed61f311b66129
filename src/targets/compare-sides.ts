// Owns the two sides of a comparison as SQL: the rows that the transform yields now, and the rows in the table.
import type { TableDefinition } from '../model/model.ts'
import { failedError, usageError } from '../model/errors.ts'
import { existingTables, type ExistingTable } from '../clickhouse/existing-tables.ts'
import type { Server } from '../clickhouse/server.ts'
import type { OutputColumn } from '../sql-syntax/column-fit.ts'
import { comparable, comparedColumns, isCollapsing, type NotCompared } from './compared-columns.ts'
import { isPlain } from './plain-inputs.ts'
import { quoteIdentifier } from '../sql-syntax/quoting.ts'
import { createTable } from '../sql-syntax/create-table.ts'
import { ddlClauses, ttlOfRows } from '../sql-syntax/ddl-clauses.ts'
import { isKeyword, type Token, unquoted, joined } from '../sql-syntax/lexer.ts'

/**
 * Two SELECTs over `backfill_key` (the sorting key as 128 bits), `backfill_position` (what decides between rows of a
 * `per-key` table), `backfill_hash` (all compared columns) and `backfill_values` (the same as text). They use the
 * transform's parameters, and `backfill_database` and `backfill_table`.
 */
export type Sides = {
  readonly recomputed: string
  readonly stored: string
  readonly positionType: string
  readonly compared: readonly string[]
  readonly not: readonly NotCompared[]
  /** The table itself may drop or join rows that are compared. */
  readonly dropsMore: boolean
  /** Rows of one key stay as many as they are, by the table and by its file. */
  readonly keepsAll: boolean
  /** What the table makes of the rows of a key, if it does not keep one of them: one row; or, as a sign says, none. */
  readonly combines: 'to one' | 'to none' | undefined
}

/** @throws BackfillError `usage` if the table's rows cannot be compared; `failed` if it does not exist; `server` */
export async function readSides(
  target: Server,
  describe: (table: TableDefinition) => Promise<readonly OutputColumn[]>,
  table: TableDefinition,
): Promise<Sides> {
  const { rows, transform } = table
  const [described, found] = await Promise.all([describe(table), existingTables(target, [table.target])])
  const facts = found.get(table.target)
  if (facts === undefined)
    throw failedError(`${target.connection.database}.${table.target} was dropped while it was being verified`)
  if (rows.kind === 'per-key' && !isCollapsing(facts))
    throw usageError(
      `${table.key} is 'rows: per-key', but its engine ${facts.engine} keeps every row: there is no row of a key to compare with`,
      `Make it a ReplacingMergeTree in ${table.ddl.file}, then backfill rebuild ${table.key}`,
    )
  const { yielded, steady, stored, not } = await comparedColumns(target, facts.columns, table, described)
  const names = stored.map(({ name }) => name)
  const drops = dropsOf(facts, rows.kind, names)
  const lasting = stored.filter(({ name }) => !drops.fading.includes(name))
  const compared = lasting.map(({ name }) => name)
  const position = rows.kind === 'per-key' ? stored.find(({ name }) => name === rows.column) : undefined

  const cast = yielded.map(
    ({ name, type }) => `CAST(${quoteIdentifier(name)} AS ${type}) AS ${quoteIdentifier(name)}`,
  )
  // Defaults are computed from the cast values, as in the table, so in a SELECT around the casts.
  const defaults = steady.map(
    ({ name, type, expression }) => `CAST(${expression} AS ${type}) AS ${quoteIdentifier(name)}`,
  )
  const list = compared.map(quoteIdentifier)
  const side = (from: string) => `SELECT
    sipHash128(tuple(${facts.sortKey === '' ? list.join(', ') : facts.sortKey})) AS backfill_key,
    ${position === undefined ? 'toUInt8(0)' : quoteIdentifier(position.name)} AS backfill_position,
    cityHash64(tuple(${lasting.map(comparable).join(', ')})) AS backfill_hash,
    [${list.map((name) => `ifNull(toString(${name}), 'NULL')`).join(', ')}] AS backfill_values
  FROM ${from}`
  const rowsOfRange =
    rows.kind === 'per-block' ? `${table.position} BETWEEN {from_block:UInt64} AND {to_block:UInt64}` : ''
  return {
    recomputed: side(`(SELECT ${[...yielded.map(({ name }) => quoteIdentifier(name)), ...defaults].join(', ')}
    FROM (SELECT ${cast.join(', ')} FROM (\n${transform.text}\n)))${where(drops.keeps)}`),
    stored: side(
      `{backfill_database:Identifier}.{backfill_table:Identifier}${isCollapsing(facts) ? ' FINAL' : ''}${where(rowsOfRange, drops.keeps)}`,
    ),
    positionType: position?.type ?? 'UInt8',
    compared,
    not: [...not, ...drops.fading.map((name) => ({ name, why: 'ttl' as const }))],
    dropsMore: drops.more,
    keepsAll: !isCollapsing(facts) && !isPlain(table.ddl, facts.engine),
    combines: combinesOf(facts),
  }
}

function combinesOf(facts: Pick<ExistingTable, 'engine'>): Sides['combines'] {
  if (!isCollapsing(facts) || facts.engine.includes('Replacing')) return undefined
  return facts.engine.includes('Collapsing') ? 'to none' : 'to one'
}

function where(...conditions: readonly string[]): string {
  const all = conditions.filter((condition) => condition !== '')
  return all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`
}

function dropsOf(
  { definition, shards, columns: existing }: Pick<ExistingTable, 'definition' | 'shards' | 'columns'>,
  rows: 'per-block' | 'per-key',
  known: readonly string[],
) {
  const text = shards?.shape.definition ?? definition
  const { columns, clauses } = createTable({ file: '', text, line: 1 })
  const { engine, sortKey, partition } = ddlClauses({ file: '', text, line: 1 })
  const fading = columns.filter((column) => column.clauses.has('TTL')).map(({ name }) => name)
  const ttl = ttlOfRows(clauses)
  const groups = ttl.some((item) => item.some((token) => isKeyword(token, 'GROUP')))
  const hidden = columns.map(({ name }) => name).filter((name) => !known.includes(name))
  const isComputable = (item: readonly Token[]) => !item.some((token) => hidden.includes(unquoted(token)))
  // The second column of the engine: `ReplacingMergeTree(version, is_deleted)`.
  const marks = engine?.name === 'ReplacingMergeTree' ? engine.text.split(' , ').slice(1) : []
  const keys = [...(sortKey?.names ?? []), ...(partition?.names ?? [])]
  const sums = engine?.name === 'SummingMergeTree' ? summedColumns(existing, engine.names, keys) : []
  const conditions = groups
    ? []
    : [
        ...ttl.filter(isComputable).map(lives),
        ...marks.map((name) => `NOT ${name}`),
        // A row in which all sums are 0 goes.
        ...(sums.length === 0
          ? []
          : [`NOT (${sums.map((name) => `ifNull(${quoteIdentifier(name)}, 0) = 0`).join(' AND ')})`]),
      ]
  return {
    /** A condition for the rows of both sides that the table keeps, whenever it merges; empty: all. */
    keeps: conditions.join(' AND '),
    fading,
    /** Rows may be gone, or others be in their place, that no condition names: a difference is explained by that. */
    more: groups || !ttl.every(isComputable) || (marks.length > 0 && rows === 'per-key'),
  }
}

/** Those that SummingMergeTree is told, else all numbers outside of its keys. None where it sums what is no number. */
function summedColumns(
  columns: ExistingTable['columns'],
  told: readonly string[],
  keys: readonly string[],
): readonly string[] {
  const others = columns.filter(({ name }) =>
    told.length === 0 ? !keys.includes(name) : told.includes(name),
  )
  if (others.some(({ type }) => /Map|Nested|AggregateFunction/.test(type))) return []
  return others
    .filter(({ type }) => /^(Nullable\()?(U?Int|Float|BFloat|Decimal)/.test(type))
    .map(({ name }) => name)
}

/** A row lives on if its TTL is 0, lies ahead, or does not meet the condition. */
function lives(item: readonly Token[]): string {
  const at = item.findIndex((token) => token.depth === 0 && isKeyword(token, 'DELETE', 'WHERE'))
  const condition = item.findIndex((token) => token.depth === 0 && isKeyword(token, 'WHERE'))
  const expired = `toUnixTimestamp(${joined(at === -1 ? item : item.slice(0, at))}) BETWEEN 1 AND toUnixTimestamp(now())`
  return `NOT (${expired}${condition === -1 ? '' : ` AND (${joined(item.slice(condition + 1))})`})`
}
