// Owns what ClickHouse says of a transform: whether it can be read, and whether its columns fit the target.
import { missingGrant } from './grants.ts'
import type { ServerCheck, ServerState } from './queries.ts'
import { type BackfillError, fileError } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { type DdlColumn, ddlColumns } from '../../sql-syntax/create-table.ts'
import { selectAround, tableReads } from '../../sql-syntax/table-refs.ts'
import { errorCode, serverError } from '../../clickhouse/server-error.ts'
import { describeSelect, describeStatement, readerOf, transformParams } from '../../targets/transform.ts'
import { columnMisfits, type OutputColumn } from '../../sql-syntax/column-fit.ts'
import { outputLines } from './output-columns.ts'
import { rejectedLine, rejectedWords } from './error-line.ts'
import type { Report } from '../../sql-syntax/problems.ts'
import { significantTokens, unquoted } from '../../sql-syntax/lexer.ts'
import { type StubTable, withStubTables } from './stub-tables.ts'

export type TransformCheck = Pick<ServerCheck, 'servers' | 'catalogue'> & {
  readonly table: TableDefinition
  readonly surroundings: ServerState
  /** Types of DDL files as the server writes them. */
  readonly types: ReadonlyMap<string, string | undefined>
  /** Sources that the user may not read: what is to be said of these is said. */
  readonly denied: ReadonlySet<string>
}

/** @throws BackfillError `server` when it is away */
export async function checkTransform(check: TransformCheck, report: Report): Promise<void> {
  const { table, surroundings, denied } = check
  for (const error of missingProbeColumns(check)) report(error)
  const stubTables = stubTablesOf(check)
  const unknownType = stubTables.some(({ columns }) => columns.some(({ type }) => isUnknown(check, type)))
  const text = unknownType ? undefined : withStubTables(table.transform, stubTables)
  const readable = table.sources.every((source) => !denied.has(source))
  if (text === undefined || !readable) return
  const described = await describe(check, text)
  if (!('columns' in described)) {
    // The server names the first thing that it cannot make sense of, which may only follow from a missing column.
    const missing = described.code === UNKNOWN_IDENTIFIER ? [...missingColumns(check)] : []
    for (const error of missing.length > 0 ? missing : [errorLine(check, described)]) report(error)
    return
  }
  const { file } = table.transform
  const lines = outputLines(table.transform)
  const target = surroundings.targets.get(table.target)?.columns ?? typedColumns(check)
  for (const { rule, column, sentence, hint } of columnMisfits(described.columns, target)) {
    const line = rule === 'E064' ? lines.select : (lines.columns.get(column) ?? lines.select)
    report(fileError({ rule, file, line, sentence, hint }))
  }
}

/** What a server says of a transform: its columns, or why not. */
type Described =
  | { readonly columns: readonly OutputColumn[] }
  | { readonly code: number; readonly message: string; readonly sent: string; readonly user: string }

/** Describes `text` in place of the transform, on the server that would compute it. @throws BackfillError `server`, `usage` */
async function describe({ servers, table }: TransformCheck, text: string): Promise<Described> {
  const reader = readerOf(servers, table)
  const params = transformParams({
    table,
    network: servers.network,
    range: { from: 0, to: 0 },
    source: servers.source.connection.database,
    target: servers.target.connection.database,
  })
  try {
    return { columns: await describeSelect(reader, text, { params, settings: table.settings }) }
  } catch (error) {
    const [code, { connection }] = [errorCode(error), reader]
    if (code === 0 || !(error instanceof Error))
      throw serverError(error, { connection, doing: `checking ${table.key}` })
    return { code, message: error.message, sent: describeStatement(text), user: connection.username }
  }
}

/** The transform's target by its DDL, types as the server writes them. */
function typedColumns({ table, types }: TransformCheck): readonly DdlColumn[] {
  return ddlColumns(table.ddl).map((column) => ({ ...column, type: types.get(column.type) ?? column.type }))
}

/** A type that the server does not know: its own table's finding says so. */
function isUnknown({ types }: TransformCheck, type: string): boolean {
  return types.has(type) && types.get(type) === undefined
}

/** For what does not exist, and has a file that says what it would be. */
function stubTablesOf({ catalogue, table, surroundings }: TransformCheck): readonly StubTable[] {
  const sources = catalogue.sources.filter(({ table: name }) => !surroundings.sources.has(name))
  const inputs = catalogue.tables.filter(({ key }) => table.after.includes(key))
  return [
    ...sources.map((source): StubTable => ({
      parameter: 'source',
      table: source.table,
      columns: ddlColumns(source.ddl),
    })),
    ...inputs
      .filter(({ target }) => !surroundings.targets.has(target))
      .map((input): StubTable => ({
        parameter: 'target',
        table: input.target,
        columns: ddlColumns(input.ddl),
      })),
  ]
}

/** What the probe of missing blocks reads of every source. */
const PROBED = ['meta_network_name', 'block_number', 'updated_date_time']

function* missingProbeColumns({
  servers,
  table,
  surroundings,
}: TransformCheck): Generator<BackfillError, void> {
  const { file } = table.transform
  for (const { parameter, table: source, line } of tableReads(table.transform)) {
    const columns = parameter === 'source' ? surroundings.sources.get(source)?.columns : undefined
    if (columns === undefined || columns.length === 0) continue
    for (const name of PROBED.filter((wanted) => !columns.some((column) => column.name === wanted))) {
      const sentence = `${servers.source.connection.database}.${source} lacks the column '${name}', by which missing blocks are found`
      yield fileError({
        rule: 'E067',
        file,
        line,
        sentence,
        hint: 'add it to the table, or read another one',
      })
    }
  }
}

const [UNKNOWN_IDENTIFIER, UNKNOWN_TABLE, UNKNOWN_DATABASE, ACCESS_DENIED] = [47, 60, 81, 497]

type Refusal = Exclude<Described, { columns: unknown }>

function errorLine({ table }: TransformCheck, { code, message, sent, user }: Refusal): BackfillError {
  const { file } = table.transform
  const line = rejectedLine(table.transform, { message, sent, linesBefore: 1 })
  if (code === ACCESS_DENIED) return missingGrant({ file, line, message, user })
  const sentence = `ClickHouse rejects this transform: ${rejectedWords(message, sent)}`
  if (code === UNKNOWN_TABLE || code === UNKNOWN_DATABASE)
    return fileError({ rule: 'E062', file, line, sentence, hint: 'correct the name, or create the table' })
  return code === UNKNOWN_IDENTIFIER
    ? fileError({ rule: 'E061', file, line, sentence, hint: 'correct the name' })
    : fileError({ rule: 'E060', file, line, sentence, hint: 'fix the file' })
}

/** Columns that a SELECT names, that its source has by its file, and that the table lacks. */
function* missingColumns({
  servers,
  catalogue,
  table: { transform },
  surroundings,
}: TransformCheck): Generator<BackfillError, void> {
  const tokens = significantTokens(transform)
  for (const { parameter, table: source, from } of tableReads(transform)) {
    const definition = catalogue.sources.find(({ table }) => parameter === 'source' && table === source)
    const there = surroundings.sources.get(source)?.columns
    if (definition === undefined || there === undefined) continue
    const missing = ddlColumns(definition.ddl).filter(({ name }) => !there.some((one) => one.name === name))
    const around = selectAround(tokens, from)
    for (const { name } of missing) {
      const mention = around.find((token) => unquoted(token) === name)
      if (mention === undefined) continue
      const sentence = `${servers.source.connection.database}.${source} lacks the column '${name}', which ${definition.ddl.file} has`
      const hint = 'add it to the table, or do without it here'
      yield fileError({ rule: 'E067', file: transform.file, line: mention.line, sentence, hint })
    }
  }
}
