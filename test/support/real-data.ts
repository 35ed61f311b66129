// Owns the real mainnet rows and expected tables of ../shared/real: whether they are there, and loading them.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { Catalogue } from '../../src/model/model.ts'
import { post, type TestServer } from './server.ts'

const FOLDER = fileURLToPath(new URL('../../../shared/real', import.meta.url))

/** Undefined where the folder is there; else why the tests that need it are skipped. */
export const MISSING_REAL_DATA = existsSync(FOLDER)
  ? undefined
  : `skipped: ${FOLDER} is absent (it is not part of the repository)`

/** Creates the nine source tables in `database` and fills them; duplicates stay separate rows until FINAL. */
export async function loadRealSource(
  server: TestServer,
  catalogue: Catalogue,
  database: string,
): Promise<void> {
  await post(server, 'CREATE DATABASE IF NOT EXISTS {source:Identifier}', { source: database })
  for (const { ddl } of catalogue.sources) await post(server, ddl.text, { source: database })
  for (const [table, rows] of filesIn('source'))
    await post(
      server,
      `INSERT INTO {db:Identifier}.{table:Identifier} SETTINGS optimize_on_insert = 0 FORMAT JSONEachRow\n${rows}`,
      {
        db: database,
        table,
      },
    )
}

/** Creates the eleven derived tables in `database` with the content they must have. */
export async function loadExpected(
  server: TestServer,
  catalogue: Catalogue,
  database: string,
): Promise<void> {
  await post(server, 'CREATE DATABASE IF NOT EXISTS {target:Identifier}', { target: database })
  for (const { ddl } of catalogue.tables) await post(server, ddl.text, { target: database })
  for (const [table, rows] of filesIn('expected'))
    await post(server, `INSERT INTO {db:Identifier}.{table:Identifier} FORMAT JSONEachRow\n${rows}`, {
      db: database,
      table,
    })
}

function filesIn(folder: string): [table: string, rows: string][] {
  return readdirSync(join(FOLDER, folder)).map((file) => {
    const bytes = readFileSync(join(FOLDER, folder, file))
    return [file.split('.')[0]!, (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')]
  })
}
