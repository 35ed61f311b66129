// Owns deriving DDL for a cluster and for a temporary table from the file's DDL, which is for one server.
import { fileError } from '../model/errors.ts'
import type { SqlText } from '../model/model.ts'
import { type CreateTable, createTable } from './create-table.ts'
import { ddlClauses, readEngine, toClause, shardingProblem } from './ddl-clauses.ts'
import { isKeyword, significantTokens, type Token, joined, withReplaced } from './lexer.ts'
import { quotedName } from './quoting.ts'

export type ShardBy = { readonly expression: string; readonly line: number }

/** For a cluster with Keeper: a Replicated table on each shard, a Distributed one over them. @throws BackfillError `usage` if rows of one key could be on several */
export function clusterForm(ddl: SqlText, shard: ShardBy): readonly SqlText[] {
  const { table, columns, others, clauses } = createTable(ddl)
  const engine = readEngine(clauses.get('ENGINE') ?? [])
  if (!engine?.name.endsWith('MergeTree'))
    throw fileError({
      rule: 'E058',
      file: ddl.file,
      line: engine?.line ?? ddl.line,
      sentence: `a table with ${engine === undefined ? 'no ENGINE' : `the engine ${engine.name}`} has no Replicated form for a cluster`,
      hint: 'use ReplacingMergeTree, or take --! shard out of the header',
    })
  const sharding = toClause(significantTokens({ ...ddl, text: shard.expression }), shard.line)
  const problem = shardingProblem({ key: sharding }, ddlClauses(ddl).sortKey?.names ?? [])
  if (problem !== undefined)
    throw fileError({
      rule: 'E058',
      file: ddl.file,
      line: shard.line,
      sentence: `rows of one key may lie on several shards, which never merge them: ${problem}`,
      hint: 'shard by columns of ORDER BY',
    })
  const args = [REPLICA, ...(engine.text === '' ? [] : [engine.text])].join(', ')
  const written = (name: string, items: readonly string[], engineText: string, left: readonly string[]) =>
    [
      `CREATE TABLE IF NOT EXISTS {target:Identifier}.${quotedName(name)} ON CLUSTER '{cluster}'`,
      `(\n    ${items.join(',\n    ')}\n)`,
      `ENGINE = ${engineText}`,
      ...[...clauses]
        .filter(([word]) => left.includes(word))
        .map(([word, tokens]) => `${word} ${joined(tokens)}`),
    ].join('\n')
  const local = `${table}_local`
  const items = [...columns.map((column) => columnText(column)), ...others.map((item) => joined(item))]
  const behind = [...clauses.keys()].filter((word) => word !== 'ENGINE')
  const over = `Distributed('{cluster}', {target:Identifier}, '${local}', ${shard.expression})`
  // A Distributed table keeps no rows, so it has no clauses about storage.
  const plain = columns.map((column) => columnText(column, ['TTL', 'PRIMARY KEY', 'SETTINGS', 'STATISTICS']))
  return [
    { ...ddl, text: written(local, items, `Replicated${engine.name}(${args})`, behind) },
    { ...ddl, text: written(table, plain, over, ['COMMENT']) },
  ]
}

/** Path and name of a replica, from the macros of each server. */
const REPLICA = "'/clickhouse/{installation}/{cluster}/tables/{shard}/{database}/{table}', '{replica}'"

function columnText({ name, clauses }: CreateTable['columns'][number], without: readonly string[] = []) {
  const kept = [...clauses].filter(([word]) => !without.includes(word))
  return [quotedName(name), ...kept.map(([word, tokens]) => `${word} ${joined(tokens)}`.trim())].join(' ')
}

/**
 * On the same lines, without database, ON CLUSTER, replicas and AS SELECT, which would read rows. Undefined for an engine outside the
 * MergeTree family: creating such a table might connect to other systems. @throws BackfillError `usage` with file and line
 */
export function temporaryForm(ddl: SqlText): string | undefined {
  const { nameAt, clauses } = createTable(ddl)
  if (readEngine(clauses.get('ENGINE') ?? [])?.name.endsWith('MergeTree') === false) return undefined
  const tokens = significantTokens(ddl)
  const indexOf = (is: (token: Token) => boolean) =>
    tokens.findIndex((token) => token.depth === 0 && is(token))
  const open = indexOf(({ text }) => text === '(')
  const as = indexOf((token) => isKeyword(token, 'AS', 'EMPTY'))
  const texts = new Map([[1, 'TEMPORARY TABLE'], ...withoutReplicas(tokens)])
  for (const at of tokens.keys()) {
    const isHead = at > 1 && at < open && at !== nameAt
    if (isHead || (as !== -1 && at >= as)) texts.set(at, '')
  }
  return withReplaced(ddl, texts)
}

/** Without ON CLUSTER and replicas, for a table that is to stand aside: on one server, and known to no Keeper. */
export function standaloneForm(ddl: SqlText): string {
  const { cluster } = createTable(ddl)
  const words = cluster === undefined ? [] : [0, 1, 2].map((word) => [cluster.at + word, ''] as const)
  return withReplaced(ddl, new Map([...words, ...withoutReplicas(significantTokens(ddl))]))
}

function withoutReplicas(tokens: readonly Token[]): ReadonlyMap<number, string> {
  const engine = tokens.findIndex(({ text, depth }) => depth === 0 && REPLICATED.test(text))
  if (engine === -1) return new Map()
  const texts = new Map([[engine, tokens[engine]!.text.replace(REPLICATED, '')]])
  // Path and replica are the strings that its arguments begin with.
  if (tokens[engine + 2]?.kind === 'string')
    for (let arg = engine + 2; tokens[arg]?.kind === 'string' || tokens[arg]?.text === ','; arg++)
      texts.set(arg, '')
  return texts
}

const REPLICATED = /^(Replicated|Shared)(?=\w*MergeTree$)/
