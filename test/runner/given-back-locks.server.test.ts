// Owns that a run which fails gives its locks back: a process that lives on, as one that uses the library, holds none.
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { post, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER } from '../support/workspace.ts'

const TABLE = 'block_slots_stat'

let server: TestServer
let source: string
beforeAll(async () => {
  server = await startTestServer()
  source = uniqueDatabase('source')
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  await addBlocks(server, source, { from: 1, to: 20 })
})
afterAll(() => server?.stop())

test('a run whose checkpoints are refused fails, and gives its lock back', async () => {
  const workspace = await openTestWorkspace({ server, source, tables: [TABLE] })
  onTestFinished(() => workspace.close())
  await workspace.up({ to: 10 })
  const { ledger } = workspace
  await post(
    server,
    "ALTER TABLE {ledger:Identifier}.ledger ADD CONSTRAINT only_blocks CHECK event != 'checkpoint'",
    { ledger },
  )
  const { failed } = await workspace.up()
  expect(failed.map(({ error }) => error.message)).toEqual([expect.stringContaining('only_blocks')])
  const holders = await workspace.workspace.ports.locks.holders()
  expect(holders.get(TABLE)?.released).toBe(true)
})
