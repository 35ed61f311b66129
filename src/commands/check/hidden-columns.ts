// Owns finding aliases that hide a column from an aggregate beside them: `now() AS seen_at` and `argMax(x, seen_at)`, in which
// ClickHouse takes `seen_at` for now(). Pure.
import { isKeyword, isName, significantTokens, type Token, unquoted } from '../../sql-syntax/lexer.ts'
import type { SqlText } from '../../model/model.ts'
import { closings, splitAtCommas } from '../../sql-syntax/tokens.ts'

/** `line`: of the alias; `aggregate`: the first that names it, of so many. */
export type HiddenColumn = {
  readonly name: string
  readonly line: number
  readonly aggregate: string
  readonly uses: number
}

/** Each alias of a value without a column that aggregates of the same SELECT name bare; the caller knows what is a column. */
export function hiddenColumns(sql: SqlText): readonly HiddenColumn[] {
  const tokens = significantTokens(sql)
  const closing = closings(tokens)
  return tokens.flatMap((token, at) => {
    if (!isKeyword(token, 'SELECT') || token.depth > MAX_DEPTH) return []
    const { end, list } = bounds(tokens, at)
    const aliases = splitAtCommas(tokens.slice(at + 1, list)).flatMap(aliasOfValue)
    if (aliases.length === 0) return []
    const uses = usesOf(aggregatesOf(tokens, closing, { from: at + 1, to: end }))
    return [...new Map(aliases.map((alias) => [unquoted(alias), alias]))].flatMap(([name, { line }]) => {
      const aggregates = uses.get(name) ?? []
      return aggregates.length === 0
        ? []
        : [{ name, line, aggregate: aggregates[0]!, uses: aggregates.length }]
    })
  })
}

/** Name -> the aggregates that name it bare. */
function usesOf(calls: readonly Call[]): ReadonlyMap<string, readonly string[]> {
  const uses = new Map<string, string[]>()
  for (const { aggregate, inside } of calls)
    for (const name of new Set(inside.filter((_, at) => isBare(inside, at)).map(unquoted)))
      if (uses.get(name)?.push(aggregate) === undefined) uses.set(name, [aggregate])
  return uses
}

type Call = { readonly aggregate: string; readonly inside: readonly Token[] }

/** Where the SELECT at a place ends, and where its list does. Walks no further: a file may be written to be slow. */
function bounds(tokens: readonly Token[], at: number): { readonly end: number; readonly list: number } {
  const { depth } = tokens[at]!
  let list: number | undefined
  for (let end = at + 1; ; end++) {
    const token = tokens[end]
    const isOver = token === undefined || token.depth < depth
    if (isOver || (token.depth === depth && isKeyword(token, ...BETWEEN))) return { end, list: list ?? end }
    if (token.depth === depth && isKeyword(token, ...BEHIND_LIST)) list ??= end
  }
}

/** ClickHouse's parser goes no deeper (`max_parser_depth`), and each bracket is read once for each around it. */
const MAX_DEPTH = 1000

const BETWEEN = ['UNION', 'INTERSECT', 'EXCEPT']
const BEHIND_LIST = ['FROM', 'PREWHERE', 'WHERE', 'GROUP', 'HAVING', 'ORDER', 'LIMIT', 'SETTINGS']

const AGGREGATE =
  /^(any|anyLast|arg(Min|Max)|avg|avgWeighted|count|first_value|groupArray|groupArrayLast|groupUniqArray|last_value|max|median|min|quantiles?|sum|uniq|uniqExact|uniqCombined|uniqHLL12)(If|State|Merge|SimpleState|Distinct|OrNull|OrDefault|Array|ForEach|Map)*$/i

/** The name of `now64(3) AS name`, if its value is a call that reads no column. */
function aliasOfValue(item: readonly Token[]): readonly Token[] {
  const [name, as] = [item.at(-1), item.at(-2)]
  if (!isName(name) || !isKeyword(as, 'AS')) return []
  const value = item.slice(0, -2)
  const words = value.flatMap((token, at) => (isName(token) ? [{ token, next: value[at + 1] }] : []))
  const isCall = words.some(({ next }) => next?.text === '(')
  const hasColumn = words.some(
    ({ token, next }) => (next?.text !== '(' && !isKeyword(token, ...UNITS)) || AGGREGATE.test(token.text),
  )
  return isCall && !hasColumn && !value.some(({ text }) => text === '*') ? [name] : []
}

const UNITS = ['INTERVAL', 'SECOND', 'MINUTE', 'HOUR', 'DAY', 'WEEK', 'MONTH', 'YEAR']

/** The calls of aggregates in a SELECT, not in those within it, with the tokens of their arguments. */
function aggregatesOf(
  tokens: readonly Token[],
  closing: ReadonlyMap<number, number>,
  { from, to }: { readonly from: number; readonly to: number },
): readonly Call[] {
  const found: Call[] = []
  for (let at = from; at < to; at++) {
    const isSubquery = tokens[at]?.text === '(' && isKeyword(tokens[at + 1], 'SELECT', 'WITH', 'FROM')
    if (isSubquery) at = closing.get(at) ?? to
    else if (isAggregate(tokens, at)) {
      const first = closing.get(at + 1) ?? to
      // `quantile(0.5)(x)`
      const last = tokens[first + 1]?.text === '(' ? (closing.get(first + 1) ?? to) : first
      const inside = tokens.slice(at + 2, last)
      if (!inside.some((one) => isKeyword(one, 'SELECT'))) found.push({ aggregate: tokens[at]!.text, inside })
    }
  }
  return found
}

function isAggregate(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at]
  const isCall = isName(token) && tokens[at + 1]?.text === '('
  return isCall && token.depth <= MAX_DEPTH && AGGREGATE.test(token.text)
}

/** Neither `t.name`, nor `name(…)`, nor a string. */
function isBare(tokens: readonly Token[], at: number): boolean {
  return (
    isName(tokens[at]) && tokens[at - 1]?.text !== '.' && !['.', '('].includes(tokens[at + 1]?.text ?? '')
  )
}
