// Owns finding the tables that a statement reads: each name after FROM, JOIN and IN, and each behind `{source:Identifier}.`
import type { SqlText } from '../model/model.ts'
import { isKeyword, isName, significantTokens, type Token, unquoted, closings } from './lexer.ts'

export type TableRead = {
  readonly parameter?: string
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
    if (read === undefined || tokens[read.to]?.text === '(') return []
    const isFree = read.parameter !== undefined || beginsTable(tokens, index - 1) || isRightOfIn(tokens, read)
    if (!isFree) return []
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

/** `EXCEPT SELECT …`, and not `* EXCEPT (a, b)`. */
function isSetOperation(tokens: readonly Token[], at: number): boolean {
  if (isKeyword(tokens[at], 'UNION', 'INTERSECT')) return true
  if (!isKeyword(tokens[at], 'EXCEPT')) return false
  while (tokens[++at]?.text === '(');
  return isKeyword(tokens[at], 'SELECT', 'WITH', 'FROM', 'ALL', 'DISTINCT')
}

/** The tokens of the SELECT around a place, without the SELECTs within it or beside it in a UNION. */
export function selectAround(tokens: readonly Token[], place: number): readonly Token[] {
  const from = selectsOf(tokens)[place]
  const select = tokens[from!]
  if (from === undefined || select === undefined) return []
  const known = arounds.get(select)
  if (known !== undefined) return known
  let to = from + 1
  while (to < tokens.length && tokens[to]!.depth >= select.depth) {
    if (tokens[to]!.depth === select.depth && isSetOperation(tokens, to)) break
    to++
  }
  const around = tokens.slice(from, to)
  arounds.set(select, around)
  return around
}

const arounds = new WeakMap<Token, readonly Token[]>()

/**
 * For each token where its SELECT begins in its bracket: at the last SELECT before it, or at a FROM that is written first.
 * Found once for all: a file may be written to be slow.
 */
function selectsOf(tokens: readonly Token[]): readonly (number | undefined)[] {
  const known = remembered.get(tokens)
  if (known !== undefined) return known
  /** Of each bracket its first word, and where its SELECT begins. */
  const open: { readonly first: Token; from?: number; isReversed?: boolean }[] = []
  const found = tokens.map((token, index) => {
    open.length = Math.min(open.length, Math.max(token.depth + 1, 0))
    const bracket = (open[token.depth] ??= { first: token })
    if (isKeyword(token, 'SELECT')) {
      if (!bracket.isReversed) bracket.from = index
      bracket.isReversed = false
    } else if (isKeyword(token, 'FROM') && beginsSelect(bracket, tokens, index)) {
      bracket.from = index
      bracket.isReversed = true
    }
    return bracket.from
  })
  remembered.set(tokens, found)
  return found
}

/** Whether a FROM is written before its SELECT: not of `trim(… FROM …)`. */
function beginsSelect(
  { first, from }: { readonly first: Token; readonly from?: number },
  tokens: readonly Token[],
  index: number,
): boolean {
  const isMode = isKeyword(tokens[index - 1], 'ALL', 'DISTINCT')
  if (isKeyword(tokens[index - (isMode ? 2 : 1)], 'UNION', 'INTERSECT', 'EXCEPT')) return true
  return from === undefined && isKeyword(first, 'FROM', 'WITH')
}

const remembered = new WeakMap<readonly Token[], readonly (number | undefined)[]>()

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

/**
 * `b IN db.t`, also `IN (db.t)`: no table or alias has the name `db`, whose column `t` would be. A name without a database may be a column or an
 * alias, too.
 */
function isRightOfIn(tokens: readonly Token[], { database, from, to }: TableRead): boolean {
  const isBracket = tokens[from - 1]?.text === '(' && tokens[to]?.text === ')'
  if (!isKeyword(tokens[isBracket ? from - 2 : from - 1], 'IN') || database === undefined) return false
  return !tokens.some(
    (token, at) => isName(token) && unquoted(token) === database && tokens[at + 1]?.text !== '.',
  )
}

/** Not of `ARRAY JOIN`, `IS DISTINCT FROM`, `WITH FILL FROM`, `trim(… FROM …)`: a table's FROM has a SELECT before it at its depth. */
export function beginsTable(tokens: readonly Token[], index: number): boolean {
  const [token, before] = [tokens[index], tokens[index - 1]]
  if (isKeyword(token, 'JOIN')) return !isKeyword(before, 'ARRAY')
  if (token === undefined || !isKeyword(token, 'FROM')) return false
  if (isKeyword(before, 'DISTINCT') && isKeyword(tokens[index - 2], 'IS', 'NOT')) return false
  return !isKeyword(before, 'FILL') && selectsOf(tokens)[index] !== undefined
}

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
