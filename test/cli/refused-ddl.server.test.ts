// Owns the promise that a table which the server does not create stops itself, and not the run.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfill, environmentFor } from '../support/cli.ts'
import { editedFolder } from '../support/edited-folder.ts'
import { startTestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

test('a table whose DDL the server refuses stops itself and what reads it, not the others', async () => {
  const server = await startTestServer()
  onTestFinished(() => server.stop())
  const source = uniqueDatabase('source')
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  await addBlocks(server, source, { from: 1, to: 40 })
  const folder = editedFolder('ddl/address_diffs.sql', (text) =>
    text.replace('CODEC(ZSTD(1))', 'CODEC(ZSTD(99))'),
  )
  const databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const env = { ...environmentFor(server, databases), BACKFILL_LAG: '0', BACKFILL_SQL: folder }
  const words = ['up', '--tables', '+accounts_alive,block_slots_stat']

  const { code, stdout, stderr } = await backfill(words, { env })
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /^backfill: address_diffs: .*address_diffs\.sql: ZSTD codec can't have level more than 22/m,
  )
  expect(stderr).not.toMatch(/address_diffs {2}created/)
  expect(stderr).toMatch(/accounts_alive .*input address_diffs failed/)
  expect(stdout).toMatch(/1 table failed; done: /)

  // An input that was not chosen is nobody's misfit: its error ends the run.
  const alone = await backfill(['up', '--tables', 'accounts_alive'], { env })
  expect(alone.code).toBe(1)
  expect(alone.stderr).toContain("ZSTD codec can't have level more than 22")

  const ddl = join(folder, 'ddl/address_diffs.sql')
  writeFileSync(ddl, readFileSync(ddl, 'utf8').replace('ZSTD(99)', 'ZSTD(1)'))
  expect((await backfill(words, { env })).code).toBe(0)
})
