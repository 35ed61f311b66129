// Owns the rows of a test file: the allowed columns, and the defaults of a given row.
import { type BackfillError, knownNames } from '../../model/errors.ts'
import type { Range } from '../../model/blocks.ts'
import type { DdlColumn } from '../../sql-syntax/create-table.ts'
import { testError, type YamlEntry, type YamlNode } from './yaml-tree.ts'
import { type DataType, isDynamic, parseType } from '../../sql-syntax/type-fit.ts'

/** As ClickHouse reads it from JSON; numbers are text, so that no digit of a UInt256 is lost. */
export type Cell = string | boolean | null | JsonText | readonly Cell[] | { readonly [key: string]: Cell }

/** A value of a type that `isDynamic`, as JSON: what is a number there stays one. */
export class JsonText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Column name to value; columns that are absent get the table's defaults. */
export type Row = Readonly<Record<string, Cell>>

/** `columns`: the compared ones, in the order of the DDL. */
type Expected = { readonly columns: readonly string[]; readonly rows: readonly Row[] }

export type GivenContext = {
  readonly network: string
  readonly range: Range
  /** What the table calls these columns; undefined: it has none. */
  readonly columns: { readonly network: string | undefined; readonly position: string }
}

/**
 * The rows of an input. Defaults: the test's network, the first block of its range, `internal_index` from 1, `success`, and a `transaction_hash` of
 * the block and the `transaction_index`, which a row may name for that purpose even if the table has no such column.
 */
export function givenRows(
  node: YamlNode,
  columns: readonly DdlColumn[],
  { network, range, columns: { network: ofNetwork, position } }: GivenContext,
): readonly Row[] {
  const has = (wanted: string) => columns.some(({ name }) => name === wanted)
  const named =
    has('transaction_index') || !has('transaction_hash') ? columns : [...columns, TRANSACTION_INDEX]
  return listOf(node).map((item, index) => {
    const { block_number = String(range.from), transaction_index = '0', ...rest } = readRow(item, named)
    const row: Row = {
      meta_network_name: network,
      ...(ofNetwork !== undefined && { [ofNetwork]: network }),
      [position]: block_number,
      internal_index: String(index + 1),
      success: true,
      transaction_hash: hashOf(block_number, transaction_index),
      block_number,
      transaction_index,
      ...rest,
    }
    return Object.fromEntries(Object.entries(row).filter(([name]) => has(name)))
  })
}

/** All rows name the same columns, which are compared; without a row all columns are, to show what is found. */
export function expectedRows(node: YamlNode, columns: readonly DdlColumn[]): Expected {
  const items = listOf(node)
  const rows = items.map((item) => readRow(item, columns))
  const wanted = columns.map(({ name }) => name).filter((name) => rows.some((row) => name in row))
  for (const [index, row] of rows.entries()) {
    const missing = wanted.find((name) => !(name in row))
    if (missing === undefined) continue
    throw testError(
      items[index]!.place,
      `the row lacks '${missing}', which another row has`,
      'name the same columns in every expected row',
    )
  }
  return { columns: wanted.length > 0 ? wanted : columns.map(({ name }) => name), rows }
}

/** Readable, and unlike any real hash: `0x`, the block and the index, each in 32 decimal digits. */
function hashOf(...numbers: readonly Cell[]): string {
  return `0x${numbers.map((number) => (number as string).padStart(32, '0')).join('')}`
}

const TRANSACTION_INDEX: DdlColumn = { name: 'transaction_index', type: 'UInt64', defaultKind: '' }

function readRow(node: YamlNode, columns: readonly DdlColumn[]): Row {
  if (node.kind !== 'map') throw expected(node, 'a row', 'write { column: value, … }')
  return Object.fromEntries(node.entries.map((entry) => [entry.key, readColumn(entry, columns)]))
}

function readColumn({ key, place, value }: YamlEntry, columns: readonly DdlColumn[]): Cell {
  const column = columns.find(({ name }) => name === key)
  if (column !== undefined) return cell(value, key, parseType(column.type))
  const names = columns.map(({ name }) => name)
  throw testError(place, `unknown column '${key}'`, knownNames('columns', key, names))
}

function listOf(node: YamlNode): readonly YamlNode[] {
  if (node.kind === 'list') return node.items
  const hint = 'write rows below each other, - { column: value, … }, or [] for none'
  throw expected(node, 'a list of rows', hint)
}

export function expected(node: YamlNode, what: string, hint: string): BackfillError {
  const found = node.kind === 'scalar' ? (node.text === '' ? 'nothing' : `'${node.text}'`) : `a ${node.kind}`
  return testError(node.place, `expected ${what}, found ${found}`, hint)
}

/** Names of ClickHouse for tuples and arrays of numbers. */
const GEOMETRY: Readonly<Record<string, string>> = {
  Point: 'Tuple(Float64, Float64)',
  Ring: 'Array(Point)',
  LineString: 'Array(Point)',
  MultiLineString: 'Array(LineString)',
  Polygon: 'Array(Ring)',
  MultiPolygon: 'Array(Polygon)',
}

const BOOL = /^bool(ean)?$/i

/** Types without a rule here are left to the server. @throws BackfillError `usage` with place, value and what is allowed */
function cell(node: YamlNode, column: string, type: DataType): Cell {
  const [inner, second] = type.args
  if (isDynamic(type)) return jsonCell(node, column, type)
  // Other types are left to the server, whatever their spelling: JSON has this one.
  if (type.name !== 'Bool' && BOOL.test(type.name)) return cell(node, column, { ...type, name: 'Bool' })
  const shape = GEOMETRY[type.name]
  if (shape !== undefined) return cell(node, column, parseType(shape))
  if (type.name === 'LowCardinality' && inner !== undefined) return cell(node, column, inner)
  if (type.name === 'SimpleAggregateFunction' && second !== undefined) return cell(node, column, second)
  const isNull = node.kind === 'scalar' && !node.quoted && ['null', '~', ''].includes(node.text)
  if (type.name === 'Nullable' && inner !== undefined) return isNull ? null : cell(node, column, inner)
  if (type.name === 'Array' && inner !== undefined && node.kind === 'list')
    return node.items.map((item) => cell(item, column, inner))
  if (type.name === 'Map' && second !== undefined && node.kind === 'map')
    return Object.fromEntries(node.entries.map(({ key, value }) => [key, cell(value, column, second)]))
  if (type.name === 'Tuple') return tuple(node, column, type)
  const text = node.kind === 'scalar' && !isNull && type.name !== 'Array' ? node.text : undefined
  const hint = refusal(type, text)
  if (text !== undefined && hint === undefined) return type.name === 'Bool' ? text === 'true' : text
  const given =
    node.kind === 'scalar' ? (node.quoted || node.text !== '' ? `'${node.text}'` : 'empty') : `a ${node.kind}`
  throw testError(node.place, `'${column}' is ${given}, which is not a valid ${type.name}`, hint!)
}

/** JSON in quotes, as `test --new` writes it, or YAML that looks like the JSON. */
function jsonCell(node: YamlNode, column: string, { name }: DataType): Cell {
  if (node.kind !== 'scalar' || !node.quoted) return new JsonText(jsonOf(node))
  if (isJson(node.text)) return new JsonText(node.text)
  throw testError(
    node.place,
    `'${column}' is '${node.text}', which is not valid JSON for ${name}`,
    `write JSON in single quotes, '{"a": 1}', a text as '"a"'`,
  )
}

function jsonOf(node: YamlNode): string {
  if (node.kind === 'list') return `[${node.items.map(jsonOf).join(',')}]`
  if (node.kind === 'map')
    return `{${node.entries.map(({ key, value }) => `${JSON.stringify(key)}:${jsonOf(value)}`).join(',')}}`
  return !node.quoted && isJson(node.text) ? node.text : JSON.stringify(node.text)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** A list of all elements, or a map of those that are named; elements that the map lacks get their defaults. */
function tuple(node: YamlNode, column: string, { args }: DataType): Cell {
  if (node.kind === 'list' && node.items.length === args.length)
    return node.items.map((item, index) => cell(item, column, args[index]!))
  const labels = args.map(({ label }) => label)
  if (node.kind === 'map' && node.entries.every(({ key }) => labels.includes(key)))
    return Object.fromEntries(
      node.entries.map(({ key, value }) => [key, cell(value, column, args[labels.indexOf(key)]!)]),
    )
  const names = labels.every((label) => label === undefined) ? '' : `, or { ${labels.join(': …, ')}: … }`
  throw testError(
    node.place,
    `'${column}' is not a valid Tuple`,
    `write a list of ${args.length} values${names}`,
  )
}

/** Texts of a type, and what to write. */
const FORMS: Readonly<Record<string, readonly [form: RegExp, hint: string]>> = {
  AggregateFunction: [/^([0-9A-F]{2})+$/i, 'write the digits that hex(…) of the state shows'],
  Bool: [/^(true|false)$/, 'write true or false'],
  Date: [/^\d{4}-\d\d-\d\d$/, 'write 2026-01-31'],
  Date32: [/^\d{4}-\d\d-\d\d$/, 'write 2026-01-31'],
  DateTime: [/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, 'write 2026-01-31 23:59:59'],
}

/** What to write; undefined if the text is valid. `text`: undefined if it is not one value. */
function refusal({ name, args }: DataType, text: string | undefined): string | undefined {
  if (text === undefined)
    return name === 'Array'
      ? 'write a list: [a, b]'
      : "write a value, or leave the column out for its default; '' is empty text"
  const [, sign, bits] = /^(U?)Int(\d+)$/.exec(name) ?? []
  if (sign !== undefined && bits !== undefined) {
    const values = 2n ** BigInt(bits)
    const least = sign === 'U' ? 0n : -values / 2n
    const most = least + values - 1n
    const isWhole = /^-?(0|[1-9]\d*)$/.test(text)
    const fits = isWhole && BigInt(text) >= least && BigInt(text) <= most
    return fits ? undefined : `write a whole number from ${least} to ${most}, digits only`
  }
  if (name === 'FixedString') {
    const length = Number(args[0]?.name)
    const given = new TextEncoder().encode(text).length
    return given === length ? undefined : `write ${length} bytes, not ${given}`
  }
  if (name.startsWith('Float')) {
    const isNumber = text !== '' && Number.isFinite(Number(text))
    return isNumber || /^(nan|-?inf)$/.test(text) ? undefined : 'write a number, nan, inf or -inf'
  }
  const [form, hint] = FORMS[name] ?? []
  return form === undefined || form.test(text) ? undefined : hint
}
