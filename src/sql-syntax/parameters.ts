// Owns the `{name:Type}` parameters of SQL text: finding them, checking their names and types, and their values: a header's literal in the
// form in which it is bound, and a statement with values in their place.
import { fileError, type Finding, refuse, type Report, knownNames } from '../model/errors.ts'
import type { OwnParameter, SqlText, TableDefinition } from '../model/model.ts'
import {
  significantTokens,
  compactText,
  isKeyword,
  type Token,
  closingAt,
  splitAtCommas,
  withReplaced,
} from './lexer.ts'
import { quoteIdentifier, quoteString } from './quoting.ts'

export type Parameters = Readonly<Record<string, string>>

export const RUNNER_PARAMETERS: Parameters = {
  from_block: 'UInt64',
  to_block: 'UInt64',
  from: 'UInt64',
  to: 'UInt64',
  network: 'String',
  source: 'Identifier',
  target: 'Identifier',
}

/** Names of parameters that statements around a transform bind; forks and own parameters have others. */
export function isReserved(name: string): boolean {
  return /^(p\d+|backfill_.*)$/.test(name)
}

/** All parameters that a transform may use. Reports its own parameters whose names are taken. @param place of the header's `params` */
export function transformParameters(
  place: Pick<Finding, 'file' | 'line'>,
  { forks, own }: { readonly forks: readonly string[]; readonly own: readonly OwnParameter[] },
  report: Report = refuse,
): Parameters {
  const given = { ...RUNNER_PARAMETERS, ...Object.fromEntries(forks.map((fork) => [fork, 'UInt64'])) }
  const clashes = own.filter(({ name }) => Object.hasOwn(given, name) || isReserved(name))
  for (const { name } of clashes) {
    const sentence = `params: '${name}' is the name of a parameter that the runner binds`
    report(fileError({ rule: 'E033', ...place, sentence, hint: 'rename it' }))
  }
  return { ...Object.fromEntries(own.map(({ name, type }) => [name, type])), ...given }
}

/** The names of its parameters, in the order of their first use. Reports unknown names and wrong types. */
export function checkedParameters(sql: SqlText, known: Parameters, report: Report = refuse) {
  const names = new Set<string>()
  for (const { name, type, line } of usedParameters(sql)) {
    const place = { file: sql.file, line }
    const right = Object.hasOwn(known, name) ? known[name] : undefined
    if (right === undefined) {
      const hint = knownNames('parameters', name, Object.keys(known))
      report(fileError({ rule: 'E030', ...place, sentence: `unknown parameter {${name}:${type}}`, hint }))
    } else if (type !== right && !(isPosition(name) && /^DateTime(64)?(\(.*\))?$/.test(type))) {
      const sentence = `parameter '${name}' is used as ${type}`
      report(fileError({ rule: 'E031', ...place, sentence, hint: `write {${name}:${right}}` }))
    }
    names.add(name)
  }
  return [...names]
}

/** The ends of a range in any unit: a time is bound as seconds since 1970, as a number is. */
function isPosition(name: string): boolean {
  return name === 'from' || name === 'to'
}

/** Every use of a parameter, in order; `from` and `to` are the braces among the significant tokens. Braces in strings, comments, heredocs and literals are not parameters. */
export function usedParameters(sql: SqlText) {
  const tokens = significantTokens(sql)
  return tokens.flatMap((brace, from) => {
    const [name, colon] = [tokens[from + 1], tokens[from + 2]]
    if (brace.text !== '{' || name?.kind !== 'word' || colon?.text !== ':') return []
    let to = from + 3
    while (to < tokens.length && tokens[to]?.text !== '}') to++
    return [{ name: name.text, type: compactText(tokens.slice(from + 3, to)), line: brace.line, from, to }]
  })
}

/** A value that is bound exactly as this text: escapes in it are the server's to read. */
export class BoundText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

/** With escapes as written; `['a', 1]` for arrays, tuples and maps. @returns `problem`: why it is no value of the type, as the end of a sentence */
export function boundText(
  type: readonly Token[],
  literal: readonly Token[],
): { readonly text: string } | { readonly problem: string } {
  const value = valueOf(literal)
  const problem = misfit(type, value)
  if (problem !== undefined) return { problem }
  const [only] = literal
  if (literal.length > 1 || only === undefined) return { text: nested(value) }
  if (isKeyword(only, 'NULL')) return { text: '\\N' }
  if (only.kind === 'string') return { text: content(only) }
  return { text: only.kind === 'number' ? only.text.replaceAll('_', '') : only.text }
}

/** A literal, and the items between its brackets, if it has any: keys and values of a map follow one another. */
type Value = { readonly tokens: readonly Token[]; readonly open: string; readonly items: readonly Value[] }

/** `array(1)`, `tuple(1)` and `map('a', 1)` mean `[1]`, `(1)` and `{'a': 1}`: bound text knows no functions. */
const OPENED_BY: Readonly<Record<string, string>> = { array: '[', tuple: '(', map: '{' }
const CLOSED_BY: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}' }

function valueOf(tokens: readonly Token[]): Value {
  const called = OPENED_BY[tokens[0]?.text.toLowerCase() ?? '']
  const at = called === undefined ? 0 : 1
  if (closingAt(tokens, at) !== tokens.length - 1) return { tokens, open: '', items: [] }
  const items = splitAtCommas(tokens.slice(at + 1, -1)).flatMap((item) => {
    const isMap = tokens[at]!.text === '{'
    const colon = item.findIndex(({ text, depth }) => isMap && text === ':' && depth === item[0]!.depth)
    return colon === -1 ? [item] : [item.slice(0, colon), item.slice(colon + 1)]
  })
  return { tokens, open: called ?? tokens[0]!.text, items: items.map(valueOf) }
}

function nested({ tokens, open, items }: Value): string {
  if (open === '')
    return compactText(
      tokens.map((token) => (token.kind === 'string' ? { ...token, text: `'${content(token)}'` } : token)),
    )
  const separators = items.map((_, at) => (at === 0 ? '' : open === '{' && at % 2 === 1 ? ':' : ', '))
  return open + items.map((item, at) => separators[at] + nested(item)).join('') + CLOSED_BY[open]
}

/** Strings and escaped text are read by the same rules, but for doubled quotes. */
function content({ text }: Token): string {
  return text.slice(1, -1).replaceAll(/\\[^]|''|\t|\n/g, (found) => ESCAPED[found] ?? found)
}

const ESCAPED: Readonly<Record<string, string>> = { "''": "\\'", '\t': '\\t', '\n': '\\n' }

/** The server would wrap a number that its type cannot hold, and cut digits off, silently. */
function misfit(type: readonly Token[], value: Value): string | undefined {
  const { tokens, open, items } = value
  const name = type[0]?.text ?? ''
  const inner = splitAtCommas(type.slice(2, -1))
  const [first] = tokens
  const literal = compactText(tokens)
  const written = `${literal} is not a value of ${compactText(type)}`
  if (name === 'Nullable' || name === 'LowCardinality')
    return tokens.length === 1 && isKeyword(first, 'NULL') ? undefined : misfit(inner[0] ?? [], value)
  if (name === 'Array' || name === 'Tuple' || name === 'Map') {
    if (open === '' || (name === 'Tuple' && items.length !== inner.length)) return written
    const typeOf = (at: number) => unnamed(inner[at % inner.length] ?? [])
    return items.map((item, at) => misfit(typeOf(at), item)).find((problem) => problem !== undefined)
  }
  const [, unsigned, bits] = /^(U?)Int(\d+)$/.exec(name) ?? []
  if (bits !== undefined) {
    const text = (first?.kind === 'string' ? content(first) : literal).replaceAll('_', '')
    if (!/^[-+]?\d+$/.test(text)) return written
    const number = BigInt(text.replace('+', ''))
    const fits = unsigned === 'U' ? BigInt.asUintN(Number(bits), number) : BigInt.asIntN(Number(bits), number)
    return fits === number ? undefined : `${text} does not fit into ${name}`
  }
  const digits = /^Decimal\((\d+), (\d+)\)$/.exec(compactText(type))
  if (digits === null) return undefined
  const [, whole = '', fraction = ''] = /^[-+]?0*(\d*)\.?(\d*?)0*$/.exec(literal.replace(/^'|'$/g, '')) ?? []
  const [precision, scale] = [Number(digits[1]), Number(digits[2])]
  return fraction.length > scale || whole.length > precision - scale
    ? `${literal} does not fit into ${compactText(type)}`
    : undefined
}

function unnamed(type: readonly Token[]): readonly Token[] {
  return type[1] !== undefined && type[1].text !== '(' ? type.slice(1) : type
}

/** The transform for any client: the file's layout, the header's settings in a clause, and the runner's values. */
export function boundStatement(
  { transform, settings }: Pick<TableDefinition, 'transform' | 'settings'>,
  values: Readonly<Record<string, unknown>>,
): string {
  const tokens = significantTokens(transform)
  const texts = new Map<number, string>()
  for (const { name, type, from, to } of usedParameters(transform)) {
    if (!Object.hasOwn(values, name)) continue
    for (let at = from; at <= to; at++) texts.set(at, '')
    const given = values[name]
    const value = given instanceof BoundText ? ownLiteral(given, type) : typedLiteral(String(given), type)
    // `-7::UInt64` would be the cast of -7.
    texts.set(from, tokens[from - 1]?.text === '-' ? `(${value})` : value)
  }
  const text = withReplaced(transform, texts)
  const clause = Object.entries(settings).map(([name, value]) => `${name} = ${settingLiteral(value)}`)
  // Around the SELECT, as the runner sends them: a SETTINGS clause in the transform wins.
  return clause.length === 0 ? text : `SELECT * FROM (\n${text}\n)\nSETTINGS ${clause.join(', ')}`
}

/** Its escapes are as written; a string of an array or the like is read by its type. */
function ownLiteral({ text }: BoundText, type: string): string {
  return text === '\\N'
    ? `NULL::${type}`
    : /^[[({]/.test(text) || type !== 'String'
      ? typedLiteral(text, type)
      : `'${text}'`
}

/** With its type, because a bare 100 is a UInt8, which hashes and overflows differently. */
function typedLiteral(value: string, type: string): string {
  if (type === 'Identifier') return quoteIdentifier(value)
  if (type === 'String') return quoteString(value)
  return /^\d+$/.test(value) && /^U?Int\d+$/.test(type)
    ? `${value}::${type}`
    : `${quoteString(value)}::${type}`
}

function settingLiteral(value: string): string {
  return /^-?\d+(\.\d+)?$/.test(value) ? value : quoteString(value)
}
