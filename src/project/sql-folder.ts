// Owns reading the SQL folders: from files on disk to a checked catalogue. Needs no server.
import { join } from 'node:path'
import { fileError, usageError, attempt, refuse, type Report, knownNames } from '../model/errors.ts'
import type { Catalogue, Network, SqlText } from '../model/model.ts'
import { checkedParameters, type Parameters } from '../sql-syntax/parameters.ts'
import { readAuditFiles, sourceDefinition, tableDrafts } from './definitions.ts'
import { throwHeaderError } from './header.ts'
import { reportOutside } from '../sql-syntax/outside.ts'
import { splitStatements } from '../sql-syntax/statements.ts'
import { parseNetworks } from './networks-file.ts'
import { PROGRAM_SQL } from '../package-folder.ts'
import {
  layeredFiles,
  namesOf,
  readFolderFile,
  readSqlFiles,
  shown,
  type SqlFile,
  unreadable,
} from './sql-files.ts'

export { chooseTables, findNetwork } from '../model/choose.ts'

/**
 * The tables, sources and networks of these SQL folders, checked offline; a later folder counts over an earlier one. The ledger, and the sources
 * and networks that no folder has, are this package's. Throws a usage error with file and line for the first error.
 */
export async function readCatalogue(...folders: readonly string[]): Promise<Catalogue> {
  return (await readFolders(folders, refuse)).catalogue
}

/** Of the file beside `<table>.sql` that says how far the source is complete. */
const READY = '.ready'

/** Reports every error. `drafts`: all tables, in dependency order. Throws if a folder cannot be read, or has no table, unless it `mayBeEmpty`. */
export async function readFolders(folders: readonly string[], report: Report, { mayBeEmpty = false } = {}) {
  const roots = [...new Set([PROGRAM_SQL, ...folders])]
  for (const root of folders) await namesOf(root, root).catch((error: unknown) => unreadable(root, error))
  const [ddl, transforms, source, ledger, clusterLedger, networks] = await Promise.all([
    layeredFiles(folders, 'ddl'),
    layeredFiles(folders, 'transforms'),
    layeredFiles(roots, 'source'),
    readSqlFiles(PROGRAM_SQL, 'ledger'),
    readSqlFiles(PROGRAM_SQL, 'ledger/cluster'),
    readNetworks(roots, report),
  ])
  const last = folders.at(-1)
  if (last !== undefined && transforms.length === 0 && !mayBeEmpty)
    throw usageError(
      `${shown(last)} has no table: there is no .sql file in ${shown(join(last, 'transforms'))}`,
      '`backfill new <table>` writes the files of one; `backfill info` shows which folder is used, and why',
    )
  const tried = <Value>(files: readonly SqlFile[], read: (file: SqlFile) => readonly Value[]) =>
    files.flatMap((file) => attempt(report, () => read(file)) ?? [])
  const { ready = [], described = [] } = Object.groupBy(source, ({ key }) =>
    key.endsWith(READY) ? 'ready' : 'described',
  )
  for (const { key, file } of ready) {
    const [table, names] = [key.slice(0, -READY.length), described.map((one) => one.key)]
    if (names.includes(table)) continue
    const sentence = `there is no source file '${table}.sql'`
    report(fileError({ rule: 'E015', file, sentence, hint: knownNames('source files', table, names) }))
  }
  const sources = tried(described, (file) => [
    sourceDefinition(
      file,
      ready.find(({ key }) => key === file.key + READY),
      report,
    ),
  ])
  const keys = transforms.map(({ key }) => key)
  const audits = await readAuditFiles(folders, keys, report)
  const drafts = tableDrafts({ transforms, ddl, networks, sources, audits }, report)
  const catalogue: Catalogue = {
    tables: drafts.flatMap(({ definition }) => definition ?? []),
    sources,
    networks: networks ?? [],
    ledger: tried(ledger, (file) => statements(file, { ledger: 'Identifier', locks: 'Identifier' }, report)),
    clusterLedger: tried(clusterLedger, (file) =>
      statements(file, { ledger: 'Identifier', locks: 'Identifier', keeper_path: 'String' }, report),
    ),
  }
  return { catalogue, drafts }
}

/** A later folder's file counts over an earlier one's, key by key. Undefined if a file is wrong. */
async function readNetworks(roots: readonly string[], report: Report) {
  const networks = new Map<string, Network>()
  let isWrong = false
  for (const root of roots) {
    const path = join(root, 'networks.json')
    const read = await readFolderFile(root, path).catch((error: unknown) =>
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : unreadable(path, error),
    )
    if (read === undefined) continue
    const layer = attempt(report, () => parseNetworks(shown(path), read.text, networks))
    isWrong ||= layer === undefined
    for (const network of layer ?? []) networks.set(network.name, network)
  }
  return isWrong ? undefined : [...networks.values()]
}

/** The statements that generate the sample chain, in order. They use `{source:Identifier}` and `{network:String}`. */
export async function readDemo(): Promise<readonly SqlText[]> {
  const files = await readSqlFiles(PROGRAM_SQL, 'demo')
  return files.flatMap((file) => statements(file, { source: 'Identifier', network: 'String' }))
}

function statements({ file, text }: SqlFile, known: Parameters, report: Report = refuse): readonly SqlText[] {
  throwHeaderError(file, text, report)
  const found = splitStatements(file, text)
  for (const statement of found) {
    reportOutside(statement, [], report)
    checkedParameters(statement, known, report)
  }
  return found
}
