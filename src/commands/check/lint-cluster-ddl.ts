// Owns whether a table's DDL for a cluster makes what its DDL for one server makes: the same columns, keys and comments.
import { type BackfillError, fileError } from '../../model/errors.ts'
import type { SqlText } from '../../model/model.ts'
import { ddlClauses, keyText } from '../../sql-syntax/ddl-clauses.ts'
import { createTable, type CreateTable } from '../../sql-syntax/create-table.ts'
import { readDistributed, shardingProblem } from '../../sql-syntax/distributed.ts'
import { isKeyword, significantTokens, type Token, unquoted } from '../../sql-syntax/lexer.ts'
import { splitAtCommas, withDepth } from '../../sql-syntax/tokens.ts'

/** Throws a usage error with file and line for what is no CREATE TABLE. */
export function* lintClusterDdl(
  ddl: SqlText,
  [local, distributed, third]: readonly SqlText[],
): Generator<BackfillError, void> {
  if (local === undefined) return
  const say = (line: number, sentence: string, hint: string) =>
    fileError({ rule: 'E058', file: local.file, line, sentence, hint })
  if (distributed === undefined || third !== undefined) {
    const found = third === undefined ? 'one statement' : 'more than two statements'
    yield say(
      (third ?? local).line,
      `a cluster needs a local table and a Distributed one, found ${found}`,
      BOTH,
    )
    return
  }
  const twin = createTable(ddl)
  const clauses = ddlClauses(ddl)
  for (const statement of [local, distributed]) {
    if (!isOnCluster(statement))
      yield say(
        statement.line,
        "without ON CLUSTER '{cluster}' the table is on one server",
        'write it behind the name',
      )
    yield* columnsDiffer({ twin, own: createTable(statement) }, (line, what) =>
      say(line ?? statement.line, `${what} in ${ddl.file}`, 'write the same in both files'),
    )
  }
  const own = createTable(local)
  const engine = engineOf(own)
  if (!engine.name.startsWith('Replicated'))
    yield say(
      engine.line,
      `the local table is a ${engine.name || 'table without an engine'}`,
      'make it Replicated: a cluster with Keeper has replicas',
    )
  const [here, there] = [ddlClauses(local).engine, clauses.engine]
  if (here?.name !== there?.name || here?.text !== there?.text)
    yield say(
      engine.line,
      `the engine is ${here?.name}(${here?.text}) here and ${there?.name}(${there?.text}) in ${ddl.file}`,
      'write the same in both files',
    )
  const rest = engineOf(twin).rest
  if (engine.rest !== rest)
    yield say(
      engine.line,
      `behind the engine there is '${engine.rest}' here and '${rest}' in ${ddl.file}`,
      'write the same in both files',
    )

  const outer = createTable(distributed)
  const { line, tokens } = engineOf(outer)
  const made = readDistributed(tokens)
  if (outer.table !== twin.table || made?.table !== own.table || made.cluster !== '{cluster}') {
    yield say(
      line,
      `the second table has to be ${twin.table}, Distributed over '{cluster}' and ${own.table}`,
      `write ENGINE = Distributed('{cluster}', {target:Identifier}, '${own.table}', sharding key)`,
    )
    return
  }
  const problem = shardingProblem(made, clauses.sortKey?.names ?? [])
  if (problem !== undefined)
    yield say(
      line,
      `rows of one key may lie on several shards, where nothing makes one of them: ${problem}`,
      'shard by columns of ORDER BY',
    )
}

const BOTH =
  'write CREATE TABLE name_local, Replicated, and CREATE TABLE name, Distributed: see sql/ddl/cluster'

function isOnCluster(statement: SqlText): boolean {
  const tokens = significantTokens(statement)
  const at = tokens.findIndex(
    (token, index) => isKeyword(token, 'ON') && isKeyword(tokens[index + 1], 'CLUSTER'),
  )
  return at !== -1 && unquoted(tokens[at + 2] ?? NOTHING) === '{cluster}'
}

const NOTHING: Token = { kind: 'punctuation', text: '', line: 0 }

function* columnsDiffer(
  { twin, own }: { readonly twin: CreateTable; readonly own: CreateTable },
  say: (line: number | undefined, what: string) => BackfillError,
): Generator<BackfillError, void> {
  const [there, here] = [twin, own].map(({ body }) => splitAtCommas(body))
  for (const [index, item] of (there ?? []).entries()) {
    const mine = here?.[index] ?? []
    if (keyText(mine) === keyText(item)) continue
    yield say(mine[0]?.line, `there is '${keyText(mine)}' here and '${keyText(item)}'`)
    return
  }
  const more = here?.[there?.length ?? 0]
  if (more !== undefined) yield say(more[0]?.line, `there is '${keyText(more)}' here and nothing`)
}

/** The engine's tokens, and what follows it as a text. */
function engineOf({ tail }: CreateTable): {
  readonly name: string
  readonly line: number
  readonly tokens: readonly Token[]
  readonly rest: string
} {
  const at = tail.findIndex((token) => isKeyword(token, 'ENGINE'))
  const tokens = at === -1 ? [] : tail.slice(at + (tail[at + 1]?.text === '=' ? 2 : 1))
  const close = withDepth(tokens).findIndex(
    ({ token, depth }, index) => index > 1 && depth === 0 && token.text === ')',
  )
  const rest = tokens.slice(tokens[1]?.text === '(' ? close + 1 : 1)
  return {
    name: tokens[0]?.text ?? '',
    line: tokens[0]?.line ?? tail[0]?.line ?? 1,
    tokens,
    rest: keyText(rest),
  }
}
