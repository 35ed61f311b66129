// Owns the `{name:Type}` parameters of SQL text: finding them, checking their names and types, and a statement with
// values in their place.
import { fileError, type Finding, refuse, type Report, knownNames } from '../model/errors.ts'
import type { OwnParameter, SqlText, TableDefinition } from '../model/model.ts'
import { significantTokens, compactText, withReplaced } from './lexer.ts'
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
    } else if (type !== right && !(/^(from|to)$/.test(name) && /^DateTime(64)?(\(.*\))?$/.test(type))) {
      // The ends of a range in any unit: a time is bound as seconds since 1970, as a number is.
      const sentence = `parameter '${name}' is used as ${type}`
      report(fileError({ rule: 'E031', ...place, sentence, hint: `write {${name}:${right}}` }))
    }
    names.add(name)
  }
  return [...names]
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
