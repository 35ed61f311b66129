// Owns whether a transform's rows fit into its target: INSERT casts silently, so lossy casts are found beforehand.
import { nearest } from '../model/did-you-mean.ts'
import type { DdlColumn } from './create-table.ts'
import { quoteIdentifier, quoteString } from './quoting.ts'
import { unspaced } from './tokens.ts'
import { type DataType, parseType } from './types.ts'

export type OutputColumn = { readonly name: string; readonly type: string }

export type ColumnProblem = {
  readonly rule: 'E063' | 'E064' | 'E065'
  readonly column: string
  readonly sentence: string
  readonly hint: string
  /** What a SELECT around the transform takes in place of the column, so that it fits, or its chunk fails. Empty: nothing, and the target's default is stored. */
  readonly repair?: string | undefined
  /** A number with a fraction goes into a column of whole numbers, as of an average or a quantile: the repair cuts it off, as an INSERT does. */
  readonly fractions?: boolean
}

export function columnProblems(
  output: readonly OutputColumn[],
  target: readonly DdlColumn[],
): readonly string[] {
  return columnMisfits(output, target).map(({ sentence, hint }) => `${sentence}: ${hint}`)
}

/** What inserting `output` (as DESCRIBE has it) into `target` would lose, by column name. */
export function columnMisfits(
  output: readonly OutputColumn[],
  target: readonly DdlColumn[],
): readonly ColumnProblem[] {
  const meant = output.map(({ name }) => unqualified(name, output, target))
  return [
    ...output.flatMap((column, at) => outputProblem(column, target, meant[at]) ?? []),
    ...target
      .filter(({ name }) => !meant.includes(name) && !output.some((column) => column.name === name))
      .flatMap((c) => lackOf(c) ?? []),
  ]
}

/** The server names the columns of a join after their tables where names meet: `b.slot` for the target's `slot`, if nothing else is it. */
function unqualified(
  name: string,
  output: readonly OutputColumn[],
  target: readonly DdlColumn[],
): string | undefined {
  const last = name.slice(name.lastIndexOf('.') + 1)
  const alike = output.filter((column) => column.name === last || column.name.endsWith(`.${last}`))
  const isTaken = target.some((column) => column.name === name)
  return alike.length === 1 && !isTaken && name !== last ? last : undefined
}

/** Whether every value of type `from` is stored unchanged in a column of type `to`. */
export function fits(from: string, to: string): boolean {
  return from === to || typeFits(parseType(from), parseType(to))
}

function outputProblem(
  { name, type }: OutputColumn,
  target: readonly DdlColumn[],
  meant: string | undefined,
): ColumnProblem | undefined {
  const column = target.find((known) => known.name === (meant ?? name))
  if (column === undefined) {
    const free = target.map((known) => known.name)
    const near = nearest(name, free)
    const hint = near === undefined ? `the target has ${free.join(', ')}` : `did you mean '${near}'?`
    const sentence = `the transform's column '${name}' is not in the target`
    return { rule: 'E063', column: name, sentence, hint }
  }
  if (column.defaultKind === 'MATERIALIZED' || column.defaultKind === 'ALIAS') {
    const sentence = `the target computes '${name}' (${column.defaultKind}) and takes no values for it`
    return { rule: 'E063', column: name, sentence, hint: 'leave it out of the transform' }
  }
  if (meant !== undefined) {
    const sentence = `the transform's column '${name}' has the name of its table before it`
    const [written, as] = [quoteIdentifier(name), quoteIdentifier(meant)]
    const value = fits(type, column.type) ? written : conversion(written, type, column.type)
    const hint = `write \`${name} AS ${meant}\` in the transform, or let \`backfill check --fix\` do so`
    return { rule: 'E063', column: name, sentence, hint, repair: value && `${value} AS ${as}` }
  }
  if (column.type === '' || fits(type, column.type)) return undefined
  const sentence = `column '${name}' is ${unspaced(type.replaceAll(/\s+/g, ' '))} in the transform and ${column.type} in the target`
  // An INSERT by hand stores the default in place of a NULL (insert_null_as_default).
  if (column.defaultKind === 'DEFAULT' && unspaced(type) === 'Nullable(Nothing)') {
    const hint = 'leave it out of the transform: its default is stored then; or run `backfill check --fix`'
    return { rule: 'E065', column: name, sentence, hint, repair: '' }
  }
  const value = conversion(quoteIdentifier(name), type, column.type)
  const hint = conversionHint(name, type, column.type)
  if (value === undefined) return { rule: 'E065', column: name, sentence, hint }
  const repair = `${value} AS ${quoteIdentifier(name)}`
  const fractions = cutsFractions(type, column.type)
  const orFix = fractions
    ? `write to${wholeType(column.type)}(round(…)) AS ${name} in the transform, or run \`backfill check --fix\`, which cuts fractions off as an INSERT does`
    : `${hint}, or run \`backfill check --fix\``
  return { rule: 'E065', column: name, sentence, hint: orFix, repair, fractions }
}

function cutsFractions(from: string, to: string): boolean {
  return /^(Nullable\()?Float/.test(from) && /^U?Int/.test(wholeType(to))
}

const wholeType = (to: string): string => /^Nullable\((.*)\)$/.exec(to)?.[1] ?? to

/** A cast that throws where a value does not fit; undefined where ClickHouse has none. CAST rounds and wraps numbers, and refuses only NULL. */
function conversion(column: string, from: string, to: string): string | undefined {
  const [given, wanted] = [parseType(from), parseType(to)]
  const into = quoteString(/^SimpleAggregateFunction\(\w+, (.*)\)$/.exec(to)?.[1] ?? to)
  if (typeFits(given, wanted, 'NULL')) return `CAST(${column}, ${into})`
  if (!typeFits(given, wanted, 'numbers')) return undefined
  return cutsFractions(from, to)
    ? `accurateCast(trunc(${column}), ${into})`
    : `accurateCast(${column}, ${into})`
}

function lackOf({ name, defaultKind }: DdlColumn): ColumnProblem | undefined {
  if (defaultKind !== '') return undefined
  const sentence = `the target's column '${name}' has no default and the transform lacks it`
  return { rule: 'E064', column: name, sentence, hint: 'add it to the SELECT' }
}

function conversionHint(name: string, from: string, to: string): string {
  if (parseType(from).name === 'Nullable' && parseType(to).name !== 'Nullable') {
    return `write ifNull(…, …) AS ${name} in the transform, or make the target's column Nullable`
  }
  const write = NUMBER.test(to) ? `to${to}(…)` : `CAST(… AS ${to})`
  return `write ${write} AS ${name} in the transform where the value is known to fit`
}

const NUMBER = /^(U?Int|Float)\d+$/

/** What else passes: NULL for a type that has none, also within other types; `numbers`: and each number for each other. */
type Passes = 'NULL' | 'numbers' | undefined

function typeFits(given: DataType, wanted: DataType, passes?: Passes): boolean {
  const [from, to] = [bare(given), bare(wanted)]
  if (to.name === 'Nullable')
    return typeFits(from.name === 'Nullable' ? argument(from, 0) : from, argument(to, 0), passes)
  if (from.name === 'Nullable' && passes !== undefined && argument(from, 0).name !== 'Nothing')
    return typeFits(argument(from, 0), to, passes)
  if (from.name === 'Nothing') return true
  if (CONTAINERS.has(from.name) && from.name === to.name) return elementsFit(from.args, to.args, passes)
  if (from.name === 'FixedString' && to.name === 'String') return true
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

const CONTAINERS: ReadonlySet<string> = new Set(['Array', 'Tuple', 'Map'])
const UINT8: DataType = { name: 'UInt8', args: [], label: undefined }

function elementsFit(from: readonly DataType[], to: readonly DataType[], passes: Passes): boolean {
  return (
    from.length === to.length &&
    from.every((element, index) => {
      const into = to[index]!
      const sameLabel =
        element.label === undefined || into.label === undefined || element.label === into.label
      return sameLabel && typeFits(element, into, passes)
    })
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
