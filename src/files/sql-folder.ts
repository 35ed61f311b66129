// Owns reading the SQL folder: files from disk to a checked catalogue. Nothing here talks to a server.
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { usageError } from '../runner/errors.ts'
import type { Catalogue, SqlText } from '../runner/model.ts'
import { checkedParameters, type Parameters } from '../runner/pure/parameters.ts'
import { refuseHeader } from '../runner/pure/header.ts'
import { splitStatements } from '../runner/pure/statements.ts'
import { parseNetworks } from './networks-file.ts'
import { sourceDefinition, tableDefinitions, type SqlFile } from './definitions.ts'

export { chooseTables, findNetwork } from '../runner/pure/choose.ts'

/**
 * Reads `ddl`, `transforms`, `source`, `ledger` and `networks.json` in a folder and checks
 * all of it offline. Throws a usage error that names file and line for the first thing that is wrong.
 */
export async function readCatalogue(folder: string): Promise<Catalogue> {
  const networksFile = join(folder, 'networks.json')
  const [ddl, transforms, source, ledger, upgrade, networksText] = await Promise.all([
    readSqlFiles(join(folder, 'ddl')),
    readSqlFiles(join(folder, 'transforms')),
    readSqlFiles(join(folder, 'source')),
    readSqlFiles(join(folder, 'ledger')),
    readSqlFiles(join(folder, 'ledger', 'upgrade'), { optional: true }),
    readFile(networksFile, 'utf8').catch((error: unknown) => unreadable(networksFile, error)),
  ])
  const networks = parseNetworks(shown(networksFile), networksText)
  return {
    tables: tableDefinitions({ transforms, ddl, networks }),
    sources: source.map(sourceDefinition),
    networks,
    ledger: ledger.flatMap((file) => statements(file, { ledger: 'Identifier', locks: 'Identifier' })),
    ledgerUpgrade: upgrade.flatMap((file) => statements(file, { ledger: 'Identifier' })),
  }
}

/**
 * The statements in `demo` that generate the sample chain, in order; a folder without `demo` has none. They use
 * `{source:Identifier}` and `{network:String}`. Throws as `readCatalogue` does.
 */
export async function readDemo(folder: string): Promise<readonly SqlText[]> {
  const files = await readSqlFiles(join(folder, 'demo'), { optional: true })
  return files.flatMap((file) => statements(file, { source: 'Identifier', network: 'String' }))
}

function statements({ file, text }: SqlFile, known: Parameters): readonly SqlText[] {
  refuseHeader(file, text)
  const found = splitStatements(file, text)
  for (const statement of found) checkedParameters(statement, known)
  return found
}

/** The `.sql` files of a folder by name; sub-folders and other files are nobody's business here. */
async function readSqlFiles(folder: string, { optional = false } = {}): Promise<readonly SqlFile[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (optional && (error as NodeJS.ErrnoException).code === 'ENOENT') return []
    return unreadable(folder, error)
  })
  const sqlNames = names.filter((name) => name.endsWith('.sql') && !name.startsWith('.')).toSorted()
  return Promise.all(
    sqlNames.map(async (name) => {
      const path = join(folder, name)
      const bytes = await readFile(path).catch((error: unknown) => unreadable(path, error))
      return { key: name.slice(0, -'.sql'.length), file: shown(path), bytes, text: bytes.toString('utf8') }
    }),
  )
}

function unreadable(path: string, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException
  const why = code === 'ENOENT' ? 'it does not exist' : (code ?? String(error))
  throw usageError(
    `cannot read ${shown(path)} of the SQL folder: ${why}`,
    'name the folder with --sql <folder> or BACKFILL_SQL',
  )
}

/** A path as people want to read it: relative to the working directory where that is shorter. */
function shown(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere !== '' && fromHere.length < path.length ? fromHere : path
}
