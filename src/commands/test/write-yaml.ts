// Owns the text of a test file made from real rows.
import type { Catalogue } from '../../model/model.ts'
import type { Range } from '../../model/blocks.ts'
import { ddlColumns } from '../../sql-syntax/create-table.ts'
import { parseType } from '../../sql-syntax/types.ts'
import type { Cell, Row, UnitTest } from './unit-test.ts'
import { shortName } from '../../model/table-key.ts'

/** YAML that parses to the same test; values that equal a default are omitted. */
export function testText(test: UnitTest, catalogue: Catalogue): string {
  const { description, network, range, given, expected } = test
  return [
    `description: ${scalar(description)}`,
    `network: ${scalar(network.name)}`,
    `range: ${range.from}-${range.to}`,
    'given:',
    ...[...given].flatMap(([table, rows]) => {
      const derived = catalogue.tables.find(({ target }) => target === table)
      const defaults = defaultsOf(table, catalogue, range)
      const short = rows.map((row) => without(row, defaults))
      return section(`  ${derived?.key ?? shortName(table)}:`, '    ', short)
    }),
    ...section('expect:', '  ', expected.rows),
    '',
  ].join('\n')
}

/** The defaults that rows.ts and ClickHouse fill in; columns of other types are always written. */
function defaultsOf(table: string, { sources, tables }: Catalogue, range: Range): Row {
  const ddl = [...sources, ...tables.map(({ target, ddl: own }) => ({ table: target, ddl: own }))].find(
    (one) => one.table === table,
  )?.ddl
  const columns = ddl === undefined ? [] : ddlColumns(ddl).filter(({ defaultKind }) => defaultKind === '')
  return {
    ...Object.fromEntries(columns.map(({ name, type }) => [name, defaultOf(type)] as const).filter(isKnown)),
    block_number: String(range.from),
    success: true,
  }
}

function defaultOf(type: string): Cell | undefined {
  const { name, args } = parseType(type)
  if (name === 'Nullable') return null
  if (name === 'Bool') return false
  const plain = name === 'LowCardinality' ? args[0]?.name : name
  if (plain === 'String') return ''
  return plain !== undefined && /^U?Int\d+$/.test(plain) ? '0' : undefined
}

function isKnown(entry: readonly [string, Cell | undefined]): entry is readonly [string, Cell] {
  return entry[1] !== undefined
}

function section(title: string, indent: string, rows: readonly Row[]): readonly string[] {
  if (rows.length === 0) return [`${title} []`]
  return [title, ...rows.map((row) => `${indent}- ${flow(row)}`)]
}

function flow(row: Row): string {
  const cells = Object.entries(row).map(([name, cell]) => `${name}: ${value(cell)}`)
  return cells.length === 0 ? '{}' : `{ ${cells.join(', ')} }`
}

function value(cell: Cell): string {
  if (cell === null) return 'null'
  if (Array.isArray(cell)) return `[${cell.map(value).join(', ')}]`
  return scalar(String(cell))
}

/** Plain if it is unambiguous; otherwise a JSON string, which is also a YAML string. */
function scalar(text: string): string {
  return /^[\w-][\w .-]*$/.test(text) && text.trim() === text && !/^(null$|-( |$)|---)/.test(text)
    ? text
    : JSON.stringify(text)
}

function without(row: Row, defaults: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([name, cell]) => cell !== defaults[name]))
}
