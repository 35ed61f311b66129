// Owns the lint of a table's cluster DDL: the sharding key, and a file that replaces the derived statements.
import { type BackfillError, fileError } from '../../model/errors.ts'
import type { SqlText } from '../../model/model.ts'
import { createTable } from '../../sql-syntax/create-table.ts'
import { ddlClauses } from '../../sql-syntax/ddl-clauses.ts'
import { readDistributed, shardingProblem } from '../../sql-syntax/distributed.ts'
import { normalForm } from '../../sql-syntax/statements.ts'
import { bareForm } from '../../sql-syntax/table-forms.ts'
import { definitionsDiffer, lineOf } from './table-definition.ts'

/**
 * @param statements the cluster's statements: derived from `ddl`, or from a file that replaces them
 * @throws BackfillError `usage` with file and line for a statement that is not a CREATE TABLE
 */
export function* lintClusterDdl(
  ddl: SqlText,
  statements: readonly SqlText[],
): Generator<BackfillError, void> {
  const [local, distributed, third] = statements
  if (local === undefined) return
  const problemAt = (line: number, sentence: string, hint: string) =>
    fileError({ rule: 'E058', file: local.file, line, sentence, hint })
  if (distributed === undefined || third !== undefined) {
    const found = third === undefined ? 'one statement' : 'more than two statements'
    const sentence = `a cluster needs a local table and a Distributed one, found ${found}`
    yield problemAt((third ?? local).line, sentence, BOTH)
    return
  }
  const isDerived = local.file === ddl.file
  if (!isDerived) yield* overrideDiffers(ddl, [local, distributed], problemAt)
  const { table: localTable } = createTable(local)
  const { table, clauses } = createTable(distributed)
  const engine = (clauses.get('ENGINE') ?? []).filter(({ text }, at) => at > 0 || text !== '=')
  const made = readDistributed(engine)
  const line = isDerived ? distributed.line : (engine[0]?.line ?? distributed.line)
  const target = createTable(ddl).table
  if (table !== target || made?.table !== localTable || made.cluster !== '{cluster}') {
    const sentence = `the second table has to be ${target}, Distributed over '{cluster}' and ${localTable}`
    const wanted = `Distributed('{cluster}', {target:Identifier}, '${localTable}', sharding key)`
    yield problemAt(line, sentence, `write ENGINE = ${wanted}`)
    return
  }
  const problem = shardingProblem(made, ddlClauses(ddl).sortKey?.names ?? [])
  if (problem === undefined) return
  const sentence = `rows of one key may lie on several shards, which never merge them: ${problem}`
  yield problemAt(line, sentence, 'shard by columns of ORDER BY')
}

const BOTH =
  'write CREATE TABLE name_local, Replicated, and CREATE TABLE name, Distributed, or remove the file and write --! shard in the DDL'

function* overrideDiffers(
  ddl: SqlText,
  statements: readonly SqlText[],
  problemAt: (line: number, sentence: string, hint: string) => BackfillError,
): Generator<BackfillError, void> {
  for (const statement of statements) {
    if (!normalForm(statement).includes("ON CLUSTER '{cluster}'")) {
      const sentence = "without ON CLUSTER '{cluster}' the table is on one server"
      yield problemAt(statement.line, sentence, 'write it after the table name')
    }
    for (const { place, what, here, there } of definitionsDiffer(bareForm(ddl), bareForm(statement))) {
      const sentence = `${what} ${there || 'nothing'} here and ${here || 'nothing'} in ${ddl.file}`
      yield problemAt(lineOf(statement, place) ?? statement.line, sentence, 'write the same in both files')
    }
  }
  const engine = createTable(statements[0]!).clauses.get('ENGINE') ?? []
  if (!engine.some(({ text }) => text.startsWith('Replicated'))) {
    const hint = 'make it Replicated: a cluster with Keeper has replicas'
    yield problemAt(engine[0]?.line ?? statements[0]!.line, 'the local table is not Replicated', hint)
  }
}
