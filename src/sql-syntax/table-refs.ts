// Owns finding the tables that a statement reads: each name after FROM and JOIN, with the qualifier before its dot.
import type { SqlText } from '../model/model.ts'
import { isKeyword, isName, significantTokens, type Token, unquoted } from './lexer.ts'

export type TableRead = {
  /** `source` of `{source:Identifier}.t`. */
  readonly parameter?: string
  /** `db` of `db.t`, written into the file. */
  readonly database?: string
  readonly table: string
  readonly line: number
  /** Indices in `significantTokens`: of the name's first token, and after its last. */
  readonly from: number
  readonly to: number
}

/** Excludes names that the statement defines (WITH), subqueries and table functions. */
export function tableReads(sql: SqlText): readonly TableRead[] {
  const tokens = significantTokens(sql)
  const own = ownNames(tokens)
  return tokens.flatMap((token, index) => {
    if (!isKeyword(token, 'FROM', 'JOIN') || !beginsTable(tokens, index)) return []
    const read = readAt(tokens, index + 1)
    if (read === undefined || tokens[read.to]?.text === '(') return []
    const isOwn = read.parameter === undefined && read.database === undefined && own.has(read.table)
    return isOwn ? [] : [read]
  })
}

/** The tokens of the SELECT around a place, without the SELECTs within it or beside it in a UNION. */
export function selectAround(tokens: readonly Token[], place: number): readonly Token[] {
  const depth = tokens[place]?.depth ?? 0
  let [from, to] = [place, place]
  while (from > 0 && !(tokens[from]!.depth === depth && isKeyword(tokens[from], 'SELECT'))) {
    if (tokens[from]!.depth < depth) return []
    from--
  }
  while (to < tokens.length && tokens[to]!.depth >= depth) {
    if (to > place && tokens[to]!.depth === depth && isKeyword(tokens[to], 'UNION', 'INTERSECT', 'EXCEPT'))
      break
    to++
  }
  return tokens.slice(from, to)
}

function readAt(tokens: readonly Token[], from: number): TableRead | undefined {
  const first = tokens[from]
  if (first === undefined) return undefined
  if (first.text === '{') {
    const close = tokens.findIndex((token, index) => index > from && token.text === '}')
    const [parameter, table] = [tokens[from + 1], tokens[close + 2]]
    if (close === -1 || parameter === undefined || tokens[close + 1]?.text !== '.' || table === undefined)
      return undefined
    return { parameter: parameter.text, table: unquoted(table), line: first.line, from, to: close + 3 }
  }
  if (!isName(first)) return undefined
  const second = tokens[from + 2]
  if (tokens[from + 1]?.text !== '.' || second === undefined)
    return { table: unquoted(first), line: first.line, from, to: from + 1 }
  return { database: unquoted(first), table: unquoted(second), line: first.line, from, to: from + 3 }
}

/** Not of `ARRAY JOIN`, `IS DISTINCT FROM`, `trim(… FROM …)`: a table's FROM has a SELECT before it at its depth. */
function beginsTable(tokens: readonly Token[], index: number): boolean {
  const [token, before] = [tokens[index]!, tokens[index - 1]]
  if (isKeyword(token, 'JOIN')) return !isKeyword(before, 'ARRAY')
  if (isKeyword(before, 'DISTINCT') && isKeyword(tokens[index - 2], 'IS', 'NOT')) return false
  for (let at = index - 1; at >= 0 && tokens[at]!.depth >= token.depth; at--)
    if (tokens[at]!.depth === token.depth && isKeyword(tokens[at], 'SELECT')) return true
  return false
}

/** `name AS (` of WITH. */
function ownNames(tokens: readonly Token[]): ReadonlySet<string> {
  return new Set(
    tokens.flatMap((token, index) =>
      isKeyword(tokens[index + 1], 'AS') && tokens[index + 2]?.text === '(' ? [unquoted(token)] : [],
    ),
  )
}
