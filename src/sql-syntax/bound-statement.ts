// Owns a statement with its values in place of the parameters, for any client.
import type { TableDefinition } from '../model/model.ts'
import { significantTokens } from './lexer.ts'
import { BoundText } from './parameter-value.ts'
import { usedParameters } from './parameters.ts'
import { quoteIdentifier, quoteString } from './quoting.ts'
import { withReplaced } from './tokens.ts'

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
    const value = given instanceof BoundText ? ownLiteral(given, type) : literal(String(given), type)
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
      ? literal(text, type)
      : `'${text}'`
}

/** With its type, because a bare 100 is a UInt8, which hashes and overflows differently. */
function literal(value: string, type: string): string {
  if (type === 'Identifier') return quoteIdentifier(value)
  if (type === 'String') return quoteString(value)
  return /^\d+$/.test(value) && /^U?Int\d+$/.test(type)
    ? `${value}::${type}`
    : `${quoteString(value)}::${type}`
}

function settingLiteral(value: string): string {
  return /^-?\d+(\.\d+)?$/.test(value) ? value : quoteString(value)
}
