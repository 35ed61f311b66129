// Owns whether a table is sound on a cluster: how its rows are sharded, and a file that stands in place of the derived DDL.
import { type BackfillError, fileError } from '../../model/errors.ts'
import type { SqlText } from '../../model/model.ts'
import { createTable } from '../../sql-syntax/create-table.ts'
import { ddlClauses } from '../../sql-syntax/ddl-clauses.ts'
import { readDistributed, shardingProblem } from '../../sql-syntax/distributed.ts'
import { isKeyword, type Token } from '../../sql-syntax/lexer.ts'
import { normalForm } from '../../sql-syntax/statements.ts'
import { clusterForm, bareForm } from '../../sql-syntax/table-forms.ts'

/**
 * @param statements of a cluster: derived from `ddl`, or of a file that takes their place
 * @throws BackfillError `usage` with file and line for what is no CREATE TABLE
 */
export function* lintClusterDdl(
  ddl: SqlText,
  statements: readonly SqlText[],
): Generator<BackfillError, void> {
  const [local, distributed, third] = statements
  if (local === undefined) return
  const say = (line: number, sentence: string, hint: string) =>
    fileError({ rule: 'E058', file: local.file, line, sentence, hint })
  if (distributed === undefined || third !== undefined) {
    const found = third === undefined ? 'one statement' : 'more than two statements'
    const sentence = `a cluster needs a local table and a Distributed one, found ${found}`
    yield say((third ?? local).line, sentence, BOTH)
    return
  }
  const isDerived = local.file === ddl.file
  if (!isDerived) yield* overrideDiffers(ddl, [local, distributed], say)
  const { table: localTable } = createTable(local)
  const { table, tail } = createTable(distributed)
  const engineAt = tail.findIndex((token) => isKeyword(token, 'DISTRIBUTED'))
  const made = readDistributed(tail.slice(engineAt))
  const line = isDerived ? distributed.line : (tail[engineAt]?.line ?? distributed.line)
  const target = createTable(ddl).table
  if (table !== target || made?.table !== localTable || made.cluster !== '{cluster}') {
    const sentence = `the second table has to be ${target}, Distributed over '{cluster}' and ${localTable}`
    const engine = `Distributed('{cluster}', {target:Identifier}, '${localTable}', sharding key)`
    yield say(line, sentence, `write ENGINE = ${engine}`)
    return
  }
  const problem = shardingProblem(made, ddlClauses(ddl).sortKey?.names ?? [])
  if (problem === undefined) return
  const sentence = `rows of one key may lie on several shards, where nothing makes one of them: ${problem}`
  yield say(line, sentence, 'shard by columns of ORDER BY')
}

const BOTH =
  'write CREATE TABLE name_local, Replicated, and CREATE TABLE name, Distributed, or remove the file and write --! shard in the DDL'

type Say = (line: number, sentence: string, hint: string) => BackfillError

function* overrideDiffers(
  ddl: SqlText,
  [local, distributed]: readonly [SqlText, SqlText],
  say: Say,
): Generator<BackfillError, void> {
  for (const statement of [local, distributed])
    if (!normalForm(statement).includes("ON CLUSTER '{cluster}'"))
      yield say(
        statement.line,
        "without ON CLUSTER '{cluster}' the table is on one server",
        'write it behind the name',
      )
  if (!/ ENGINE (= )?Replicated/i.test(normalForm(local)))
    yield say(
      local.line,
      'the local table is not Replicated',
      'make it Replicated: a cluster with Keeper has replicas',
    )
  const [, columns] = clusterForm(ddl, { expression: '1', line: 1 })
  const pairs = [
    [plainTokens(local), plainTokens(ddl)],
    [createTable(distributed).body, createTable(columns!).body],
  ] as const
  for (const [here, there] of pairs) {
    const at = there.findIndex(({ text }, index) => here[index]?.text !== text)
    if (at === -1 && here.length === there.length) continue
    const differs = at === -1 ? there.length : at
    // Where one of the two goes on in a line that has ended in the other, both lines are those of the token before.
    const begins = [here, there].map((tokens) => tokens[differs]?.line !== tokens[differs - 1]?.line)
    const shown = begins[0] === begins[1] ? differs : differs - 1
    const [mine, wanted] = [here, there].map((tokens) => lineAround(tokens, shown))
    const sentence = `there is '${mine}' here and '${wanted}' in ${ddl.file}`
    yield say((here[shown] ?? here.at(-1))?.line ?? local.line, sentence, 'write the same in both files')
  }
}

/** Columns and all that follows, without replicas, and without the brackets of no arguments. */
function plainTokens(statement: SqlText): readonly Token[] {
  const { body, tail } = createTable({ ...statement, text: bareForm(statement) })
  const tokens = [...body, ...tail]
  return tokens.filter(
    ({ text }, at) =>
      !(text === '(' && tokens[at + 1]?.text === ')') && !(text === ')' && tokens[at - 1]?.text === '('),
  )
}

/** The line of a token, or nothing behind the last one. */
function lineAround(tokens: readonly Token[], at: number): string {
  const line = tokens[at]?.line
  const around = tokens.filter((token) => token.line === line).map(({ text }) => text)
  return (around.at(-1) === ',' ? around.slice(0, -1) : around).join(' ')
}
