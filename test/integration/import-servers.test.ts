// Owns the promises of `import` about where rows may go, and which rights that takes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/files/sql-folder.ts'
import { backfillHere, environmentFor, expectOneMessage } from '../support/cli.ts'
import { exportFiles } from '../support/public-files.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { startWithUsers } from '../support/users.ts'
import { SQL_FOLDER } from '../support/world.ts'

const catalogue = await readCatalogue(SQL_FOLDER)
const DATABASES = { source: 'xatu', target: 'derived', ledger: 'ledger' }
const WORDS = ['import', '--network', 'sepolia', '--from', '1000', '--to', '2999']

/** What docs/importing.md says that an import needs. */
const GRANTS = [
  'GRANT CREATE DATABASE, CREATE TABLE, SELECT, INSERT, ALTER DELETE ON xatu.*',
  'GRANT CREATE DATABASE, CREATE TABLE, SELECT, INSERT ON ledger.*',
  'GRANT CREATE DATABASE, CREATE TABLE, DROP TABLE, ALTER MODIFY COMMENT ON ledger_locks.*',
  'GRANT SELECT ON system.processes',
  'GRANT SELECT ON system.query_log',
  'GRANT SELECT ON system.mutations',
  'GRANT TABLE ENGINE ON MergeTree, TABLE ENGINE ON ReplacingMergeTree, TABLE ENGINE ON Null',
]

let other: TestServer
let folder: string
beforeAll(async () => {
  other = await startTestServer()
  folder = mkdtempSync(join(tmpdir(), 'backfill-public-'))
  await createSourceTables(other, catalogue, 'xatu')
  await addBlocks(other, 'xatu', { from: 1000, to: 2999, network: 'sepolia' })
  const tables = catalogue.sources.map(({ table }) => table)
  await exportFiles(other, { folder, source: 'xatu', network: 'sepolia', tables, firsts: [1000, 2000] })
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await other?.stop()
})

test('an import needs the rights to write the source tables, and none to read files or addresses', async () => {
  const server = await startWithUsers({ importer: { grants: GRANTS } })
  const limited = { ...server, username: 'importer', password: 'secret' }
  const env = { ...environmentFor(limited, DATABASES), BACKFILL_IMPORT_FOLDER: folder }
  const { code, stdout, stderr } = await backfillHere(WORDS, { env })
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/^Done: 18 chunks/)
})

test('a source that is another server is refused: rows, lock and ledger have to be in one place', async () => {
  const server = await startWithUsers({})
  const ended = await backfillHere(WORDS, {
    env: {
      ...environmentFor(server, DATABASES),
      BACKFILL_IMPORT_FOLDER: folder,
      SOURCE_CLICKHOUSE_URL: other.url,
      SOURCE_CLICKHOUSE_USERNAME: other.username,
      SOURCE_CLICKHOUSE_PASSWORD: other.password,
    },
  })
  expect(ended.code).toBe(2)
  expect(expectOneMessage(ended)).toMatch(/source and target are two servers \(http:\S+, http:\S+\)$/)
})
