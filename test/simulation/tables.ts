// Owns the three tables that histories build, and opening a workspace on the simulated server, as the program does.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Catalogue } from '../../src/model/model.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Workspace } from '../../src/runner/workspace.ts'
import { type Connected, connectWorkspace } from '../../src/workspace/connect.ts'
import type { Key } from './world.ts'

/** The three tables, with the ledger of the house. */
async function readTables(): Promise<Catalogue> {
  const folder = mkdtempSync(join(tmpdir(), 'backfill-simulation-'))
  try {
    cpSync(path('sql'), folder, { recursive: true })
    cpSync(path('../../sql/ledger'), join(folder, 'ledger'), { recursive: true })
    const { ledger, ...read } = await readCatalogue(folder)
    // Nothing of the protocol reads this table: without it, the histories that are kept have the times of the other statements.
    return { ...read, ledger: ledger.filter(({ text }) => !text.includes('}.run_reports')) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

export const catalogue = await readTables()

/** Opens it for these tables, and closes it when `use` has ended. */
export async function withWorkspace<T>(
  tables: readonly Key[],
  use: (workspace: Workspace, connected: Connected) => Promise<T>,
): Promise<T> {
  const login = { url: 'http://simulated:8123', username: 'default', password: '' }
  const { workspace, connected, close } = await connectWorkspace({
    source: { side: 'source', ...login, database: 'src' },
    target: { side: 'target', ...login, database: 'tgt' },
    ledgerDatabase: 'led',
    cluster: undefined,
    network: catalogue.networks[0]!,
    catalogue,
    chosen: catalogue.tables.filter(({ key }) => tables.includes(key as Key)),
    exclusive: false,
    toolVersion: 'test',
  })
  try {
    return await use(workspace, connected)
  } finally {
    await close()
  }
}
