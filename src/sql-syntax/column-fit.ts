// Owns whether a transform's rows fit into its target: INSERT casts silently, so lossy casts are found beforehand.
import { nearest } from '../model/errors.ts'
import type { DdlColumn } from './create-table.ts'
import { quoteIdentifier, quoteString } from './quoting.ts'
import { unspaced } from './lexer.ts'
import { fits, typeFits, parseType } from './type-fit.ts'

export type OutputColumn = { readonly name: string; readonly type: string }

export type ColumnProblem = {
  readonly rule: 'E063' | 'E064' | 'E065'
  readonly column: string
  readonly sentence: string
  readonly hint: string
  /** What a SELECT around the transform takes in place of the column, so that it fits, or its chunk fails. Empty: nothing, and the target's default is stored. */
  readonly repair?: string | undefined
  /** A number with a fraction goes into a column of whole numbers, as of an average or a quantile, or a time into one of coarser times: the repair cuts the fraction off, as an INSERT does. */
  readonly fractions?: boolean
}

export function columnProblems(
  output: readonly OutputColumn[],
  target: readonly DdlColumn[],
): readonly string[] {
  return columnMisfits(output, target).map(({ sentence, hint }) => `${sentence}: ${hint}`)
}

export function columnMisfits(
  output: readonly OutputColumn[],
  target: readonly DdlColumn[],
): readonly ColumnProblem[] {
  const meant = output.map(({ name }) => unqualified(name, output, target))
  const known = [...output.map(({ name }) => name), ...meant]
  return [
    ...output.flatMap((column, at) => outputProblem(column, target, meant[at]) ?? []),
    ...target
      .filter(({ name, defaultKind }) => defaultKind === '' && !known.includes(name))
      .map(({ name }): ColumnProblem => {
        const sentence = `the target's column '${name}' has no default and the transform lacks it`
        return { rule: 'E064', column: name, sentence, hint: 'add it to the SELECT' }
      }),
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
  if (unspaced(type) === 'Nullable(Nothing)') {
    const isNull = `column '${name}' is always NULL in the transform and ${column.type} in the target`
    const [hint, repair] =
      column.defaultKind === 'DEFAULT'
        ? ['leave it out of the transform: its default is stored then; or run `backfill check --fix`', '']
        : [`write the value that is meant AS ${name} in the transform, or make the target's column Nullable`]
    return { rule: 'E065', column: name, sentence: isNull, hint, repair }
  }
  const value = conversion(quoteIdentifier(name), type, column.type)
  const hint = conversionHint(name, type, column.type)
  if (value === undefined) return { rule: 'E065', column: name, sentence, hint }
  const repair = `${value} AS ${quoteIdentifier(name)}`
  const isNumber = cutsFractions(type, column.type)
  const fractions = isNumber || cutsTime(type, column.type)
  const byHand = isNumber ? `write to${wholeType(column.type)}(round(…)) AS ${name} in the transform` : hint
  const orFix = `${byHand}, or run \`backfill check --fix\`${fractions ? ', which cuts fractions off as an INSERT does' : ''}`
  return { rule: 'E065', column: name, sentence, hint: orFix, repair, fractions }
}

function cutsFractions(from: string, to: string): boolean {
  return /^(Nullable\()?Float/.test(from) && /^U?Int/.test(wholeType(to))
}

const cutsTime = (...types: string[]) => /^(Nullable\()?DateTime64.*,(Nullable\()?DateTime/.test(types.join())

const wholeType = (to: string): string => /^Nullable\((.*)\)$/.exec(to)?.[1] ?? to

/** A cast that throws where a value does not fit; undefined where ClickHouse has none. CAST rounds and wraps numbers, and refuses only NULL. */
function conversion(column: string, from: string, to: string): string | undefined {
  const [given, wanted] = [parseType(from), parseType(to)]
  const into = quoteString(/^SimpleAggregateFunction\(\w+, (.*)\)$/.exec(to)?.[1] ?? to)
  if (typeFits(given, wanted, 'NULL')) return `CAST(${column}, ${into})`
  // accurateCast wraps times that are too late for a DateTime.
  const seconds = quoteString(to.replace(/DateTime(\([^)]*\))?/, 'UInt32'))
  const time = to.includes('DateTime64') ? column : `accurateCast(toInt64(${column}), ${seconds})`
  if (cutsTime(from, to)) return `CAST(${time}, ${into})`
  if (!typeFits(given, wanted, 'numbers')) return undefined
  return cutsFractions(from, to)
    ? `accurateCast(trunc(${column}), ${into})`
    : `accurateCast(${column}, ${into})`
}

function conversionHint(name: string, from: string, to: string): string {
  if (parseType(from).name === 'Nullable' && parseType(to).name !== 'Nullable') {
    return `write ifNull(…, …) AS ${name} in the transform, or make the target's column Nullable`
  }
  const write = NUMBER.test(to) ? `to${to}(…)` : `CAST(… AS ${to})`
  return `write ${write} AS ${name} in the transform where the value is known to fit`
}

const NUMBER = /^(U?Int|Float)\d+$/
