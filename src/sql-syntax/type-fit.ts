// Owns ClickHouse's data types, read to trees, and whether the values of one are stored unchanged in a column of another. Pure.
import { isName, significantTokens, type Token, compactText, splitAtCommas, unquoted } from './lexer.ts'

/** Whether every value of type `from` is stored unchanged in a column of type `to`. */
export function fits(from: string, to: string): boolean {
  return from === to || typeFits(parseType(from), parseType(to))
}

/** What else passes: NULL for a type that has none, also within other types; `numbers`: and each number for each other. */
type Passes = 'NULL' | 'numbers' | undefined

export function typeFits(given: DataType, wanted: DataType, passes?: Passes): boolean {
  const [from, to] = [bare(given), bare(wanted)]
  if (to.name === 'Dynamic') return true
  if (to.name === 'Variant') return variantFits(from, to)
  if (to.name === 'Nullable')
    return typeFits(from.name === 'Nullable' ? argument(from, 0) : from, argument(to, 0), passes)
  if (from.name === 'Nullable' && passes !== undefined && argument(from, 0).name !== 'Nothing')
    return typeFits(argument(from, 0), to, passes)
  if (from.name === 'Nothing') return true
  if (CONTAINERS.has(from.name) && from.name === to.name) return elementsFit(from.args, to.args, passes)
  if (from.name === 'FixedString' && to.name === 'String') return true
  // As ::ffff:1.2.3.4
  if (from.name === 'IPv4' && to.name === 'IPv6') return true
  if (ENUM.test(from.name)) return to.name === 'String' || (ENUM.test(to.name) && hasNames(to, from))
  // A comparison yields UInt8; a Float64 column is chosen for room, not for its last digits.
  if (to.name === 'Bool' && from.name === 'UInt8') return true
  if (from.name === 'Bool') return to.name === 'Bool' || numberFits(UINT8, to)
  if (from.name === 'DateTime') return to.name === 'DateTime' || to.name === 'DateTime64'
  if (from.name === 'DateTime64') return to.name === 'DateTime64' && size(from) <= size(to)
  if (from.name === 'Date') return to.name === 'Date' || to.name === 'Date32'
  if (from.name === 'Decimal' && to.name === 'Decimal') return decimalFits(from, to)
  if (passes === 'numbers' && numberKind(from) && numberKind(to)) return true
  return numberFits(from, to) || sameType(from, to)
}

/** `LowCardinality(T)` and `SimpleAggregateFunction(f, T)` hold the values of T. */
function bare(type: DataType): DataType {
  if (type.name === 'LowCardinality') return bare(argument(type, 0))
  if (type.name === 'SimpleAggregateFunction') return bare(argument(type, 1))
  return type
}

/** All values of a Variant may be NULL. A text is stored as what it looks like, of the first type that can be. */
function variantFits(from: DataType, to: DataType): boolean {
  const types = from.name === 'Variant' ? from.args : [from.name === 'Nullable' ? argument(from, 0) : from]
  const isOne = (type: DataType) => type.name === 'Nothing' || to.args.some((one) => sameType(type, one))
  return types.every(isOne) && (from.name === 'Variant' || types[0]!.name !== 'String')
}

const ENUM = /^Enum(8|16)?$/

/** Names keep their numbers: some statements store these. */
function hasNames(all: DataType, some: DataType): boolean {
  const names = new Set(all.args.map(({ name }) => name))
  return some.args.every(({ name }) => names.has(name))
}

const CONTAINERS: ReadonlySet<string> = new Set(['Array', 'Tuple', 'Map'])
const UINT8: DataType = { name: 'UInt8', args: [], label: undefined }

const isSameLabel = ({ label: one }: DataType, { label: other }: DataType): boolean =>
  one === undefined || other === undefined || one === other

function elementsFit(from: readonly DataType[], to: readonly DataType[], passes: Passes): boolean {
  return (
    from.length === to.length &&
    from.every((one, at) => isSameLabel(one, to[at]!) && typeFits(one, to[at]!, passes))
  )
}

/** Signed and unsigned integers by width; integers in floats as far as the mantissa holds them exactly. */
function numberFits(from: DataType, to: DataType): boolean {
  const [a, b] = [numberKind(from), numberKind(to)]
  if (a === undefined || b === undefined) return false
  if (a.kind === b.kind) return a.kind === 'Float' || a.bits <= b.bits
  if (b.kind === 'Float') return a.bits < (b.bits === 64 ? 53 : 24)
  return a.kind === 'UInt' && b.kind === 'Int' && a.bits < b.bits
}

function numberKind(type: DataType): { readonly kind: string; readonly bits: number } | undefined {
  const [, kind, bits] = /^(UInt|Int|Float)(\d+)$/.exec(type.name) ?? []
  return kind === undefined ? undefined : { kind, bits: Number(bits) }
}

function decimalFits(from: DataType, to: DataType): boolean {
  const [wholeDigits, wholeRoom] = [from, to].map((type) => size(type) - size(type, 1))
  return size(from, 1) <= size(to, 1) && wholeDigits! <= wholeRoom!
}

function sameType(from: DataType, to: DataType): boolean {
  // The server computes a state over plain values, whatever the column says of its arguments.
  const args = from.name === 'AggregateFunction' ? plainArgs : (type: DataType) => type.args
  return from.name === to.name && JSON.stringify(args(from)) === JSON.stringify(args(to))
}

function plainArgs({ args }: DataType): readonly DataType[] {
  return args.map((type) =>
    type.name === 'LowCardinality' ? argument(type, 0) : { ...type, args: plainArgs(type) },
  )
}

function argument(type: DataType, index: number): DataType {
  return type.args[index] ?? { name: '', args: [], label: undefined }
}

function size(type: DataType, index = 0): number {
  return Number(argument(type, index).name || 0)
}

export type DataType = {
  /** `UInt64`, `Array`; a literal argument such as `66` or `'a' = 1` is a name without arguments. */
  readonly name: string
  readonly args: readonly DataType[]
  /** Name of a tuple's element, where it has one. */
  readonly label: string | undefined
}

/** Reads a type as `DESCRIBE` prints it. Throws a usage error for text that cannot be lexed. */
export function parseType(text: string): DataType {
  const tokens = significantTokens({ file: text, text, line: 1 })
  // No type nests so deep: what does is taken as one name.
  if (tokens.some(({ depth }) => depth > 100)) return { name: text, args: [], label: undefined }
  return dataType(tokens)
}

/** Whether values of the type are of several types: two of them may look alike outside of JSON, such as 1 and '1'. */
export function isDynamic({ name, args }: DataType): boolean {
  return ['json', 'variant', 'dynamic'].includes(name.toLowerCase()) || args.some(isDynamic)
}

/** Whether the server sorts by it without being asked twice: values of several types, states and vectors have no order. */
export function isSortable(type: DataType): boolean {
  return !/^(AggregateFunction|QBit|Variant|Dynamic)$/.test(type.name) && type.args.every(isSortable)
}

function dataType(tokens: readonly Token[], mayHaveLabel = true): DataType {
  const open = tokens.findIndex((token) => token.text === '(')
  const [first, second] = tokens
  const labelled = mayHaveLabel && second !== undefined && isName(first) && isName(second)
  if (labelled) return { ...dataType(tokens.slice(1), false), label: unquoted(first) }
  if (open !== 1) return { name: compactText(tokens), args: [], label: undefined }
  const args = splitAtCommas(tokens.slice(2, -1)).map((arg) => dataType(arg))
  return { name: first?.text ?? '', args, label: undefined }
}
