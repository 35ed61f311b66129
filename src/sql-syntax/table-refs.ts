// Owns finding the tables that a statement reads: each name after FROM and JOIN, and each behind `{source:Identifier}.`
import type { SqlText } from '../model/model.ts'
import { isKeyword, isName, significantTokens, type Token, unquoted } from './lexer.ts'
import { closings } from './tokens.ts'

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
  return tokens.flatMap((_, index) => {
    const read = readAt(tokens, index)
    const isFree = read?.parameter !== undefined || beginsTable(tokens, index - 1)
    if (read === undefined || !isFree || tokens[read.to]?.text === '(') return []
    const isOwn = read.parameter === undefined && read.database === undefined && own.has(read.table)
    return isOwn ? [] : [read]
  })
}

/** The tables written as `{source:Identifier}.name` or `{target:Identifier}.name`, with the line of their first mention. */
export function tablesRead(sql: SqlText, parameter: 'source' | 'target'): ReadonlyMap<string, number> {
  const reads = tableReads(sql).filter((read) => read.parameter === parameter)
  const byTable = Map.groupBy(reads, ({ table }) => table)
  return new Map([...byTable].map(([table, [first]]) => [table, first!.line]))
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

/** The name that begins there: `{source:Identifier}.t`, `db.t` or `t`. */
function readAt(tokens: readonly Token[], from: number): TableRead | undefined {
  const [first, second, , type] = tokens.slice(from, from + 4)
  const { line } = first!
  const behind = type?.text === 'Identifier' && first?.text === '{' ? from + 5 : from + 1
  const name = tokens[behind]?.text === '.' ? tokens[behind + 1] : undefined
  const to = behind + 2
  if (behind === from + 5)
    return name && second && { parameter: second.text, table: unquoted(name), line, from, to }
  if (!isName(first)) return undefined
  return name === undefined
    ? { table: unquoted(first), line, from, to: from + 1 }
    : { database: unquoted(first), table: unquoted(name), line, from, to }
}

/** Not of `ARRAY JOIN`, `IS DISTINCT FROM`, `WITH FILL FROM`, `trim(… FROM …)`: a table's FROM has a SELECT before it at its depth. */
export function beginsTable(tokens: readonly Token[], index: number): boolean {
  const [token, before] = [tokens[index], tokens[index - 1]]
  if (isKeyword(token, 'JOIN')) return !isKeyword(before, 'ARRAY')
  if (token === undefined || !isKeyword(token, 'FROM')) return false
  if (isKeyword(before, 'DISTINCT') && isKeyword(tokens[index - 2], 'IS', 'NOT')) return false
  return !isKeyword(before, 'FILL') && behindSelect(tokens).has(index)
}

/** Each FROM that has a SELECT before it in its bracket. Found once for all: a file may be written to be slow. */
function behindSelect(tokens: readonly Token[]): ReadonlySet<number> {
  const known = behind.get(tokens)
  if (known !== undefined) return known
  const found = new Set<number>()
  const selects: boolean[] = []
  for (const [index, token] of tokens.entries()) {
    selects.length = Math.min(selects.length, Math.max(token.depth + 1, 0))
    if (isKeyword(token, 'SELECT')) selects[token.depth] = true
    else if (isKeyword(token, 'FROM') && selects[token.depth] === true) found.add(index)
  }
  behind.set(tokens, found)
  return found
}

const behind = new WeakMap<readonly Token[], ReadonlySet<number>>()

/** `name AS (` of WITH, also `name (columns) AS (` and `name AS MATERIALIZED (`. */
function ownNames(tokens: readonly Token[]): ReadonlySet<string> {
  const closing = closings(tokens)
  return new Set(
    tokens.flatMap((token, index) => {
      const as = (closing.get(index + 1) ?? index) + 1
      if (!isName(token) || !isKeyword(tokens[as], 'AS')) return []
      const body = [as + 1, as + 2, as + 3].find((at) => !isKeyword(tokens[at], 'NOT', 'MATERIALIZED'))
      return tokens[body!]?.text === '(' ? [unquoted(token)] : []
    }),
  )
}
