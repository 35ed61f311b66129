// Owns reading the values of the `--!` header: each reader returns the value or throws an error about it.
import { type BackfillError, fileError, type Finding, refuse } from '../model/errors.ts'
import type { BlockLimit, BlockLimits, BlockCoverage, OwnParameter, RowsKind } from '../model/model.ts'
import { PINNED_SETTING_NAMES } from '../sql-syntax/settings.ts'
import {
  isKeyword,
  lex,
  OPENING,
  significantTokens,
  unquoted,
  compactText,
  splitAtCommas,
} from '../sql-syntax/lexer.ts'
import { columnsIn } from '../sql-syntax/named-columns.ts'
import { leavesBySetting, reportOutside } from '../sql-syntax/outside.ts'
import { boundText } from '../sql-syntax/parameter-value.ts'
import type { ShardBy } from '../sql-syntax/table-forms.ts'
import { MAX_TYPED, timePosition } from '../model/blocks.ts'

export type HeaderEntry = {
  readonly key: string
  readonly value: string
  readonly file: string
  readonly line: number
}

export const words = ({ value }: HeaderEntry): string => value

const list =
  (pattern: RegExp, what: string, hint: string) =>
  (entry: HeaderEntry): readonly string[] => {
    const names = entry.value.split(',').map((name) => name.trim())
    const bad = names.find((name) => !pattern.test(name))
    if (bad !== undefined) throw wrong(entry, `'${bad}' is not ${what}`, hint)
    return names
  }

const PLAIN = 'use lower-case letters, digits and _, without database or quotes'
const plainNames = list(/^[a-z][a-z0-9_]*$/, 'a plain name', PLAIN)

export const identifier = (entry: HeaderEntry): string => plainName(entry, entry.value)

export function identifiers(entry: HeaderEntry): readonly string[] {
  const names = plainNames(entry)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw wrong(entry, `'${twice}' is named twice`, 'name it once')
  return names
}

export const calls = list(
  /^[A-Za-z]\w*$/,
  'the name of a function or an engine',
  'write names such as url, S3',
)

export const tags = list(/^[a-z0-9][a-z0-9_-]*$/, 'a tag', 'use lower-case letters, digits, - and _')

export const columns = list(/^[A-Za-z_]\w*$/, 'the name of a column', 'write names of columns')

/** `30m`, `2h` or `90s`, in seconds. */
export function seconds(entry: HeaderEntry): number {
  const [, amount, unit] = /^([1-9]\d{0,6})([smh])$/.exec(entry.value) ?? []
  if (amount === undefined)
    throw wrong(entry, `'${entry.value}' is not a time`, 'write a time such as 90s, 30m or 2h')
  return Number(amount) * { s: 1, m: 60, h: 3600 }[unit as 's' | 'm' | 'h']
}

/** `a..b`, `..b` or `a..`, each end a block number, a time, or a fork's name with an optional `+n` or `-n`. */
export function blockLimits(entry: HeaderEntry): BlockLimits {
  const hint = 'write 100..200, dencun.. or ..dencun-1, or 2024-03-13.. for a table that counts seconds'
  const ends = entry.value.split('..').map((end) => end.trim())
  const [from, to] = ends.map((end) => (end === '' ? undefined : blockLimit(end)))
  const bad = ends.length !== 2 || from === null || to === null || (from === undefined && to === undefined)
  if (bad) throw wrong(entry, `'${entry.value}' is not a range of blocks`, hint)
  if (from && to && from.fork === to.fork && from.offset > to.offset) {
    throw wrong(entry, `'${entry.value}' ends before it begins`, hint)
  }
  return { from: from ?? undefined, to: to ?? undefined }
}

/** On one line, as written. It becomes part of a DELETE, so it holds nothing that could end it, read something else or leave the server. */
export function expression(entry: HeaderEntry): ShardBy {
  const sql = { file: entry.file, text: entry.value, line: entry.line }
  const hint = 'write an expression over its columns, such as cityHash64(address)'
  const tokens = significantTokens(sql)
  const last = tokens.at(-1)!
  const isClosed = last.depth === 0 && !OPENING.has(last.text) && tokens.every(({ depth }) => depth >= 0)
  if (!isClosed || !tokens.every(({ depth, text }) => depth > 0 || !SEPARATORS.has(text)))
    throw wrong(entry, `'${entry.value}' is not an expression`, hint)
  const bad = [...lex(sql)].find(
    (token) => token.kind === 'comment' || isKeyword(token, 'SELECT') || token.text === '{',
  )
  if (bad !== undefined) throw wrong(entry, `'${bad.text}' has no place in an expression`, hint)
  reportOutside(sql, [], refuse)
  return { expression: entry.value, line: entry.line }
}

const SEPARATORS: ReadonlySet<string> = new Set([',', ';'])

/** `name = value, …`; a value is a number, a word or a string in single quotes. */
export function settings(entry: HeaderEntry): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const { name, type, value } of assignments(entry, 'write name = value, name = value')) {
    if (type !== '')
      throw wrong(entry, `'${name} ${type}' is not the name of a setting`, 'write name = value')
    if (PINNED_SETTING_NAMES.includes(name)) {
      const hint =
        'leave it out: with another value rows can be lost silently, or the server refuses the statement'
      throw wrong(entry, `'${name}' may not be changed`, hint, 'E025')
    }
    if (leavesBySetting(name)) {
      const sentence = `the setting ${name} reaches outside of the ClickHouse server`
      throw wrong(entry, sentence, 'do without it: no grant of the server limits it', 'E049')
    }
    found[name] = value
  }
  return found
}

/** `name Type = value, …`. */
export function ownParameters(entry: HeaderEntry): readonly OwnParameter[] {
  const hint = 'write name Type = value, such as min_value UInt64 = 1'
  return assignments(entry, hint).map(({ name, type, tokens }) => {
    if (type === '') throw wrong(entry, `'${name}' has no type`, hint)
    if (type === 'Identifier')
      throw wrong(
        entry,
        `'${name}' is an Identifier: no check would see the name`,
        'write the name into the SQL',
      )
    const bound = boundText(tokens.type, tokens.value)
    if ('problem' in bound)
      throw wrong(entry, `'${name}': ${bound.problem}`, 'write a value that its type can hold')
    return { name, type, value: bound.text }
  })
}

/** `per-block`, `per-key earliest <column>` or `per-key latest <column>`. */
export function rowsKind(entry: HeaderEntry): RowsKind {
  if (entry.value === 'per-block') return { kind: 'per-block' }
  const [, keep, column] = /^per-key\s+(earliest|latest)\s+([A-Za-z_]\w*)$/.exec(entry.value) ?? []
  if ((keep === 'earliest' || keep === 'latest') && column !== undefined)
    return { kind: 'per-key', keep, column }
  const hint = 'write per-block, per-key earliest <column> or per-key latest <column>'
  throw wrong(entry, `'${entry.value}' is not a kind of rows`, hint)
}

export const BLOCK_COVERAGES: readonly BlockCoverage[] = ['every-block', 'most-blocks', 'sparse']

export const oneOf =
  <const T extends string>(known: readonly T[], what: string) =>
  (entry: HeaderEntry): T => {
    const found = known.find((one) => one === entry.value)
    if (found !== undefined) return found
    throw wrong(entry, `'${entry.value}' is not a ${what}`, `write one of ${known.join(', ')}`)
  }

function wrong(
  { key, file, line }: HeaderEntry,
  problem: string,
  hint: string,
  rule: Finding['rule'] = 'E003',
): BackfillError {
  return fileError({ rule, file, line, sentence: `${key}: ${problem}`, hint })
}

function plainName(entry: HeaderEntry, name: string): string {
  if (/^[a-z][a-z0-9_]*$/.test(name)) return name
  throw wrong(entry, `'${name}' is not a plain name`, PLAIN)
}

function blockLimit(text: string): BlockLimit | null {
  const block = wholeNumber(text)
  if (block !== undefined) return { fork: undefined, offset: block }
  const time = timePosition(text)
  if (time !== undefined) return { fork: undefined, offset: time, time: text }
  const [, fork, sign, digits] = /^([a-z][a-z0-9_]*)(?:\s*([+-])\s*(\d+))?$/.exec(text) ?? []
  const blocks = digits === undefined ? 0 : wholeNumber(digits)
  // Farther from a fork there is no block, so that the table would hold none, or all.
  if (fork === undefined || blocks === undefined || blocks > MAX_TYPED) return null
  return { fork, offset: sign === '-' && blocks > 0 ? -blocks : blocks }
}

function wholeNumber(text: string): number | undefined {
  const number = /^(0|[1-9]\d*)$/.test(text) ? Number(text) : NaN
  return Number.isSafeInteger(number) ? number : undefined
}

/** `name [Type] = value` between commas; the lexer keeps commas in strings and brackets together. */
function assignments(entry: HeaderEntry, hint: string) {
  const tokens = significantTokens({ file: entry.file, text: entry.value, line: entry.line })
  const found = splitAtCommas(tokens).map((item) => {
    const equals = item.findIndex(({ text, depth }) => text === '=' && depth === item[0]!.depth)
    const [name, ...type] = item.slice(0, equals)
    const value = item.slice(equals + 1)
    if (equals === -1 || name === undefined || value.length === 0) {
      throw wrong(entry, `'${compactText(item)}' sets nothing`, hint)
    }
    const [only] = value
    return {
      name: plainName(entry, name.text),
      type: compactText(type),
      value: value.length === 1 && only?.kind === 'string' ? unquoted(only) : compactText(value),
      tokens: { type, value },
    }
  })
  const twice = found.find(({ name }, index) => found.findIndex((other) => other.name === name) !== index)
  if (twice !== undefined) throw wrong(entry, `'${twice.name}' is set twice`, 'set it once')
  return found
}

/** A length in units, above 0: `10000`, or `6h` of seconds. */
export function chunk(entry: HeaderEntry): number {
  const length = distance(entry)
  if (length > 0) return length
  throw wrong(entry, `'${entry.value}' is not a whole number above 0`, 'write a length such as 10000 or 6h')
}

export function distance(entry: HeaderEntry): number {
  const units = wholeNumber(entry.value)
  if (units !== undefined) return units
  if (/^0[smh]$/.test(entry.value)) return 0
  if (/^\d+[smh]$/.test(entry.value)) return seconds(entry)
  throw wrong(entry, `'${entry.value}' is not a whole number`, 'write a length such as 10000 or 6h')
}

export function columnOrNone(entry: HeaderEntry): string | undefined {
  return entry.value === 'none' ? undefined : columns(entry)[0]
}

/** A table of `after`; `history`: all rows before a range are read, too. */
export type Input = { readonly key: string; readonly history: boolean }

/** `a, b (all before), itself`. */
export function inputs(entry: HeaderEntry): readonly Input[] {
  const read = entry.value.split(',').map((part) => /^\s*(.*?)\s*(\(all before\))?\s*$/.exec(part)!)
  const keys = identifiers({ ...entry, value: read.map(([, key]) => key).join(',') })
  return keys.map((key, index) => ({ key, history: read[index]![2] !== undefined }))
}

export function position(entry: HeaderEntry): string {
  const { expression: text } = expression(entry)
  if (columnsIn(text).length > 0) return text
  throw wrong(entry, `'${text}' names no column`, 'write a column, or an expression over columns')
}
