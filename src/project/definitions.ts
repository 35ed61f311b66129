// Owns building definitions of tables, their audits and sources from the texts of their files.
import { type BackfillError, fileError, attempt, refuse, type Report } from '../model/errors.ts'
import {
  type Network,
  type SourceDefinition,
  type SqlText,
  type TableDefinition,
  XATU_COLUMNS,
  isTableKey,
} from '../model/model.ts'
import { assertNoUuid, createTable } from '../sql-syntax/create-table.ts'
import {
  ddlHeader,
  type HeaderDraft,
  readHeader,
  sourceHeader,
  throwHeaderError,
  type TransformHeader,
} from './header.ts'
import { checkedParameters, transformParameters, type Parameters } from '../sql-syntax/parameters.ts'
import { reportOutside } from '../sql-syntax/outside.ts'
import { sharedStep } from '../sql-syntax/shared-cte.ts'
import { onlyStatement } from '../sql-syntax/statements.ts'
import { clusterForm } from '../sql-syntax/table-forms.ts'
import { clauseSettings, onlySelect } from './transform-statement.ts'
import {
  checkBounds,
  checkForks,
  checkLatest,
  checkReads,
  type TableDraft,
  dependencyOrder,
  withUnits,
} from './definition-checks.ts'
import { type SqlFile, keyFolders, readSqlFiles } from './sql-files.ts'
import { sha256, sqlHash } from './sql-hash.ts'
import { tablesRead } from '../sql-syntax/table-refs.ts'

type TableFiles = {
  readonly transforms: readonly SqlFile[]
  readonly ddl: readonly SqlFile[]
  /** Undefined if their file is wrong: then checks of forks are skipped. */
  readonly networks: readonly Network[] | undefined
  readonly sources: readonly SourceDefinition[]
  readonly audits: ReadonlyMap<string, readonly SqlFile[]>
}

/** All tables in dependency order, as far as they could be read. Reports errors with file and line. */
export function tableDrafts(
  { transforms, ddl, networks, sources, audits }: TableFiles,
  report: Report,
): readonly TableDraft[] {
  const forks = networks && [...new Set(networks.flatMap((network) => Object.keys(network.forks)))]
  const drafts = transforms.map((file) => tableDraft(file, { ddl, forks, sources, audits }, report))
  for (const { key, file } of ddl) {
    if (transforms.some((transform) => transform.key === key)) continue
    const hint = `add transforms/${key}.sql or remove the file`
    report(fileError({ rule: 'E011', file, sentence: 'nothing fills this table', hint }))
  }
  for (const [index, { file, header, lines }] of drafts.entries()) {
    const rival = drafts
      .slice(0, index)
      .find((other) => header.target !== undefined && other.header.target === header.target)
    if (rival === undefined) continue
    const sentence = `target '${header.target}' is already filled by ${rival.file}`
    const hint = 'give each table a target of its own'
    report(fileError({ rule: 'E013', file, line: lines.get('target'), sentence, hint }))
  }
  const ordered = dependencyOrder(drafts, report)
  for (const draft of ordered) {
    checkReads(draft, ordered, report)
    checkLatest(draft, ordered, report)
  }
  return withUnits(ordered, sources, report)
}

/** `ready`: its file of that name. Throws a usage error with file and line unless the file is a header and one CREATE TABLE. */
export function sourceDefinition(
  file: SqlFile,
  ready: SqlFile | undefined,
  report: Report,
): SourceDefinition {
  const { outside, blockCoverage, safeView, unit, columns, lag, gap } = sourceHeader(file.file, file.text)
  const ddl = onlyStatement(file.file, file.text, ONE_CREATE_TABLE, report)
  reportOutside(ddl, outside, report)
  checkedParameters(ddl, { source: 'Identifier' }, report)
  const definition = { table: createTable(ddl).table, blockCoverage, safeView, unit, columns, lag, gap, ddl }
  return ready === undefined ? definition : { ...definition, ready: readiness(ready, report) }
}

function readiness({ file, text }: SqlFile, report: Report): SqlText {
  throwHeaderError(file, text, report)
  const select = onlySelect(file, text, report, 'readiness file')
  reportOutside(select, [], report)
  checkedParameters(select, { source: 'Identifier', network: 'String' }, report)
  return select
}

type Beside = Omit<TableFiles, 'transforms' | 'networks'> & { readonly forks: readonly string[] | undefined }

function tableDraft(
  { key, file, bytes, text }: SqlFile,
  { ddl: ddlFiles, forks, sources, audits }: Beside,
  report: Report,
): TableDraft {
  const ddlFile = ddlFiles.find((one) => one.key === key)
  if (!isTableKey(key)) {
    const hint = 'use lower-case letters, digits and single _'
    report(fileError({ rule: 'E012', file, sentence: `'${key}' is not a table key`, hint }))
  }
  if (ddlFile === undefined) {
    const hint = `add ddl/${key}.sql with its CREATE TABLE`
    report(fileError({ rule: 'E010', file, sentence: 'the table has no DDL', hint }))
  }
  const { header: written, lines } = readHeader(file, text, report)
  const transform = attempt(report, () => onlySelect(file, text, report))
  // Pinned settings have been reported.
  const others = (error: BackfillError) => error.finding?.rule === 'E025' || report(error)
  const clause = transform && attempt(others, () => clauseSettings(transform))
  const header = { ...written, settings: written.settings && { ...clause, ...written.settings } }
  const known = transformParameters(
    { file, line: lines.get('params') },
    { forks: forks ?? [], own: header.params ?? [] },
    report,
  )
  // What a parameter may be is unknown if forks or `params` could not be read.
  const isUnknown = forks === undefined || header.params === undefined
  const parameters = transform && checkedParameters(transform, known, isUnknown ? () => {} : report)
  if (transform !== undefined) reportOutside(transform, header.outside ?? [], report)
  if (transform !== undefined) checkBounds(transform, header, parameters ?? [], sources, report)
  if (forks !== undefined) checkForks({ file, header, lines }, forks, report)
  const { shard, outside = [] } = ddlFile ? ddlHeader(ddlFile.file, ddlFile.text, report) : {}
  const named = { target: header.target, outside }
  const ddl = ddlFile && attempt(report, () => targetDdl(ddlFile, named, report))
  const clusterDdl = (ddl && shard && attempt(report, () => clusterForm(ddl, shard))) ?? []
  const complete = isComplete(header) && transform ? { ...header, transform } : undefined
  if (complete !== undefined) attempt(report, () => sharedStep(complete))
  const { target } = header
  const sound =
    target === undefined
      ? []
      : (audits.get(key) ?? []).flatMap((one) => auditOf(one, { target, known }, report) ?? [])
  const definition: TableDefinition | undefined = complete &&
    ddl &&
    parameters && {
      key,
      unit: 'block',
      ...complete,
      position: complete.position ?? XATU_COLUMNS.position,
      audits: sound,
      ddl,
      clusterDdl,
      parameters,
      sqlHash: sqlHash(complete.transform, complete),
      rawHash: sha256(bytes),
      rawText: text,
    }
  return { key, file, header, lines, transform, ddl, definition }
}

/** The table as an earlier text of its file has it, with today's DDL. @throws BackfillError `usage` if that is no transform any more */
export function earlierDefinition(table: TableDefinition, { file, text }: Pick<SqlFile, 'file' | 'text'>) {
  // It has run, so its header was sound.
  const { header } = readHeader(file, text, () => {})
  const transform = onlySelect(file, text)
  reportOutside(transform, header.outside ?? [], refuse)
  const { sources = table.sources, after = table.after, params = [] } = header
  const settings = { ...clauseSettings(transform), ...header.settings }
  return {
    ...table,
    sources,
    after,
    params,
    settings,
    transform,
    sqlHash: sqlHash(transform, { params, settings, position: header.position }),
  }
}

function isComplete(header: HeaderDraft): header is TransformHeader {
  return Object.entries(header).every(([key, value]) => MAY_LACK.includes(key) || value !== undefined)
}

const MAY_LACK: readonly string[] = ['chunk', 'shared', 'fresh', 'position', 'sequential']

function targetDdl(
  file: SqlFile,
  { target, outside }: { readonly target: string | undefined; readonly outside: readonly string[] },
  report: Report,
): SqlText {
  const ddl = onlyStatement(file.file, file.text, ONE_CREATE_TABLE, report)
  reportOutside(ddl, outside, report)
  checkedParameters(ddl, { target: 'Identifier' }, report)
  const created = createTable(ddl)
  assertNoUuid(ddl, created)
  const { table } = created
  if (target !== undefined && table !== target) {
    const sentence = `the DDL creates '${table}', but the transform's target is '${target}'`
    const hint = 'use one name in both files'
    report(fileError({ rule: 'E051', file: file.file, line: ddl.line, sentence, hint }))
  }
  return ddl
}

const ONE_CREATE_TABLE = { missing: 'the file has no CREATE TABLE', hint: 'write one CREATE TABLE' }

/** By table key: of each table the files of the last folder that has some. Reports folders of no table. */
export async function readAuditFiles(folders: readonly string[], keys: readonly string[], report: Report) {
  const found = new Map<string, readonly SqlFile[]>()
  for (const [key, root] of await keyFolders(folders, { what: 'audits', keys }, report))
    if (keys.includes(key)) found.set(key, await readSqlFiles(root, `audits/${key}`))
  return found
}

/** Undefined for a file that is wrong, which is reported. `known`: the parameters of the table's transform. */
function auditOf(
  { file, text }: SqlFile,
  { target, known }: { readonly target: string; readonly known: Parameters },
  report: Report,
): SqlText | undefined {
  throwHeaderError(file, text, report)
  const sql = attempt(report, () => onlySelect(file, text, report, 'audit'))
  if (sql === undefined) return undefined
  reportOutside(sql, [], report)
  checkedParameters(sql, known, report)
  if (tablesRead(sql, 'target').has(target)) return sql
  const sentence = `the audit does not read '${target}', the table of its folder`
  const hint = `write {target:Identifier}.${target}`
  report(fileError({ rule: 'E017', file, line: sql.line, sentence, hint }))
  return undefined
}
