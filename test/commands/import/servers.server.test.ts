// Owns the promises of `import` about where rows may go, which rights that takes, and that rows come out of files as they went in.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor, expectOneMessage } from '../../support/cli.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { exportFiles, publicPath } from '../../support/public-files.ts'
import { loadRealSource, MISSING_REAL_DATA } from '../../support/real-data.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { startWithUsers } from '../../support/users.ts'
import { differences, SQL_FOLDER } from '../../support/workspace.ts'

const catalogue = await readCatalogue(SQL_FOLDER)
const SOURCES = catalogue.sources.map(({ table }) => table)
const DATABASES = { source: 'xatu', target: 'derived', ledger: 'ledger' }
const WORDS = ['import', '--network', 'sepolia', '--from', '1000', '--to', '2999']

/** What docs/how-to/importing.md says that an import needs. */
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
  await exportFiles(other, {
    folder,
    source: 'xatu',
    network: 'sepolia',
    tables: SOURCES,
    firsts: [1000, 2000],
  })
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
  expect(stdout).toMatch(/^\S+Z Done: 18 chunks/)
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

test('real mainnet rows come out of files as they went in', async ({ skip }) => {
  if (MISSING_REAL_DATA !== undefined) skip(MISSING_REAL_DATA)
  const databases = { ...DATABASES, source: uniqueDatabase('imported'), ledger: uniqueDatabase('ledger') }
  const env = environmentFor(other, databases)
  const [own, real] = [temporaryDirectory(), uniqueDatabase('real')]
  await loadRealSource(other, catalogue, real)
  const blocks = await rowsOf<{ first: number }>(
    other,
    `SELECT intDiv(block_number, 1000) * 1000 AS first FROM {d:Identifier}.canonical_execution_traces
      WHERE meta_network_name = 'mainnet' GROUP BY first ORDER BY count() DESC LIMIT 2`,
    { d: real },
  )
  const firsts = blocks.map(({ first }) => first)
  await exportFiles(other, { folder: own, source: real, network: 'mainnet', tables: SOURCES, firsts })
  for (const first of firsts) {
    const { code, stderr } = await backfillHere(
      ['import', '--from', String(first), '--network', 'mainnet', '--folder', own],
      { env },
    )
    expect(code, stderr).toBe(0)
  }
  for (const table of SOURCES)
    await post(
      other,
      `DELETE FROM {d:Identifier}.{t:Identifier}
        WHERE meta_network_name != 'mainnet' OR NOT has({f:Array(UInt64)}, intDiv(block_number, 1000) * 1000)`,
      {
        d: real,
        t: table,
        f: `[${firsts.join()}]`,
      },
    )
  expect(await differences(other, SOURCES, { actual: databases.source, expected: real })).toEqual([])
})

test('the SQL file is what a person would run: behind an INSERT, with the file as data', async () => {
  const source = uniqueDatabase('imported')
  const table = 'canonical_execution_traces'
  await createSourceTables(other, catalogue, source)
  const sql = readFileSync(join(SQL_FOLDER, 'import', `${table}.sql`), 'utf8')
  const search = new URLSearchParams({
    query: `INSERT INTO ${source}.${table}\n${sql}\nFORMAT Parquet`,
    param_network: 'sepolia',
    param_from_block: '2000',
    param_to_block: '2999',
    param_has_internal_index: 'true',
  })
  const answer = await fetch(`${other.url}/?${search.toString()}`, {
    method: 'POST',
    body: readFileSync(join(folder, publicPath({ network: 'sepolia', table, first: 2000 }))),
    headers: { 'X-ClickHouse-User': other.username, 'X-ClickHouse-Key': other.password },
  })
  expect(await answer.text()).toBe('')
  expect(await post(other, `SELECT count() FROM ${source}.${table}`)).toBe('1000\n')
})
