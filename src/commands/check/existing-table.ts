// Owns the comparison of a DDL file with the table that exists: a DBA may have altered it, or edited the file after it.
import type { CheckPort } from './questions.ts'
import type { ExistingTable } from '../../clickhouse/existing-tables.ts'
import { fileError, type Finding } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { ddlClauses, type DdlClauses, keyText, readEngine } from '../../sql-syntax/ddl-clauses.ts'
import { type DdlColumn, ddlColumns } from '../../sql-syntax/create-table.ts'
import { rejectedLine, rejectedWords } from './error-line.ts'
import type { Report } from '../../sql-syntax/problems.ts'
import { significantTokens, type Token } from '../../sql-syntax/lexer.ts'

export type ExistingTableCheck = {
  readonly port: CheckPort
  readonly table: TableDefinition
  /** Types of DDL files as the server writes them; undefined: it does not know them. */
  readonly types: ReadonlyMap<string, string | undefined>
  /** Undefined where it does not exist. */
  readonly tableStatus: ExistingTable | undefined
}

/** Reports DDL that the server cannot read, and a table that is not as its DDL says. @throws BackfillError `server` */
export async function checkExistingTable(check: ExistingTableCheck, report: Report): Promise<void> {
  const { port, table, tableStatus } = check
  const { ddl } = table
  const say = (problem: Omit<Finding, 'file'>) =>
    report(fileError({ ...problem, file: ddl.file, line: problem.line ?? ddl.line }))
  const complaint = await port.unreadable(ddl.text)
  if (complaint !== undefined) {
    const line = rejectedLine(ddl, { message: complaint, sent: ddl.text, linesBefore: 0 })
    const sentence = `ClickHouse cannot read this: ${rejectedWords(complaint, ddl.text)}`
    say({ rule: 'E070', line, sentence, hint: 'mend the file' })
    return
  }
  const clauses = ddlClauses(ddl)
  const columns = ddlColumns(ddl)
  for (const problem of unknownTypes(columns, clauses, check)) say(problem)
  if (tableStatus === undefined) return
  const name = `${port.databases.target}.${table.target}`
  const comparison = { name, columns, clauses, tableStatus, types: check.types }
  for (const problem of columnsDiffer(comparison)) say(problem)
  const texts = [...sqlVersionsOf(comparison)].filter((one) => one.file !== one.table)
  const written = await port.formatted(texts.flatMap((one) => [one.file, one.table]))
  for (const [index, { rule, line, what }] of texts.entries()) {
    const [here, there] = [written[index * 2], written[index * 2 + 1]]
    if (here === there) continue
    const sentence = `${what} ${here || 'nothing'} here and ${there || 'nothing'} in the table ${name}`
    say({ rule, line, sentence, hint: `change the file, or rebuild the table: ${REBUILD}` })
  }
}

const REBUILD = 'neither `up` nor `create-tables` alters a table that exists'

type Problem = Omit<Finding, 'file'>

function* unknownTypes(
  columns: readonly DdlColumn[],
  clauses: DdlClauses,
  { types }: ExistingTableCheck,
): Generator<Problem, void> {
  for (const { name, type } of columns) {
    if (type === '' || types.get(type) !== undefined) continue
    const sentence = `ClickHouse does not know the type ${type} of '${name}'`
    yield { rule: 'E070', line: lineOf(clauses, name), sentence, hint: 'correct the type' }
  }
}

type Comparison = {
  /** The table's, with its database. */
  readonly name: string
  readonly columns: readonly DdlColumn[]
  readonly clauses: DdlClauses
  readonly tableStatus: ExistingTable
  readonly types: ReadonlyMap<string, string | undefined>
}

function* columnsDiffer({
  name,
  columns,
  clauses,
  tableStatus,
  types,
}: Comparison): Generator<Problem, void> {
  for (const column of columns) {
    const there = tableStatus.columns.find((one) => one.name === column.name)
    const line = lineOf(clauses, column.name)
    if (there === undefined) {
      const sentence = `the table ${name} lacks the column '${column.name}'`
      const hint = `ALTER TABLE ${name} ADD COLUMN ${column.name} ${column.type}, or take it out of the file`
      yield { rule: 'E071', line, sentence, hint }
      continue
    }
    const type = types.get(column.type) ?? column.type
    if (type !== '' && type !== there.type) {
      const sentence = `'${column.name}' is ${type} here and ${there.type} in the table ${name}`
      yield { rule: 'E072', line, sentence, hint: `change the file, or the table: ${REBUILD}` }
    }
    if (column.defaultKind !== there.defaultKind) {
      const [here, present] = [column, there].map(({ defaultKind }) => defaultKind || 'no default')
      const sentence = `'${column.name}' has ${here} here and ${present} in the table ${name}`
      yield { rule: 'E073', line, sentence, hint: `change the file, or the table: ${REBUILD}` }
    }
  }
  for (const there of tableStatus.columns) {
    if (columns.some((column) => column.name === there.name)) continue
    const sentence = `the table ${name} has a column '${there.name}', which the file lacks`
    yield {
      rule: 'E071',
      sentence,
      hint: `add ${there.name} ${there.type} to the file, or drop it from the table`,
    }
  }
}

/** An expression of the file and that of the table, as tokens with one space between any two. */
type Texts = {
  readonly rule: 'E073' | 'E074' | 'E075' | 'E076'
  readonly file: string
  readonly table: string
  readonly line: number | undefined
  /** What stands before the two: `the rows are sorted by`. */
  readonly what: string
}

function* sqlVersionsOf({ clauses, tableStatus, columns }: Comparison): Generator<Texts, void> {
  for (const { name, line, expression } of clauses.columns) {
    const there = tableStatus.columns.find((one) => one.name === name)
    const kind = columns.find((one) => one.name === name)?.defaultKind ?? ''
    if (there === undefined || kind === '' || kind !== there.defaultKind) continue
    const what = `'${name}' has ${kind}`
    yield { rule: 'E073', file: expression, table: keyText(tokensOf(there.expression)), line, what }
  }
  // Rows of a Distributed table are elsewhere, and so are engine and keys.
  if (tableStatus.engine === 'Distributed') return
  const engines = [clauses.engine, readEngine(tokensOf(tableStatus.engineFull))]
  const [file = '', table = ''] = engines.map((one) => one && `${one.name}(${one.text})`)
  const line = clauses.engine?.line
  yield { rule: 'E074', file, table, line, what: 'the engine is' }
  const keys = [
    ['E075', 'the rows are sorted by', clauses.sortKey, tableStatus.sortKey],
    ['E076', 'the rows are partitioned by', clauses.partition, tableStatus.partitionKey],
  ] as const
  for (const [rule, what, clause, key] of keys)
    yield { rule, file: clause?.text ?? '', table: keyText(tokensOf(key)), line: clause?.line ?? line, what }
}

function tokensOf(text: string): readonly Token[] {
  return significantTokens({ file: 'system.tables', text, line: 1 })
}

function lineOf({ columns }: DdlClauses, name: string): number | undefined {
  return columns.find((column) => column.name === name)?.line
}
