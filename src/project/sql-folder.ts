// Owns reading the SQL folder: from files on disk to a checked catalogue. Needs no server.
import { join } from 'node:path'
import type { Catalogue, SqlText } from '../model/model.ts'
import { checkedParameters, type Parameters } from '../sql-syntax/parameters.ts'
import { throwHeaderError } from './header.ts'
import { reportOutside } from '../sql-syntax/outside.ts'
import { attempt, refuse, type Report } from '../sql-syntax/problems.ts'
import { splitStatements } from '../sql-syntax/statements.ts'
import { sourceDefinition, tableDrafts, type SqlFile } from './definitions.ts'
import { parseNetworks } from './networks-file.ts'
import { readFolderFile, readSqlFiles, shown, unreadable } from './sql-files.ts'

export { chooseTables, findNetwork } from '../model/choose.ts'

/**
 * Reads `ddl`, `transforms`, `source`, `ledger` and `networks.json` in a folder and checks them offline.
 * Throws a usage error with file and line for the first error.
 */
export async function readCatalogue(folder: string): Promise<Catalogue> {
  return (await readFolder(folder, refuse)).catalogue
}

/**
 * The same, but reports every error. `catalogue`: the tables without errors; `drafts`: all, in dependency order.
 * Throws if a file or folder cannot be read.
 */
export async function readFolder(folder: string, report: Report) {
  const networksFile = join(folder, 'networks.json')
  const [ddl, transforms, source, ledger, clusterLedger, upgrade, networksText] = await Promise.all([
    readSqlFiles(folder, 'ddl'),
    readSqlFiles(folder, 'transforms'),
    readSqlFiles(folder, 'source'),
    readSqlFiles(folder, 'ledger'),
    readSqlFiles(folder, 'ledger/cluster', { optional: true }),
    readSqlFiles(folder, 'ledger/upgrade', { optional: true }),
    readFolderFile(folder, networksFile).catch((error: unknown) => unreadable(networksFile, error)),
  ])
  const networks = attempt(report, () => parseNetworks(shown(networksFile), networksText.toString('utf8')))
  const drafts = tableDrafts({ transforms, ddl, networks }, report)
  const tried = <Value>(files: readonly SqlFile[], read: (file: SqlFile) => readonly Value[]) =>
    files.flatMap((file) => attempt(report, () => read(file)) ?? [])
  const catalogue: Catalogue = {
    tables: drafts.flatMap(({ definition }) => definition ?? []),
    sources: tried(source, (file) => [sourceDefinition(file, report)]),
    networks: networks ?? [],
    ledger: tried(ledger, (file) => statements(file, { ledger: 'Identifier', locks: 'Identifier' }, report)),
    clusterLedger: tried(clusterLedger, (file) =>
      statements(file, { ledger: 'Identifier', locks: 'Identifier', keeper_path: 'String' }, report),
    ),
    ledgerUpgrade: tried(upgrade, (file) => statements(file, { ledger: 'Identifier' }, report)),
  }
  return { catalogue, drafts }
}

/**
 * The statements in `demo` that generate the sample chain, in order; a folder without `demo` has none. They use
 * `{source:Identifier}` and `{network:String}`. Throws as `readCatalogue` does.
 */
export async function readDemo(folder: string): Promise<readonly SqlText[]> {
  const files = await readSqlFiles(folder, 'demo', { optional: true })
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
