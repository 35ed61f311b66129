// Owns putting tables and sources together from the texts of their files.
import { usageError } from '../runner/errors.ts'
import type { Network, SourceDefinition, SqlText, TableDefinition } from '../runner/model.ts'
import { ddlTable } from '../runner/pure/ddl-columns.ts'
import { dependencyOrder } from '../runner/pure/graph.ts'
import { refuseHeader, sourceHeader, transformHeader, type TransformHeader } from '../runner/pure/header.ts'
import { knownNames } from '../runner/pure/nearest.ts'
import { checkedParameters, transformParameters } from '../runner/pure/parameters.ts'
import { sharedStep } from '../runner/pure/shared-step.ts'
import { splitStatements } from '../runner/pure/statements.ts'
import { onlySelect, tablesRead } from '../runner/pure/transform-statement.ts'
import { isLockName } from './lock-names.ts'
import { sha256, sqlHash } from './sql-hash.ts'

/** An `.sql` file: `key` is its name without the ending, `file` its path as shown to people. */
export type SqlFile = {
  readonly key: string
  readonly file: string
  readonly bytes: Uint8Array
  readonly text: string
}

type TableFiles = {
  readonly transforms: readonly SqlFile[]
  readonly ddl: readonly SqlFile[]
  readonly networks: readonly Network[]
}

/** All tables in dependency order. Throws a usage error with file and line for the first thing that is wrong. */
export function tableDefinitions({ transforms, ddl, networks }: TableFiles): readonly TableDefinition[] {
  const forks = [...new Set(networks.flatMap((network) => Object.keys(network.forks)))]
  const ddlByKey = new Map(ddl.map((file) => [file.key, file]))
  const tables = transforms.map((file) => tableDefinition(file, ddlByKey.get(file.key), forks))
  const orphan = ddl.find((file) => !transforms.some(({ key }) => key === file.key))
  if (orphan !== undefined) {
    throw usageError(
      `${orphan.file}: nothing fills this table`,
      `add transforms/${orphan.key}.sql or remove the file`,
    )
  }
  for (const [index, table] of tables.entries()) {
    const rival = tables.slice(0, index).find(({ target }) => target === table.target)
    if (rival === undefined) continue
    throw usageError(
      `${table.transform.file}: target '${table.target}' is already filled by ${rival.transform.file}`,
      'give each table a target of its own',
    )
  }
  const ordered = dependencyOrder(tables)
  for (const table of ordered) checkReads(table, ordered)
  return ordered
}

/** Throws a usage error with file and line unless the file is a header and one CREATE TABLE. */
export function sourceDefinition(file: SqlFile): SourceDefinition {
  const { density } = sourceHeader(file.file, file.text)
  const ddl = onlyCreateTable(file)
  checkedParameters(ddl, { source: 'Identifier' })
  return { table: ddlTable(ddl), density, ddl }
}

function tableDefinition(
  file: SqlFile,
  ddlFile: SqlFile | undefined,
  forks: readonly string[],
): TableDefinition {
  if (!isLockName(file.key)) {
    throw usageError(
      `${file.file}: '${file.key}' is no table key`,
      'use lower-case letters, digits and single _',
    )
  }
  if (ddlFile === undefined) {
    throw usageError(`${file.file}: the table has no DDL`, `add ddl/${file.key}.sql with its CREATE TABLE`)
  }
  const header = transformHeader(file.file, file.text)
  const transform = onlySelect(file.file, splitStatements(file.file, file.text))
  const parameters = checkedParameters(
    transform,
    transformParameters(file.file, { forks, own: header.params }),
  )
  checkBounds(transform, header, parameters)
  checkForks(file.file, header, forks)
  sharedStep({ ...header, transform }) // throws where there is no such step
  return {
    key: file.key,
    ...header,
    transform,
    ddl: targetDdl(ddlFile, header.target),
    parameters,
    sqlHash: sqlHash(transform, header),
    rawHash: sha256(file.bytes),
    rawText: file.text,
  }
}

function targetDdl(file: SqlFile, target: string): SqlText {
  refuseHeader(file.file, file.text)
  const ddl = onlyCreateTable(file)
  checkedParameters(ddl, { target: 'Identifier' })
  const table = ddlTable(ddl)
  if (table === target) return ddl
  throw usageError(
    `${file.file}:${ddl.line}: the DDL creates '${table}', but the transform's target is '${target}'`,
    'use one name in both files',
  )
}

function onlyCreateTable({ file, text }: SqlFile): SqlText {
  const [ddl, second] = splitStatements(file, text)
  if (ddl === undefined) throw usageError(`${file}: the file has no CREATE TABLE`, 'write one CREATE TABLE')
  if (second === undefined) return ddl
  throw usageError(`${file}:${second.line}: a second statement begins here`, 'write one CREATE TABLE')
}

/** Without these parameters a chunk would compute all of history, or rows of other networks. */
function checkBounds(transform: SqlText, header: TransformHeader, used: readonly string[]): void {
  const needed = [
    'from_block',
    'to_block',
    ...(header.sources.length > 0 ? ['source', 'network'] : []),
    ...(header.after.length > 0 ? ['target'] : []),
  ]
  const lacking = needed.find((name) => !used.includes(name))
  if (lacking === undefined) return
  const types: Record<string, string> = { network: 'String', source: 'Identifier', target: 'Identifier' }
  throw usageError(
    `${transform.file}:${transform.line}: the transform never uses '${lacking}'`,
    `use {${lacking}:${types[lacking] ?? 'UInt64'}}`,
  )
}

function checkForks(file: string, { blocks }: TransformHeader, forks: readonly string[]): void {
  const unknown = [blocks.from?.fork, blocks.to?.fork].find(
    (fork) => fork !== undefined && !forks.includes(fork),
  )
  if (unknown === undefined) return
  throw usageError(`${file}: blocks: no network has a fork '${unknown}'`, knownNames('forks', unknown, forks))
}

/** A table that is read without being named bounds nothing: rows would be computed before its data is there. */
function checkReads(table: TableDefinition, tables: readonly TableDefinition[]): void {
  const { transform, sources, after } = table
  const targets = tables.filter(({ key }) => after.includes(key)).map(({ target }) => target)
  const refuse = (read: ReadonlyMap<string, number>, named: readonly string[], key: string) => {
    for (const [name, line] of read) {
      if (named.includes(name)) continue
      throw usageError(
        `${transform.file}:${line}: reads '${name}', which '${key}' does not name`,
        `add it to --! ${key}`,
      )
    }
  }
  refuse(tablesRead(transform, 'source'), sources, 'sources')
  refuse(tablesRead(transform, 'target'), targets, 'after')
}
