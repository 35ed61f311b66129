// Owns the other forms of a table's DDL: on a cluster, and as a temporary table. The file has the form for one server.
import { fileError } from '../model/errors.ts'
import type { SqlText } from '../model/model.ts'
import { createTable, isNoColumn } from './create-table.ts'
import { isKeyword, significantTokens, type Token } from './lexer.ts'
import { quotedName } from './quoting.ts'
import { splitAtCommas, withDepth, withReplaced } from './tokens.ts'

/** `--! shard: …` of a DDL file. */
export type ShardBy = { readonly expression: string; readonly line: number }

/**
 * What a cluster with Keeper has in place of the table: a Replicated table on each shard, and a Distributed one over them.
 * The Distributed one has the header's line.
 * @param shard which shard a row belongs to
 * @throws BackfillError `usage` with file and line for a table whose engine has no Replicated form
 */
export function clusterForm(ddl: SqlText, shard: ShardBy): readonly SqlText[] {
  const { table, nameAt, body, tail } = createTable(ddl)
  const local = `${table}_local`
  const engine = engineOf(ddl)
  if (!engine?.name.endsWith('MergeTree'))
    throw fileError({
      rule: 'E058',
      file: ddl.file,
      line: engine?.line ?? ddl.line,
      sentence: `a table with ${engine === undefined ? 'no ENGINE' : `the engine ${engine.name}`} has no Replicated form for a cluster`,
      hint: 'use ReplacingMergeTree, or take --! shard out of the header',
    })
  const args = [REPLICA_OF, ...engine.args].join(', ')
  const localText = withReplaced(
    ddl,
    new Map([
      [nameAt, `${quotedName(local)} ON CLUSTER '{cluster}'`],
      ...replacedEngine(engine, `Replicated${engine.name}(${args})`),
    ]),
  )
  const columns = splitAtCommas(body).filter((item) => !isNoColumn(item))
  const distributed = [
    `CREATE TABLE IF NOT EXISTS {target:Identifier}.${quotedName(table)} ON CLUSTER '{cluster}'`,
    `(\n${columns.map((column) => `    ${joined(withoutStorage(column))}`).join(',\n')}\n)`,
    `ENGINE = Distributed('{cluster}', {target:Identifier}, '${local}', ${shard.expression})`,
    ...tableComment(tail),
  ]
  return [
    { ...ddl, text: localText },
    { file: ddl.file, text: distributed.join('\n'), line: shard.line },
  ]
}

/** Path and name of a replica, from the macros of each server. */
const REPLICA_OF = "'/clickhouse/{installation}/{cluster}/tables/{shard}/{database}/{table}', '{replica}'"

/**
 * The statement as one that creates a temporary table of the same name: without database, ON CLUSTER and replicas, which
 * a temporary table cannot have, on the same lines.
 * @throws BackfillError `usage` with file and line for what is no CREATE TABLE
 */
export function temporaryForm(ddl: SqlText): string {
  return bareForm(ddl, 'TEMPORARY TABLE')
}

/** The same as a CREATE TABLE. @throws BackfillError as `temporaryForm` */
export function bareForm(ddl: SqlText, word = 'TABLE'): string {
  const { nameAt } = createTable(ddl)
  const tokens = significantTokens(ddl)
  const open = withDepth(tokens).findIndex(({ token, depth }) => depth === 0 && token.text === '(')
  const engine = engineOf(ddl)
  const args = engine?.args.filter((arg) => !arg.startsWith("'")) ?? []
  return withReplaced(
    ddl,
    new Map([
      [1, word],
      ...tokens
        .slice(0, open)
        .flatMap((_, at): [number, string][] => (at > 1 && at !== nameAt ? [[at, '']] : [])),
      ...(engine?.isReplicated
        ? replacedEngine(engine, `${engine.name}${args.length > 0 ? `(${args.join(', ')})` : ''}`)
        : []),
    ]),
  )
}

type Engine = {
  /** Without `Replicated` and `Shared`. */
  readonly name: string
  readonly isReplicated: boolean
  readonly line: number
  readonly args: readonly string[]
  /** Indexes of its first token and of its last one, brackets included. */
  readonly from: number
  readonly to: number
}

/** Undefined where the statement names none. */
function engineOf(ddl: SqlText): Engine | undefined {
  const tokens = significantTokens(ddl)
  const depths = withDepth(tokens)
  const at = depths.findIndex(({ token, depth }) => depth === 0 && isKeyword(token, 'ENGINE'))
  const from = tokens[at + 1]?.text === '=' ? at + 2 : at + 1
  const word = tokens[from]
  if (at === -1 || word === undefined) return undefined
  const name = word.text.replace(/^(Replicated|Shared)/, '')
  const close =
    tokens[from + 1]?.text === '('
      ? depths.findIndex(({ token, depth }, index) => index > from + 1 && depth === 0 && token.text === ')')
      : -1
  const to = close === -1 ? from : close
  const args = splitAtCommas(tokens.slice(from + 2, to)).map(joined)
  return { name, isReplicated: name !== word.text, line: word.line, args, from, to }
}

function replacedEngine({ from, to }: Engine, text: string): readonly [number, string][] {
  return [
    [from, text],
    ...Array.from({ length: to - from }, (_, index): [number, string] => [from + 1 + index, '']),
  ]
}

/** A column without its TTL, key and settings: a Distributed table keeps no rows. */
function withoutStorage(column: readonly Token[]): readonly Token[] {
  let isStorage = false
  return withDepth(column).flatMap(({ token, depth }, index) => {
    if (depth === 0 && isKeyword(token, 'COMMENT', 'CODEC')) isStorage = false
    if (index > 0 && depth === 0 && isKeyword(token, 'TTL', 'PRIMARY', 'SETTINGS', 'STATISTICS'))
      isStorage = true
    return isStorage ? [] : [token]
  })
}

function tableComment(tail: readonly Token[]): readonly string[] {
  const at = withDepth(tail).findIndex(({ token, depth }) => depth === 0 && isKeyword(token, 'COMMENT'))
  return at === -1 ? [] : [joined(tail.slice(at, at + 2))]
}

function joined(tokens: readonly Token[]): string {
  return tokens.map(({ text }) => text).join(' ')
}
