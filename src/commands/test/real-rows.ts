// Owns the reading of real rows for a test: a transform's input rows in a range, and its output. Reads only.
import { namedBlocks } from '../../model/blocks.ts'
import { usageError } from '../../model/errors.ts'
import { tablesReadBy } from '../../model/choose.ts'
import { createTable, ddlColumns } from '../../sql-syntax/create-table.ts'
import { columnsIn } from '../../sql-syntax/named-columns.ts'
import { significantTokens, type Token, unquoted } from '../../sql-syntax/lexer.ts'
import type { Catalogue, TableDefinition } from '../../model/model.ts'
import type { Cell, Row } from './rows.ts'
import type { UnitTest } from './test-case.ts'
import type { Connection } from '../../clickhouse/connection.ts'
import { quoteIdentifier, quoteString } from '../../sql-syntax/quoting.ts'
import { isDynamic, parseType } from '../../sql-syntax/type-fit.ts'
import type { Server } from '../../clickhouse/server.ts'
import { openServers } from '../../clickhouse/servers.ts'
import { describeSelect, transformParams } from '../../targets/transform.ts'
import { volatileNames } from '../../targets/compared-columns.ts'

type Column = { readonly name: string; readonly type: string }

/** A limit, because people read tests. */
const MOST_ROWS = 10_000

/** @throws BackfillError `usage` for a range with too many rows or with none; `server`, `failed` as the server says */
export async function readRealRows(
  connections: { readonly source: Connection; readonly target: Connection },
  { table, range, network }: Pick<UnitTest, 'table' | 'range' | 'network'>,
  catalogue: Catalogue,
): Promise<Pick<UnitTest, 'given'> & { readonly expected: readonly Row[] }> {
  const servers = await openServers(connections)
  const params = transformParams({ table, range, network, ...connections })
  const inputs = inputsOf(table, catalogue)
  const ofTarget = new Map(ddlColumns(table.ddl).map((column) => [column.name, column]))
  try {
    const reader = servers[table.sources.length === 0 ? 'target' : 'source']
    const select = table.transform.text
    const volatile = await volatileNames(reader, table.transform)
    const columns = (await describeSelect(reader, select, { params, settings: table.settings })).filter(
      ({ name, type }) =>
        !isState(type) && !volatile.has(name) && ofTarget.get(name)?.defaultKind !== 'EPHEMERAL',
    )
    // The rows as the table holds them: an INSERT makes true of 1 in a Bool, and moves a time to the column's zone.
    const held = columns.map(({ name, type }) => ({ name, type: ofTarget.get(name)?.type || type }))
    const cast = held.map(
      ({ name, type }) => `CAST(${quoteIdentifier(name)} AS ${type}) AS ${quoteIdentifier(name)}`,
    )
    const query = `SELECT ${inJson(held)} FROM (SELECT ${cast.join(', ')} FROM (\n${select}\n))`
    const compute = (filters: TableDefinition['settings'] = {}) =>
      rowsOf(reader, query, params, { ...table.settings, ...filters })
    const expected = onlyText(await compute())
    // Of its own rows a statement reads those before its range.
    const within = ({ key, position }: Pick<Input, 'key' | 'position'>, margin: number) =>
      `${position} BETWEEN ${Math.max(0, range.from - margin)} AND ${key === table.key ? range.from - 1 : range.to + margin}`
    const margin = await marginOf(expected, (most) => {
      const filters = inputs
        .filter(({ position }) => position !== undefined)
        .map((input) =>
          [`${connections[input.side].database}.${input.table}`, within(input, most)]
            .map(quoteString)
            .join(': '),
        )
      return compute({ additional_table_filters: `{${filters.join(', ')}}` })
    })
    const given = new Map<string, readonly Row[]>()
    for (const input of inputs) {
      const { side, table: name, columns: read, position, network: column } = input
      const where = [
        ...(column === undefined ? [] : [`${quoteIdentifier(column)} = {network:String}`]),
        ...(position === undefined ? [] : [within(input, margin)]),
      ]
      const rows = `SELECT ${inJson(read)} FROM {${side}:Identifier}.${quoteIdentifier(name)}
        ${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`}`
      // The setting, unlike the word, is no error for an engine that merges nothing.
      given.set(name, await rowsOf(servers[side], rows, params, { final: '1' }))
    }
    if ([...given.values()].every((rows) => rows.length === 0)) {
      const sentence = `${namedBlocks([range])}: no row of ${network.name} in the tables that ${table.key} reads`
      throw usageError(sentence, '`backfill status` shows which blocks there are')
    }
    return { given, expected }
  } finally {
    await servers.close()
  }
}

/** Without the columns that hold bytes which are no text: a test's file cannot hold them. */
function onlyText(rows: readonly Row[]): readonly Row[] {
  const cells = rows.flatMap((row) => Object.entries(row))
  const bytes = new Set(cells.flatMap(([name, it]) => (JSON.stringify(it).includes('\uFFFD') ? [name] : [])))
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !bytes.has(name))))
}

type Input = ReturnType<typeof inputsOf>[number]

/** The tables that the transform reads, with the columns that it may read and those that identify a row. */
function inputsOf(table: TableDefinition, catalogue: Catalogue) {
  const words = new Set([...significantTokens(table.transform).map(unquoted), 'transaction_index'])
  const all = readsWhole(significantTokens(table.transform))
  const lookups = table.lookups ?? []
  return tablesReadBy(table, catalogue).map(({ side, key, table: name, ddl, position, network }) => {
    // Without its key, rows of a Replacing engine would be merged into one.
    const sorted = new Set(createTable(ddl).clauses.get('ORDER BY')?.map(unquoted))
    // What the table computes itself is not given, but what it computes it from.
    const computed = createTable(ddl).columns.flatMap(({ name: column, clauses }) =>
      words.has(column) ? ['MATERIALIZED', 'ALIAS'].flatMap((kind) => clauses.get(kind) ?? []) : [],
    )
    const behind = new Set(computed.map(unquoted))
    const own = ddlColumns(ddl).map((column) => column.name)
    const has = (expression: string) => columnsIn(expression).every((column) => own.includes(column))
    // Of a Nested, `t.x`, the statement may name `t`.
    const isNamed = (column: string) => [words, sorted, behind].some((names) => names.has(column))
    const isRead = (column: string) =>
      all || isNamed(column) || isNamed(column.split('.')[0]!) || column === position
    return {
      side,
      key,
      table: name,
      // A look-up is read whole; so is a roll-up whose rows name no position of the table that it reads.
      position:
        [key, name].some((one) => one !== undefined && lookups.includes(one)) || !has(position)
          ? undefined
          : position,
      network,
      columns: ddlColumns(ddl)
        .filter(({ defaultKind }) => !['MATERIALIZED', 'ALIAS'].includes(defaultKind))
        .filter(({ name: column }) => isRead(column) && column !== network),
    }
  })
}

/** Whether a statement may read columns that it does not name: `SELECT *`, `t.*`, `COLUMNS('…')`. */
function readsWhole(tokens: readonly Token[]): boolean {
  return tokens.some(({ text }, at) => {
    const before = tokens[at - 1]?.text ?? ''
    return text.toUpperCase() === 'COLUMNS' || (text === '*' && /^(SELECT|DISTINCT|,|\.)$/i.test(before))
  })
}

/** How far around its range a statement reads: the smallest distance tried with which it yields the same rows. Too far for a test, or a user who may not set filters: 0. */
async function marginOf(
  expected: readonly Row[],
  within: (margin: number) => Promise<readonly Row[]>,
): Promise<number> {
  for (const margin of MARGINS) {
    const rows = await within(margin).catch(() => undefined)
    if (rows === undefined) return 0
    if (JSON.stringify(rows) === JSON.stringify(expected)) return margin
  }
  return 0
}

const MARGINS = [0, 1, 12, 60, 384, 3600, 86_400]

async function rowsOf(
  { client }: Server,
  query: string,
  params: Record<string, unknown>,
  settings: TableDefinition['settings'],
): Promise<readonly Row[]> {
  const rows = await client.rows<Record<string, unknown>>({
    query: `SELECT * FROM (${query} ${NUMBERS_STAY}) ORDER BY ALL LIMIT ${MOST_ROWS + 1}`,
    query_params: params,
    clickhouse_settings: { ...settings, ...NUMBERS_AS_TEXT },
    doing: 'reading rows for a test',
  })
  if (rows.length > MOST_ROWS)
    throw usageError(
      `the range has more than ${MOST_ROWS} rows of one table`,
      'choose fewer blocks: a test is read by people',
    )
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, it]) => [name, cellOf(it)])))
}

/** A list for a SELECT: values that say of which type they are only as JSON are JSON, states of aggregate functions are hexadecimal digits, and maps are sorted. */
export function inJson(columns: readonly Column[]): string {
  const one = ({ name, type }: Column) => {
    const column = quoteIdentifier(name)
    if (isDynamic(parseType(type))) return `toJSONString(${column}) AS ${column}`
    // ClickHouse tells maps apart by the order of their keys, which JavaScript changes: keys that are numbers come first.
    if (parseType(type).name === 'Map') return `mapSort(${column}) AS ${column}`
    return isState(type) ? `hex(${column}) AS ${column}` : column
  }
  return columns.map(one).join(', ')
}

/** No digit is lost; JSON has no nan and no inf. */
export const NUMBERS_AS_TEXT = {
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
  output_format_json_quote_denormals: 1,
} as const

/** Of a subquery with such a list: what it turns into JSON is as in a run, whatever the query around it asks for. */
export const NUMBERS_STAY =
  'SETTINGS output_format_json_quote_64bit_integers = 0, output_format_json_quote_decimals = 0, output_format_json_quote_denormals = 0'

/** The state of an aggregate function, as the table has it: bytes that no person reads. */
export function isState(type: string): boolean {
  return type.startsWith('AggregateFunction(')
}

function cellOf(value: unknown): Cell {
  if (Array.isArray(value)) return value.map(cellOf)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, cellOf(it)]))
  // A text of -0 is 0.
  return typeof value === 'number' ? (Object.is(value, -0) ? '-0' : String(value)) : (value as Cell)
}
