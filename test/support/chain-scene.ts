// Owns the set-up of tests that run commands over a small chain: a server for the file, databases and blocks for each test.
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { environmentFor } from './cli.ts'
import { backfillInside } from './inside.ts'
import { startTestServer, type TestServer, uniqueDatabase } from './server.ts'
import { addBlocks, createSourceTables } from './small-chain.ts'
import { SQL_FOLDER } from './workspace.ts'

type Databases = { readonly source: string; readonly target: string; readonly ledger: string }

/** The source has blocks 1 to 20. To be called once, at the top of the file. */
export async function chainScene() {
  const catalogue = await readCatalogue(SQL_FOLDER)
  let server: TestServer
  let databases: Databases
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server?.stop())
  beforeEach(async () => {
    databases = {
      source: uniqueDatabase('source'),
      target: uniqueDatabase('target'),
      ledger: uniqueDatabase('ledger'),
    }
    await createSourceTables(server, catalogue, databases.source)
    await addBlocks(server, databases.source, { from: 1, to: 20 })
  })
  return {
    catalogue,
    server: () => server,
    databases: () => databases,
    /** A command line, words by blanks, at lag 0. */
    run: (words: string) =>
      backfillInside(words.split(' '), { ...environmentFor(server, databases), BACKFILL_LAG: '0' }),
  }
}
