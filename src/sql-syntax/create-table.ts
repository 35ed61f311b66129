// Owns reading a CREATE TABLE statement: the table it creates and the columns it declares.
import { type BackfillError, fileError } from '../model/errors.ts'
import type { SqlText } from '../model/model.ts'
import {
  isKeyword,
  isName,
  significantTokens,
  unquoted,
  type Token,
  closingAt,
  compactText,
  splitAtCommas,
} from './lexer.ts'

/** A column as `system.columns` names it. `type` is empty if the DDL leaves it to the default's expression. */
export type DdlColumn = {
  readonly name: string
  readonly type: string
  readonly defaultKind: '' | (typeof DEFAULT_KINDS)[number]
}

/** In order, without indices, constraints and projections. Throws a usage error with file and line for any other statement. */
export function ddlColumns(ddl: SqlText): readonly DdlColumn[] {
  return createTable(ddl).columns.flatMap((column) => {
    const { clauses } = column
    const written = clauses.get('') ?? []
    if (isKeyword(written[0], 'NESTED')) return nestedColumns(column.name, written)
    // [NOT] NULL follows the type.
    const isNull = isKeyword(written.at(-1), 'NULL')
    const isNotNull = isNull && isKeyword(written.at(-2), 'NOT')
    const type = compactText(isNull ? written.slice(0, isNotNull ? -2 : -1) : written)
    return {
      name: column.name,
      type: isNull && !isNotNull ? `Nullable(${type})` : type,
      defaultKind: DEFAULT_KINDS.find((kind) => clauses.has(kind)) ?? '',
    }
  })
}

/** `x Nested(a UInt8)` is the column `x.a Array(UInt8)`, as ClickHouse creates it unless told otherwise. */
function nestedColumns(outer: string, type: readonly Token[]): readonly DdlColumn[] {
  return splitAtCommas(type.slice(2, closingAt(type, 1))).map(([inner, ...rest]) => ({
    name: `${outer}.${unquoted(inner!)}`,
    type: `Array(${compactText(rest)})`,
    defaultKind: '',
  }))
}

/** Keyword of a clause (`ORDER BY`) -> the tokens after it, in order; '' -> the tokens before the first clause. */
export type Clauses = ReadonlyMap<string, readonly Token[]>

export type CreateTable = ReturnType<typeof createTable>

/** Throws a usage error with file and line for any other statement. */
export function createTable(ddl: SqlText) {
  const tokens = significantTokens(ddl)
  const [create, second] = tokens
  if (isKeyword(create, 'CREATE') && isKeyword(second, 'OR')) {
    const sentence = 'CREATE OR REPLACE would throw away a table that is there'
    throw problem(ddl, second, sentence, 'write CREATE TABLE')
  }
  if (!isKeyword(create, 'CREATE') || !isKeyword(second, 'TABLE')) {
    const found = isKeyword(create, 'CREATE') ? `CREATE ${second?.text ?? ''}` : (create?.text ?? '')
    throw problem(ddl, create, `expected CREATE TABLE, found '${found}'`, CREATE_TABLE)
  }
  const open = tokens.findIndex(({ text, depth }) => depth === 0 && text === '(')
  const close = closingAt(tokens, open)
  const nameAt = createdNameAt(tokens)
  const table = nameOf(tokens[nameAt])
  if (close === -1 || table === undefined) {
    throw problem(ddl, create, 'CREATE TABLE without a list of columns', CREATE_TABLE)
  }
  const clauses = clausesOf(tokens.slice(close + 1), TABLE_CLAUSES)
  const as = tokens.slice(nameAt, open).find((token) => isKeyword(token, 'AS'))
  if (as !== undefined || (clauses.has('AS') && !clauses.has('EMPTY AS'))) {
    const sentence = 'CREATE TABLE … AS would bring rows that no transform has made and no ledger knows'
    throw problem(ddl, as ?? clauses.get('AS')?.[0], sentence, 'remove AS and what follows')
  }
  const onCluster = tokens.findIndex(
    (token, at) => at > nameAt && at < open && isKeyword(token, 'ON') && isKeyword(tokens[at + 1], 'CLUSTER'),
  )
  // A server writes it, where its profile says so.
  const hasUuid = isKeyword(tokens[nameAt + 1], 'UUID') && tokens[nameAt + 2]?.kind === 'string'
  const behind = nameAt + (hasUuid ? 3 : 1)
  // What is left out here would only be refused by the server, in `up`.
  const stray = tokens[onCluster === behind ? onCluster + 3 : behind]
  if (stray !== tokens[open]) {
    const sentence = `'${stray?.text}' stands between the name of the table and its columns`
    throw problem(ddl, stray, sentence, "remove it: only ON CLUSTER '{cluster}' may stand there")
  }
  // ClickHouse takes a comma behind the last item.
  const items = splitAtCommas(tokens.slice(open + 1, tokens[close - 1]?.text === ',' ? close - 1 : close))
  const columns = items
    .filter((item) => !isNoColumn(item))
    .map(([first, ...rest]) => {
      const name = nameOf(first)
      if (name === undefined)
        throw problem(ddl, first, `expected a column, found '${first?.text ?? ''}'`, CREATE_TABLE)
      return { name, line: first!.line, clauses: clausesOf(rest, COLUMN_CLAUSES) }
    })
  return {
    /** Without database. */
    table,
    /** Index of its name among the statement's significant tokens. */
    nameAt,
    /** Of `ON CLUSTER '{cluster}'`: its index there, and the name, in which macros may stand. */
    cluster:
      onCluster === -1
        ? undefined
        : { at: onCluster, line: tokens[onCluster]!.line, name: unquoted(tokens[onCluster + 2]!) },
    uuid: hasUuid ? tokens[nameAt + 1] : undefined,
    columns,
    others: items.filter(isNoColumn),
    clauses,
  }
}

/** Of a file: once the table was dropped, none with that UUID can be made again. @throws BackfillError `usage` E050 */
export function assertNoUuid(ddl: SqlText, { uuid }: Pick<CreateTable, 'uuid'>): void {
  if (uuid === undefined) return
  const hint = 'remove UUID and its value: the server gives each table a new one'
  throw problem(ddl, uuid, 'the table has a fixed UUID', hint)
}

const CREATE_TABLE = 'write CREATE TABLE IF NOT EXISTS {target:Identifier}.name (columns) ENGINE = …'

/** Index of the last part of the dotted name after CREATE TABLE; its database may be a `{parameter:Identifier}`. */
function createdNameAt(tokens: readonly Token[]): number {
  const first = isKeyword(tokens[2], 'IF') && isKeyword(tokens[3], 'NOT') ? 5 : 2
  const behind =
    tokens[first]?.text === '{'
      ? tokens.findIndex((token, index) => index > first && token.text === '}') + 1
      : first + 1
  return tokens[behind]?.text === '.' ? behind + 1 : first
}

const nameOf = (token: Token | undefined) => (isName(token) ? unquoted(token) : undefined)

/** An item that declares an index and the like. In ClickHouse a column with such a name must be quoted. */
function isNoColumn([first, second]: readonly Token[]): boolean {
  if (isKeyword(first, 'INDEX', 'CONSTRAINT', 'PROJECTION')) return true
  return isKeyword(first, 'PRIMARY', 'FOREIGN') && isKeyword(second, 'KEY')
}

export const DEFAULT_KINDS = ['DEFAULT', 'MATERIALIZED', 'ALIAS', 'EPHEMERAL'] as const

const COLUMN_CLAUSES = [
  ...DEFAULT_KINDS,
  ...'AUTO_INCREMENT, CODEC, COLLATE, COMMENT, PRIMARY KEY, SETTINGS, STATISTICS, TTL'.split(', '),
]

const TABLE_CLAUSES =
  'ENGINE, ORDER BY, PARTITION BY, PRIMARY KEY, SAMPLE BY, TTL, SETTINGS, COMMENT, EMPTY AS, AS'.split(', ')

/** The second occurrence of a word is part of the clause before it. */
function clausesOf(tokens: readonly Token[], words: readonly string[]): Clauses {
  const clauses = new Map<string, Token[]>()
  let clause = ''
  let from = 0
  for (const [at, token] of tokens.entries()) {
    const begun = words.find((word) =>
      word.split(' ').every((part, index) => isKeyword(tokens[at + index], part)),
    )
    if (token.depth === tokens[0]!.depth && begun !== undefined && !clauses.has(begun)) {
      clause = begun
      from = at + begun.split(' ').length
      clauses.set(clause, [])
    } else if (at >= from) {
      const list = clauses.get(clause) ?? []
      list.push(token) // a copy for each token would take minutes for a hostile file
      clauses.set(clause, list)
    }
  }
  return clauses
}

function problem(ddl: SqlText, at: Token | undefined, sentence: string, hint: string): BackfillError {
  return fileError({ rule: 'E050', file: ddl.file, line: at?.line ?? ddl.line, sentence, hint })
}
