// Owns reading engine and keys from a CREATE TABLE, and whether the sharding of a Distributed table keeps the rows of a key on one shard.
import type { SqlText } from '../model/model.ts'
import { type Clauses, createTable } from './create-table.ts'
import {
  isKeyword,
  isName,
  type Token,
  unquoted,
  significantTokens,
  closingAt,
  joined,
  splitAtCommas,
  unspaced,
} from './lexer.ts'

export type DdlClause = {
  /** The tokens with one space between any two, without the brackets around all of them: `address , block_number`. */
  readonly text: string
  readonly line: number
  /** Names in it that are not functions. Words of SQL are among them. */
  readonly names: readonly string[]
  /** Those that can be nothing but columns: each is an element or an argument of its own. */
  readonly columns: readonly string[]
}

export type DdlEngine = DdlClause & {
  /** Without `Replicated` and `Shared`: these decide where rows are kept, not which rows. */
  readonly name: string
}

export type DdlClauses = ReturnType<typeof ddlClauses>

export function ddlClauses(ddl: SqlText) {
  const { columns, clauses, others } = createTable(ddl)
  const clause = (word: string) => {
    const tokens = clauses.get(word)
    return tokens && toClause(tokens, tokens[0]?.line ?? 1)
  }
  const inList = others.find(([first]) => isKeyword(first, 'PRIMARY'))
  const keyed = columns.filter((column) => column.clauses.has('PRIMARY KEY'))
  return {
    columns,
    /** Each as `toClause` has it: `INDEX by_block block_number TYPE minmax GRANULARITY 1`. */
    others: others.map((item) => toClause(item, item[0]!.line)),
    engine: readEngine(clauses.get('ENGINE') ?? []),
    /** The sorting key: ORDER BY, else PRIMARY KEY, which may also stand in the list of columns or behind some of them. */
    sortKey:
      clause('ORDER BY') ??
      clause('PRIMARY KEY') ??
      (inList && toClause(inList.slice(2), inList[0]!.line)) ??
      (keyed[0] && {
        text: keyed.map(({ name }) => name).join(' , '),
        line: keyed[0].line,
        names: keyed.map(({ name }) => name),
        columns: [],
      }),
    partition: clause('PARTITION BY'),
    settings: clause('SETTINGS'),
  }
}

/** The items of a TTL that take rows, or make them fewer: others move or compress them. */
export function ttlOfRows(clauses: Clauses): readonly (readonly Token[])[] {
  return splitAtCommas(clauses.get('TTL') ?? []).filter((item) => !item.some(isMove))
}

const isMove = (token: Token): boolean => token.depth === 0 && isKeyword(token, 'TO', 'RECOMPRESS')

export function readEngine(behind: readonly Token[]): DdlEngine | undefined {
  const tokens = behind[0]?.text === '=' ? behind.slice(1) : behind
  const [first] = tokens
  if (first === undefined) return undefined
  const inside = tokens.slice(2, Math.max(2, closingAt(tokens, 1)))
  // Path and replica of a Replicated engine are strings; the other arguments decide which row of a key stays.
  const args = splitAtCommas(inside).filter((item) => item[0]?.kind !== 'string')
  const flat = args.flatMap((item, index) => (index === 0 ? item : [COMMA, ...item]))
  return { ...toClause(flat, first.line), name: unquoted(first).replace(/^(Replicated|Shared)/, '') }
}

/** Tokens as one text, the brackets around all of them (a tuple of keys) left out. */
export function keyText(tokens: readonly Token[]): string {
  return joined(withoutBrackets(tokens))
}

const COMMA: Token = { kind: 'punctuation', text: ',', line: 0, depth: 0, end: 0 }

export function toClause(tokens: readonly Token[], line: number): DdlClause {
  const inside = withoutBrackets(tokens)
  const names = inside.flatMap((token, index) =>
    isName(token) && inside[index + 1]?.text !== '(' ? [unquoted(token)] : [],
  )
  return { text: keyText(tokens), line, names, columns: columnsIn(inside) }
}

/** Before and behind a name that is an element or an argument of its own. */
const [BEFORE, BEHIND] = [/^[(,]$/, /^([),]|ASC|DESC)$/i]

/** Words of SQL, units of time and parameters of lambdas stand there, too. */
const NO_COLUMN =
  /^(true|false|null|inf|nan|default|(nano|micro|milli)?seconds?|minutes?|hours?|days?|weeks?|months?|quarters?|years?)$/i

function columnsIn(tokens: readonly Token[]): readonly string[] {
  const arrows = tokens.flatMap(({ text }, index) => (text === '->' ? [index] : []))
  const bound = new Set(
    arrows.flatMap((arrow) => {
      let open = arrow - 1
      if (tokens[open]?.text === ')') while (open > 0 && tokens[open]!.text !== '(') open--
      return tokens.slice(open, arrow).map(unquoted)
    }),
  )
  return tokens.flatMap((token, index) => {
    const [before, behind] = [tokens[index - 1]?.text ?? ',', tokens[index + 1]?.text ?? ',']
    if (!isName(token) || !BEFORE.test(before) || !BEHIND.test(behind)) return []
    return NO_COLUMN.test(token.text) || bound.has(unquoted(token)) ? [] : [unquoted(token)]
  })
}

/** `a, b` of `(a, b)` and `tuple(a, b)`. */
function withoutBrackets(tokens: readonly Token[]): readonly Token[] {
  const inner = isKeyword(tokens[0], 'TUPLE') ? tokens.slice(1) : tokens
  const isAround = inner[0]?.text === '(' && closingAt(inner, 0) === inner.length - 1
  return isAround ? inner.slice(1, -1) : tokens
}

export type Distributed = NonNullable<ReturnType<typeof distributedEngine>>

/** Reads `engine_full` of `system.tables`: `Distributed('{cluster}', 'database', 'table', sharding key, …)`; undefined for any other engine. */
export function distributedEngine(engineFull: string) {
  const tokens = significantTokens({ file: 'system.tables', text: engineFull, line: 1 })
  const close = closingAt(tokens, 1)
  if (!isKeyword(tokens[0], 'DISTRIBUTED') || close === -1) return undefined
  const [cluster, database, table, key] = splitAtCommas(tokens.slice(2, close))
  return {
    /** As written: a name, or a macro such as `{cluster}`. */
    cluster: nameOf(cluster),
    /** The table on each shard that holds the rows. */
    database: nameOf(database),
    table: nameOf(table),
    /** Undefined: all rows go to the only shard. */
    key: key && toClause(key, key[0]?.line ?? 1),
  }
}

/** A Distributed table with such a setting of its own leaves out the rows of a shard that is down, whatever is sent. */
export const leavesOutShards = (engineFull: string): boolean =>
  /^Distributed\b/.test(engineFull) && /\bskip_unavailable_shards = '?(1|true)\b/.test(engineFull)

const nameOf = (item: readonly Token[] | undefined) => (item?.length === 1 ? unquoted(item[0]!) : '')

/** Why rows of one key may be on several shards, which never merge them. @param isRandom the server calls the sharding key non-deterministic */
export function shardingProblem(
  { key: sharding }: Pick<Distributed, 'key'>,
  key: readonly string[],
  isRandom = false,
): string | undefined {
  if (sharding === undefined) return 'it has no sharding key'
  if (isRandom || CALL_OF_NOTHING.test(sharding.text))
    return `${unspaced(sharding.text)} sends a row to another shard each time`
  const stray = sharding.names.filter((name) => !key.includes(name))
  if (stray.length > 0)
    return `it is sharded by ${unspaced(sharding.text)}, and ${stray.join(', ')} ${stray.length === 1 ? 'is' : 'are'} not among the columns that rows are told apart by (${key.join(', ')})`
  return sharding.names.length === 0 ? `${unspaced(sharding.text)} is no column` : undefined
}

/** Such as rand() or now(): independent of the row. Other random expressions only a server can find. */
const CALL_OF_NOTHING = /\w ?\( ?\)/
