// Owns the check by ClickHouse of a table's transform (it parses, its columns fit the target) and of its audits.
import { tablesReadBy, columnsOf } from '../../model/choose.ts'
import { type ServerCheck, type ServerState, paramsOf } from './queries.ts'
import { type BackfillError, fileError, type Report } from '../../model/errors.ts'
import type { TableDefinition, SqlText } from '../../model/model.ts'
import { ddlColumns, type DdlColumn } from '../../sql-syntax/create-table.ts'
import { selectAround, tableReads } from '../../sql-syntax/table-refs.ts'
import { errorCode } from '../../clickhouse/server-error.ts'
import { assertAuditable } from '../../targets/audits.ts'
import { assertNotOwnTarget } from '../../targets/own-target.ts'
import { chooseByChance } from '../../targets/compared-columns.ts'
import { plainInputs } from '../../targets/plain-inputs.ts'
import { describeSelect, readerOf } from '../../targets/transform.ts'
import { columnMisfits, type OutputColumn } from '../../sql-syntax/column-fit.ts'
import { ownFunctions } from '../../clickhouse/server-words.ts'
import { probedColumns } from '../../sources/rows.ts'
import { errorLine } from './error-line.ts'
import { UNKNOWN_IDENTIFIER } from '../../clickhouse/error-codes.ts'
import { significantTokens, unquoted, isKeyword, type Token, withReplaced } from '../../sql-syntax/lexer.ts'
import { quoteIdentifier, quoteString } from '../../sql-syntax/quoting.ts'

export type TransformCheck = Pick<ServerCheck, 'servers' | 'catalogue' | 'misfits'> & {
  readonly table: TableDefinition
  readonly serverState: ServerState
  readonly types: ReadonlyMap<string, string | undefined>
  /** Sources that the user may not read: already reported. */
  readonly denied: ReadonlySet<string>
  /** Whether differences between the target and its file are reported by themselves. */
  readonly isCompared: Promise<boolean>
}

export async function checkTransform(check: TransformCheck, report: Report): Promise<void> {
  const { table, serverState, denied, types } = check
  for (const error of missingColumns(check, 'probed')) report(error)
  const stubTables = stubTablesOf(check)
  const isUnknown = (type: string) => types.has(type) && types.get(type) === undefined
  const unknownType = stubTables.some(({ columns }) => columns.some(({ type }) => isUnknown(type)))
  const text = unknownType ? undefined : withStubTables(table.transform, stubTables)
  const readable = table.sources.every((source) => !denied.has(source))
  if (text === undefined || !readable) return
  const { file, line: begin } = table.transform
  const { database } = check.servers.target.connection
  const plain = plainInputs(table, { catalogue: check.catalogue, database, targets: serverState.targets })
  if (plain !== undefined) return report(fileError({ rule: 'E060', file, line: begin, ...plain }))
  const { target } = check.servers
  if (readerOf(check.servers, table) === target) await assertNotOwnTarget(target, table)
  let described: readonly OutputColumn[]
  try {
    described = await describe(check, text)
  } catch (error) {
    const { connection } = readerOf(check.servers, table)
    const rejected = errorLine({ what: 'transform', sql: table.transform, text, connection }, error)
    // The server names the first unknown identifier, which may be the consequence of a missing column.
    const missing = errorCode(error) === UNKNOWN_IDENTIFIER ? [...missingColumns(check, 'named')] : []
    ;(missing.length > 0 ? missing : [rejected]).forEach(report)
    return
  }
  if (await chooseByChance(target, table.transform)) {
    const sentence =
      'a function that has another value each time, such as rand() or now(), stands in no column: which rows there are may differ whenever they are computed'
    const hint = 'choose rows by what they hold; verify and redo would find differences for ever'
    report(fileError({ rule: 'W085', file, line: begin, sentence, hint }))
  }
  const made = await ownFunctions(readerOf(check.servers, table))
  for (const error of callsOfOwn(table, made)) report(error)
  // Types as the server writes them.
  const wanted = ddlColumns(table.ddl).map((one) => ({ ...one, type: types.get(one.type) ?? one.type }))
  const misfits = columnMisfits(described, wanted)
  check.misfits?.set(table, misfits)
  const existing = serverState.targets.get(table.target)?.columns
  // A transform that fits its file is right: the table is not.
  const own = misfits.length > 0 || existing === undefined || (await check.isCompared)
  for (const { rule, column, sentence, hint } of own ? misfits : columnMisfits(described, existing)) {
    const line = outputLine(table.transform, rule === 'E064' ? undefined : column)
    const better = own ? hint : `\`backfill rebuild ${table.key}\` builds the table as ${table.ddl.file} says`
    report(fileError({ rule, file, line, sentence, hint: better }))
  }
}

/** Calls of functions that somebody has made: CREATE FUNCTION can give them another body. */
function* callsOfOwn({ transform, lookups }: TableDefinition, made: ReadonlySet<string>) {
  const tokens = significantTokens(transform)
  for (const [at, token] of tokens.entries()) {
    const name = unquoted(token)
    if (!made.has(name) || tokens[at + 1]?.text !== '(' || lookups?.includes(name)) continue
    const sentence = `calls '${name}', which somebody has made with CREATE FUNCTION or in a file of the server: a change of it makes nothing stale`
    const hint = 'write what it computes into the transform, or name it after --! lookup, if it never changes'
    yield fileError({ rule: 'W047', file: transform.file, line: token.line, sentence, hint })
  }
}

/** Of a table that exists: without it, the server knows none of its columns. */
export async function checkAudits(
  { servers, table, serverState }: Pick<TransformCheck, 'servers' | 'table' | 'serverState'>,
  report: Report,
): Promise<void> {
  if (!serverState.targets.has(table.target)) return
  const { target } = servers
  assertAuditable(servers, table)
  const params = paramsOf(servers, table)
  const { connection } = target
  for (const sql of table.audits ?? [])
    await describeSelect(target, sql.text, { params, settings: {}, doing: `checking ${sql.file}` }).catch(
      (error: unknown) => report(errorLine({ what: 'audit', sql, text: sql.text, connection }, error)),
    )
}

async function describe({ servers, table }: TransformCheck, text: string): Promise<readonly OutputColumn[]> {
  const params = paramsOf(servers, table)
  const [reader, doing] = [readerOf(servers, table), `checking ${table.key}`]
  const described = await describeSelect(reader, text, { params, settings: table.settings, doing })
  // Which frames of windows there are, ClickHouse only says when it makes them.
  if (significantTokens(table.transform).some((token) => isKeyword(token, 'RANGE')))
    await reader.client.text({
      query: `EXPLAIN PIPELINE SELECT * FROM (\n${text}\n)`,
      query_params: params,
      clickhouse_settings: table.settings,
      doing,
      isRepeatable: true,
    })
  return described
}

/** Stubs for tables that do not exist but have a DDL file. */
function stubTablesOf({ catalogue, table, serverState }: TransformCheck): readonly StubTable[] {
  const exists = { source: serverState.sources, target: serverState.targets }
  const own = { side: 'target', table: table.target, ddl: table.ddl } as const
  const read = [...tablesReadBy(table, catalogue), ...(table.sequential === 'itself' ? [own] : [])]
  return read
    .filter(({ side, table: name }) => !exists[side].has(name))
    .map(({ side, table: name, ddl }) => ({ parameter: side, table: name, columns: ddlColumns(ddl) }))
}

/** The columns that source tables lack: those of the probe, or those that a SELECT names and the source's file has. */
function* missingColumns(
  { servers, catalogue, table: { transform, sources }, serverState }: TransformCheck,
  which: 'probed' | 'named',
): Generator<BackfillError, void> {
  const tokens = significantTokens(transform)
  for (const { parameter, table: source, line, from } of tableReads(transform)) {
    const columns = parameter === 'source' ? serverState.sources.get(source)?.columns : undefined
    if (columns === undefined || columns.length === 0) continue
    const problem = (name: string, at: number, why: string, or: string) =>
      fileError({
        rule: 'E067',
        file: transform.file,
        line: at,
        sentence: `${servers.source.connection.database}.${source} lacks the column '${name}', which ${why}`,
        hint: `add it to the table, or ${or}`,
      })
    const isMissing = (name: string) => !columns.some((column) => column.name === name)
    if (which === 'probed') {
      if (!sources.includes(source)) continue
      for (const name of probedColumns(columnsOf(catalogue, source)).filter(isMissing))
        yield problem(name, line, 'the search for missing blocks reads', 'read another one')
      continue
    }
    const ddl = catalogue.sources.find((definition) => definition.table === source)?.ddl
    const around = selectAround(tokens, from)
    for (const { name } of ddl === undefined ? [] : ddlColumns(ddl)) {
      const mention = around.find((token) => unquoted(token) === name)
      if (isMissing(name) && mention !== undefined)
        yield problem(name, mention.line, `${ddl!.file} has`, 'remove it from the transform')
    }
  }
}

/** The line of the outermost SELECT, or that on which it names a column of its own, not of `*`. */
export function outputLine(sql: SqlText, column?: string): number {
  const tokens = significantTokens(sql)
  // The whole SELECT may be in brackets.
  const depth = tokens.findIndex(({ text }) => text !== '(')
  const outer = tokens.filter((token) => token.depth === depth)
  const start = outer.findIndex((token) => isKeyword(token, 'SELECT'))
  const list = outer.slice(Math.max(start, 0))
  const end = list.findIndex((token) => isKeyword(token, 'FROM', 'UNION', 'PREWHERE', 'WHERE', 'GROUP'))
  const named = list.slice(0, end === -1 ? undefined : end).find((token, at) => {
    const isLast = at + 1 === end || [undefined, ','].includes(list[at + 1]?.text)
    const isName =
      [',', '.'].includes(list[at - 1]?.text ?? '') || isKeyword(list[at - 1], 'AS', 'SELECT', 'DISTINCT')
    return isLast && isName && unquoted(token) === column
  })
  return named?.line ?? list[0]?.line ?? sql.line
}

export type StubTable = {
  readonly parameter: 'source' | 'target'
  readonly table: string
  readonly columns: readonly DdlColumn[]
}

/** The statement with empty subqueries for missing tables, on the same lines; undefined where none may stand. */
export function withStubTables(sql: SqlText, stubTables: readonly StubTable[]): string | undefined {
  const tokens = significantTokens(sql)
  const written = new Map<number, string>()
  for (const { parameter, table, from, to } of tableReads(sql)) {
    const stubTable = stubTables.find((one) => one.parameter === parameter && one.table === table)
    if (stubTable === undefined) continue
    if (tokens.some((token) => isKeyword(token, 'PREWHERE', 'SAMPLE'))) return undefined
    for (let at = from; at < to; at++) written.set(at, '')
    const alias = aliasAt(tokens, to)
    const final = isKeyword(tokens[to], 'FINAL') ? to : alias.to
    if (isKeyword(tokens[final], 'FINAL')) written.set(final, '')
    written.set(
      from,
      `(${emptyRows(stubTable.columns)})${alias.given ? '' : ` AS ${quoteIdentifier(table)}`}`,
    )
  }
  return withReplaced(sql, written)
}

/** Whether the table has an alias, before or after FINAL, and where the alias ends. */
export function aliasAt(
  tokens: readonly Token[],
  to: number,
): { readonly given: boolean; readonly to: number } {
  const at = isKeyword(tokens[to], 'FINAL') ? to + 1 : to
  if (isKeyword(tokens[at], 'AS')) return { given: true, to: at + 2 }
  const next = tokens[at]
  const isAlias =
    next?.kind === 'identifier' || (next?.kind === 'word' && !CLAUSE_WORDS.has(next.text.toUpperCase()))
  return { given: isAlias, to: isAlias ? at + 1 : at }
}

const CLAUSE_WORDS: ReadonlySet<string> = new Set(
  `FINAL WHERE GROUP ORDER LIMIT UNION INTERSECT EXCEPT HAVING QUALIFY WINDOW SETTINGS OFFSET FETCH FORMAT INTO ARRAY
   JOIN INNER LEFT RIGHT FULL CROSS ANY ALL ASOF SEMI ANTI GLOBAL PASTE ON USING`.split(/\s+/),
)

function emptyRows(columns: readonly DdlColumn[]): string {
  const items = columns
    .filter(({ type, defaultKind }) => type !== '' && defaultKind !== 'EPHEMERAL')
    .map(({ name, type }) => `defaultValueOfTypeName(${quoteString(type)}) AS ${quoteIdentifier(name)}`)
  return `SELECT ${items.join(', ')} WHERE 0`
}
