// Owns finding the line of each output column of a transform, so that findings can point to it.
import type { SqlText } from '../../model/model.ts'
import { isKeyword, significantTokens, type Token, unquoted } from '../../sql-syntax/lexer.ts'
import { splitAtCommas } from '../../sql-syntax/tokens.ts'

export type OutputLines = {
  /** Line of the outermost SELECT. */
  readonly select: number
  /** Column name to line, without the columns of `*`. */
  readonly columns: ReadonlyMap<string, number>
}

export function outputLines(sql: SqlText): OutputLines {
  const tokens = significantTokens(sql)
  // The whole SELECT may be in brackets.
  const depth = tokens.findIndex(({ text }) => text !== '(')
  const start = tokens.findIndex((token) => token.depth === depth && isKeyword(token, 'SELECT'))
  if (start === -1) return { select: sql.line, columns: new Map() }
  const from = tokens.findIndex(
    (token, index) => index > start && token.depth === depth && isKeyword(token, 'FROM', 'UNION', 'WHERE'),
  )
  const list = tokens.slice(start + 1, from === -1 ? undefined : from)
  const items = splitAtCommas(isKeyword(list[0], 'DISTINCT') ? list.slice(1) : list)
  return {
    select: tokens[start]!.line,
    columns: new Map(items.flatMap((item) => nameOf(item) ?? []).map(({ name, line }) => [name, line])),
  }
}

function nameOf(item: readonly Token[]): { readonly name: string; readonly line: number } | undefined {
  const last = item.at(-1)
  const named = item.length === 1 || isKeyword(item.at(-2), 'AS') || item.at(-2)?.text === '.'
  if (last === undefined || !named || (last.kind !== 'word' && last.kind !== 'identifier')) return undefined
  return { name: unquoted(last), line: last.line }
}
