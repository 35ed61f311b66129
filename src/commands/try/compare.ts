// Owns the comparison of a table in the scratch database with production, row by row of the sorting key, on the server.
import type { ExistingTable } from '../../clickhouse/existing-tables.ts'
import { quoteIdentifier } from '../../sql-syntax/quoting.ts'
import type { Server } from '../../clickhouse/server.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { BlockSet } from '../../model/blocks.ts'
import { isCollapsing } from '../../targets/compared-columns.ts'
import { isName, significantTokens, unquoted } from '../../sql-syntax/lexer.ts'

/**
 * Rows by what became of them, judged by the columns that both tables have; `columns`: name -> changed rows; `added`,
 * `dropped`: columns of one table only; examples: the values before and after, null for no row.
 */
export type Difference = {
  readonly same: number
  readonly changed: number
  readonly new: number
  readonly gone: number
  readonly columns: Readonly<Record<string, number>>
  readonly added: readonly string[]
  readonly dropped: readonly string[]
  readonly examples: readonly { readonly before: Row | null; readonly after: Row | null }[]
}

/** The texts of the common columns' values; null for NULL. */
export type Row = readonly (string | null)[]

const EXAMPLES = 3

type Sides = {
  readonly now: ExistingTable
  readonly old: ExistingTable
  readonly ranges: BlockSet
}

/**
 * Of a table with one row per key only rows of the ranges' own blocks count, and those that a row of these would replace:
 * another range decides on the others. @throws BackfillError `failed`, `server`
 */
export async function compareTable(
  { client, connection }: Server,
  scratch: string,
  table: TableDefinition,
  { now, old, ranges }: Sides,
): Promise<Difference> {
  const [before, after] = [namesOf(old), namesOf(now)]
  const names = before.filter((name) => after.includes(name))
  const { position } = table
  const values = names.map((name) => `toString(${quoteIdentifier(name)})::Nullable(String)`).join(', ')
  // Rows whose key has another name now are new or gone, unless all else is the same.
  const words = significantTokens({ file: '', line: 1, text: old.sortKey }).filter(isName).map(unquoted)
  const hasKey = words.length > 0 && words.every((word) => names.includes(word) || !before.includes(word))
  const key = hasKey ? `(${old.sortKey})` : `(${values})`
  const place = (database: string) => `${quoteIdentifier(database)}.${quoteIdentifier(table.target)}`
  const rows = (isNew: boolean) => {
    const [database, { engine }] = isNew ? [scratch, now] : [connection.database, old]
    const inRanges = ranges.map(({ from, to }) => `${position} BETWEEN ${from} AND ${to}`).join(' OR ')
    const from = `${place(database)}${isCollapsing({ engine }) ? ' FINAL' : ''}`
    const where =
      isNew || table.rows.kind === 'per-block'
        ? inRanges
        : `(${inRanges}) OR ${key} IN (SELECT ${key} FROM ${place(scratch)})`
    return `SELECT ${isNew} AS is_new, ${key} AS k, [${values}]::Array(Nullable(String)) AS v, ${position} AS at, (${inRanges}) AS own FROM ${from} WHERE ${where}`
  }
  const replaces =
    table.rows.kind === 'per-block'
      ? 'false'
      : table.rows.keep === 'earliest'
        ? 'minIf(at, is_new) < minIf(at, NOT is_new)'
        : 'maxIf(at, is_new) > maxIf(at, NOT is_new)'
  // Several rows of a key are compared as a sorted list.
  const query = `WITH
      pairs AS
      (
        SELECT k, arraySort(groupArrayIf(v, is_new)) AS after, arraySort(groupArrayIf(v, NOT is_new)) AS before
        FROM (${rows(true)} UNION ALL ${rows(false)}) GROUP BY k HAVING countIf(NOT own) = 0 OR (${replaces})
      ),
      judged AS (SELECT *, multiIf(after = before, 'same', empty(before), 'new', empty(after), 'gone', 'changed') AS what FROM pairs)
    SELECT
      toUInt32(countIf(what = 'same')) AS same, toUInt32(countIf(what = 'changed')) AS changed,
      toUInt32(countIf(what = 'new')) AS new, toUInt32(countIf(what = 'gone')) AS gone,
      sumForEachIf(arrayMap((a, b) -> toUInt32([a] != [b]), arrayResize(after[1], ${names.length}), arrayResize(before[1], ${names.length})), what = 'changed') AS perColumn,
      groupArrayIf(${EXAMPLES})(([before[1]], [after[1]]), what != 'same') AS examples
    FROM judged`
  type Answer = Pick<Difference, 'same' | 'changed' | 'new' | 'gone'> & {
    readonly perColumn: readonly number[]
    readonly examples: readonly (readonly [[Row], [Row]])[]
  }
  const [answer] = await client.rows<Answer>({ query, doing: `comparing ${table.key}` })
  const { perColumn, examples, ...counts } = answer!
  return {
    ...counts,
    columns: Object.fromEntries(names.flatMap((name, at) => (perColumn[at] ? [[name, perColumn[at]]] : []))),
    added: after.filter((name) => !before.includes(name)),
    dropped: before.filter((name) => !after.includes(name)),
    examples: examples.map(([[one], [other]]) => ({ before: orNull(one), after: orNull(other) })),
  }
}

const namesOf = ({ columns }: ExistingTable) => columns.map(({ name }) => name)

const orNull = (row: Row) => (row.length === 0 ? null : row)
