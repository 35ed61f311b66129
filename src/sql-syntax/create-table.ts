// Owns reading a CREATE TABLE statement: the table it creates and the columns it declares.
import { type BackfillError, fileError } from '../model/errors.ts'
import type { SqlText } from '../model/model.ts'
import { isKeyword, significantTokens, unquoted, type Token } from './lexer.ts'
import { compactText, splitAtCommas, withDepth } from './tokens.ts'

export type DefaultKind = '' | 'DEFAULT' | 'MATERIALIZED' | 'ALIAS' | 'EPHEMERAL'

/** A column as `system.columns` names it. `type` is empty where the DDL leaves it to the default's expression. */
export type DdlColumn = { readonly name: string; readonly type: string; readonly defaultKind: DefaultKind }

/**
 * The columns of `CREATE TABLE [IF NOT EXISTS] [database.]table … (columns)`, in order; indices, constraints and
 * projections left out. Throws a usage error with file and line for any other statement.
 */
export function ddlColumns(ddl: SqlText): readonly DdlColumn[] {
  const { body } = createTable(ddl)
  return splitAtCommas(body)
    .filter((item) => !isNoColumn(item))
    .map((item) => column(ddl, item))
}

/** The table that a CREATE TABLE statement creates, without database. Throws a usage error for any other statement. */
export function ddlTable(ddl: SqlText): string {
  return createTable(ddl).table
}

export type CreateTable = {
  /** Without database. */
  readonly table: string
  /** Index of its name among the statement's significant tokens. */
  readonly nameAt: number
  /** What stands between the brackets of the list of columns, and what behind them. */
  readonly body: readonly Token[]
  readonly tail: readonly Token[]
}

/** Throws a usage error with file and line for any other statement. */
export function createTable(ddl: SqlText): CreateTable {
  const tokens = significantTokens(ddl)
  const [create, second] = tokens
  if (isKeyword(create, 'CREATE') && isKeyword(second, 'OR')) {
    throw problem(
      ddl,
      second,
      'CREATE OR REPLACE would throw away a table that is there',
      'write CREATE TABLE',
    )
  }
  if (!isKeyword(create, 'CREATE') || !isKeyword(second, 'TABLE')) {
    const found = isKeyword(create, 'CREATE') ? `CREATE ${second?.text ?? ''}` : (create?.text ?? '')
    throw problem(ddl, create, `expected CREATE TABLE, found '${found}'`, CREATE_TABLE)
  }
  const depths = withDepth(tokens)
  const open = depths.findIndex(({ token, depth }) => depth === 0 && token.text === '(')
  const close = depths.findIndex(({ token, depth }, at) => at > open && depth === 0 && token.text === ')')
  const nameAt = createdNameAt(tokens)
  const table = name(tokens[nameAt])
  if (open === -1 || close === -1 || table === undefined) {
    throw problem(ddl, create, 'CREATE TABLE without a list of columns', CREATE_TABLE)
  }
  return { table, nameAt, body: tokens.slice(open + 1, close), tail: tokens.slice(close + 1) }
}

const CREATE_TABLE = 'write CREATE TABLE IF NOT EXISTS {target:Identifier}.name (columns) ENGINE = …'

/** Where the last part of the dotted name behind CREATE TABLE is; its database may be a `{parameter:Identifier}`. */
function createdNameAt(tokens: readonly Token[]): number {
  const first = isKeyword(tokens[2], 'IF') && isKeyword(tokens[3], 'NOT') ? 5 : 2
  const behind =
    tokens[first]?.text === '{'
      ? tokens.findIndex((token, index) => index > first && token.text === '}') + 1
      : first + 1
  return tokens[behind]?.text === '.' ? behind + 1 : first
}

function name(token: Token | undefined): string | undefined {
  return token?.kind === 'word' || token?.kind === 'identifier' ? unquoted(token) : undefined
}

/** An item that declares an index and the like. ClickHouse takes these words for a column only in quotes. */
export function isNoColumn([first, second]: readonly Token[]): boolean {
  if (isKeyword(first, 'INDEX', 'CONSTRAINT', 'PROJECTION')) return true
  return isKeyword(first, 'PRIMARY', 'FOREIGN') && isKeyword(second, 'KEY')
}

function column(ddl: SqlText, item: readonly Token[]): DdlColumn {
  const [first, ...rest] = item
  const named = name(first)
  if (named === undefined) {
    throw problem(ddl, first, `expected a column, found '${first?.text ?? ''}'`, CREATE_TABLE)
  }
  const depths = withDepth(rest)
  const ends = depths.findIndex(({ token, depth }) => depth === 0 && isKeyword(token, ...AFTER_TYPE))
  const type = compactText(ends === -1 ? rest : rest.slice(0, ends))
  const nullable = isKeyword(rest[ends], 'NULL')
  const kind = depths.find(({ token, depth }) => depth === 0 && isKeyword(token, ...DEFAULT_KINDS))?.token
  const defaultKind = DEFAULT_KINDS.find((known) => isKeyword(kind, known)) ?? ''
  return { name: named, type: nullable ? `Nullable(${type})` : type, defaultKind }
}

const DEFAULT_KINDS = ['DEFAULT', 'MATERIALIZED', 'ALIAS', 'EPHEMERAL'] as const

const AFTER_TYPE: readonly string[] = [
  ...DEFAULT_KINDS,
  'AUTO_INCREMENT',
  'CODEC',
  'COLLATE',
  'COMMENT',
  'NOT',
  'NULL',
  'PRIMARY',
  'SETTINGS',
  'STATISTICS',
  'TTL',
]

function problem(ddl: SqlText, at: Token | undefined, sentence: string, hint: string): BackfillError {
  return fileError({ rule: 'E050', file: ddl.file, line: at?.line ?? ddl.line, sentence, hint })
}
