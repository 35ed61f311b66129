// Owns reading what a CREATE TABLE says beside names and types: lines and defaults of columns, engine, keys.
import type { SqlText } from '../model/model.ts'
import { createTable, isNoColumn } from './create-table.ts'
import { isKeyword, type Token, unquoted } from './lexer.ts'
import { splitAtCommas, withDepth } from './tokens.ts'

export type DdlClause = {
  /** The tokens with one space between any two, without the brackets around all of them: `address , block_number`. */
  readonly text: string
  readonly line: number
  /** Names in it that are no functions. */
  readonly names: readonly string[]
}

export type DdlEngine = DdlClause & {
  /** Without `Replicated` and `Shared`: these say where rows are kept, not which. */
  readonly name: string
}

type ColumnClause = {
  readonly name: string
  readonly line: number
  /** The expression behind DEFAULT, MATERIALIZED, ALIAS or EPHEMERAL; empty where there is none. */
  readonly expression: string
}

export type DdlClauses = {
  readonly columns: readonly ColumnClause[]
  readonly engine: DdlEngine | undefined
  /** What rows are sorted by: ORDER BY, else PRIMARY KEY. */
  readonly sortKey: DdlClause | undefined
  readonly partition: DdlClause | undefined
}

/** Throws a usage error with file and line for what is no CREATE TABLE. */
export function ddlClauses(ddl: SqlText): DdlClauses {
  const { body, tail } = createTable(ddl)
  const clause = (...words: readonly string[]) => clauseBehind(tail, words)
  return {
    columns: splitAtCommas(body)
      .filter((item) => !isNoColumn(item))
      .flatMap(columnClause),
    engine: engine(tail),
    sortKey: clause('ORDER', 'BY') ?? clause('PRIMARY', 'KEY'),
    partition: clause('PARTITION', 'BY'),
  }
}

/** The engine as `system.tables` says it in `engine_full`, or as it stands behind ENGINE. */
export function readEngine(tokens: readonly Token[]): DdlEngine | undefined {
  const [first, open] = tokens
  if (first === undefined) return undefined
  const close = withDepth(tokens).findIndex(
    ({ token, depth }, at) => at > 1 && depth === 0 && token.text === ')',
  )
  const inside = open?.text === '(' && close > 0 ? tokens.slice(2, close) : []
  // Path and replica of a Replicated engine are strings; what is left says which row of a key stays.
  const args = splitAtCommas(inside).filter((item) => item[0]?.kind !== 'string')
  const flat = args.flatMap((item, index) => (index === 0 ? item : [COMMA, ...item]))
  return { ...toClause(flat, first.line), name: unquoted(first).replace(/^(Replicated|Shared)/, '') }
}

/** Tokens as one text, the brackets around all of them (a tuple of keys) left out. */
export function keyText(tokens: readonly Token[]): string {
  return withoutBrackets(tokens)
    .map(({ text }) => text)
    .join(' ')
}

const COMMA: Token = { kind: 'punctuation', text: ',', line: 0 }

function engine(tail: readonly Token[]): DdlEngine | undefined {
  const behind = tokensBehind(tail, ['ENGINE'])
  return behind && readEngine(behind.filter(({ text }, index) => index > 0 || text !== '='))
}

function clauseBehind(tail: readonly Token[], words: readonly string[]): DdlClause | undefined {
  const tokens = tokensBehind(tail, words)
  return tokens && toClause(tokens, tokens[0]?.line ?? 1)
}

/** @param line where the clause begins */
export function toClause(tokens: readonly Token[], line: number): DdlClause {
  const inside = withoutBrackets(tokens)
  const names = inside.flatMap((token, index) =>
    isName(token) && inside[index + 1]?.text !== '(' ? [unquoted(token)] : [],
  )
  return { text: keyText(tokens), line, names }
}

/** The tokens from the clause's words up to the next clause. */
function tokensBehind(tail: readonly Token[], words: readonly string[]): readonly Token[] | undefined {
  const depths = withDepth(tail)
  const startsAt = (index: number, [first, second]: readonly string[]) =>
    depths[index]?.depth === 0 &&
    isKeyword(tail[index], first ?? '') &&
    (second === undefined || isKeyword(tail[index + 1], second))
  const start = tail.findIndex((_, index) => startsAt(index, words))
  if (start === -1) return undefined
  const from = start + words.length
  const end = tail.findIndex((_, index) => index >= from && CLAUSES.some((clause) => startsAt(index, clause)))
  return tail.slice(from, end === -1 ? undefined : end)
}

const CLAUSES: readonly (readonly string[])[] = [
  ['ENGINE'],
  ['ORDER', 'BY'],
  ['PARTITION', 'BY'],
  ['PRIMARY', 'KEY'],
  ['SAMPLE', 'BY'],
  ['TTL'],
  ['SETTINGS'],
  ['COMMENT'],
  ['AS'],
]

/** `(a, b)` and `tuple(a, b)` without what stands around `a, b`. */
function withoutBrackets(tokens: readonly Token[]): readonly Token[] {
  const inner = isKeyword(tokens[0], 'TUPLE') ? tokens.slice(1) : tokens
  if (inner[0]?.text !== '(') return tokens
  const close = withDepth(inner).findIndex(({ token, depth }) => depth === 0 && token.text === ')')
  return close === inner.length - 1 ? inner.slice(1, -1) : tokens
}

function columnClause(item: readonly Token[]): readonly ColumnClause[] {
  const [first, ...rest] = item
  if (first === undefined) return []
  const depths = withDepth(rest)
  const at = (from: number, ...words: readonly string[]) =>
    depths.findIndex(({ token, depth }, index) => index >= from && depth === 0 && isKeyword(token, ...words))
  const start = at(0, 'DEFAULT', 'MATERIALIZED', 'ALIAS', 'EPHEMERAL')
  const end =
    start === -1 ? -1 : at(start + 1, 'CODEC', 'COMMENT', 'TTL', 'STATISTICS', 'SETTINGS', 'PRIMARY')
  const expression = start === -1 ? [] : rest.slice(start + 1, end === -1 ? undefined : end)
  return [{ name: unquoted(first), line: first.line, expression: keyText(expression) }]
}

function isName(token: Token): boolean {
  return token.kind === 'word' || token.kind === 'identifier'
}
