// Owns the validation of values in a test file by the type of their column.
import { usageError } from '../../model/errors.ts'
import { type DataType, parseType } from '../../sql-syntax/types.ts'
import type { Cell } from './unit-test.ts'
import type { YamlNode } from './yaml-tree.ts'

/**
 * Reads the value of `column`, whose ClickHouse type is `type`. Types without a rule here are left to the server.
 * @throws BackfillError `usage` with the place, the value and what is allowed
 */
export function readCell(node: YamlNode, column: string, type: string): Cell {
  return cell(node, column, parseType(type))
}

function cell(node: YamlNode, column: string, type: DataType): Cell {
  const [inner, second] = type.args
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
  throw usageError(`${node.place}: '${column}' is ${given}, which is not a valid ${type.name}`, hint)
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
  throw usageError(
    `${node.place}: '${column}' is not a valid Tuple`,
    `write a list of ${args.length} values${names}`,
  )
}

/** The allowed values, for the hint; undefined if the text is valid. `text`: undefined if it is not one value. */
function refusal({ name, args }: DataType, text: string | undefined): string | undefined {
  if (text === undefined)
    return name === 'Array'
      ? 'write a list: [a, b]'
      : "write a value, or leave the column out for its default; '' is empty text"
  if (name === 'Bool') return text === 'true' || text === 'false' ? undefined : 'write true or false'
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
    return text !== '' && Number.isFinite(Number(text)) ? undefined : 'write a number'
  }
  if (name === 'Date' || name === 'Date32')
    return /^\d{4}-\d\d-\d\d$/.test(text) ? undefined : 'write 2026-01-31'
  if (name === 'DateTime')
    return /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) ? undefined : 'write 2026-01-31 23:59:59'
  return undefined
}
