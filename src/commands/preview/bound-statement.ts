// Owns a transform's text with a value in place of each parameter: for pasting into a client, never for running.
import type { SqlText, TableDefinition } from '../../model/model.ts'
import { quoteIdentifier, quoteString } from '../../sql-syntax/quoting.ts'
import { isSignificant, lex, type Token } from '../../sql-syntax/lexer.ts'
import { compactText } from '../../sql-syntax/tokens.ts'

/**
 * The transform for pasting into any client: comments and layout as in the file, the settings of its header in a
 * clause. `values` holds the values that the runner would bind; a parameter without a value stays unchanged.
 */
export function boundStatement(
  { transform, settings }: Pick<TableDefinition, 'transform' | 'settings'>,
  values: Readonly<Record<string, unknown>>,
): string {
  const text = boundText(transform, values)
  const clause = Object.entries(settings).map(([name, value]) => `${name} = ${settingLiteral(value)}`)
  // Around the SELECT, as the runner sends them: a SETTINGS clause in the transform wins.
  return clause.length === 0 ? text : `SELECT * FROM (\n${text}\n)\nSETTINGS ${clause.join(', ')}`
}

function boundText(sql: SqlText, values: Readonly<Record<string, unknown>>): string {
  const tokens = [...lex(sql)]
  let text = ''
  let before: Token | undefined
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!
    const use = parameterAt(tokens, at)
    if (use !== undefined && Object.hasOwn(values, use.name)) {
      const value = literal(String(values[use.name]), use.type)
      // `-7::UInt64` would be the cast of -7.
      text += before?.text === '-' ? `(${value})` : value
      at = use.end
    } else text += token.text
    if (isSignificant(token)) before = token
  }
  return text
}

/** The parameter that begins at this token, and the position of its closing brace. */
function parameterAt(tokens: readonly Token[], start: number) {
  if (tokens[start]!.text !== '{') return undefined
  const end = tokens.findIndex((token, index) => index > start && token.text === '}')
  const [name, colon, ...type] = tokens.slice(start + 1, end).filter(isSignificant)
  if (end === -1 || name?.kind !== 'word' || colon?.text !== ':') return undefined
  return { name: name.text, type: compactText(type), end }
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
