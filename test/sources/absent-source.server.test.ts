// Owns the promise that blocks wait for a sparse source that has not been loaded at all.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { environmentFor } from '../support/cli.ts'
import { backfillInside } from '../support/inside.ts'
import { post, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

const catalogue = await readCatalogue(SQL_FOLDER)
const LOADED = catalogue.sources
  .map(({ table }) => table.replace('canonical_execution_', ''))
  .filter((table) => table !== 'contracts')

let server: TestServer
const databases = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, catalogue, databases.source)
})
afterAll(() => server?.stop())

const run = (words: string) =>
  backfillInside(`${words} --tables address_diffs`.split(' '), {
    ...environmentFor(server, databases),
    BACKFILL_LAG: '0',
  })

/** Blocks without contracts, of so many transactions each. */
async function addWithoutContracts(from: number, to: number, transactions: number) {
  await addBlocks(server, databases.source, { from, to, tables: LOADED })
  await post(
    server,
    `INSERT INTO {source:Identifier}.canonical_execution_transaction
      (updated_date_time, meta_network_name, block_number, transaction_index, transaction_hash, from_address, success)
     SELECT '2026-01-01 00:00:00', 'mainnet', {from:UInt64} + number % {blocks:UInt64}, 1 + intDiv(number, {blocks:UInt64}),
       concat('0x', lower(hex(SHA256(concat('more', toString(number)))))), '0x01', true
     FROM numbers({rows:UInt64})`,
    { source: databases.source, from, blocks: to - from + 1, rows: (to - from + 1) * (transactions - 1) },
  )
}

test('on a quiet chain a sparse source may have no rows; on a busy one all blocks wait for it, and it is named', async () => {
  await addWithoutContracts(1, 30, 2)
  const quiet = await run('up')
  expect(quiet.code, quiet.stderr).toBe(0)
  expect(quiet.stderr).toContain('1-30  30 rows')
  expect(quiet.stderr).not.toContain('contracts')

  await addWithoutContracts(2001, 2030, 25)
  const busy = await run('up')
  expect(busy.stderr).toContain(
    'canonical_execution_contracts has no rows of this network, although the chain is busy',
  )
  expect(busy.stdout).toContain('Nothing to do')
  const { stdout } = await run('status --json')
  const [table] = (JSON.parse(stdout) as { tables: readonly Record<string, unknown>[] }).tables
  expect(table).toMatchObject({ state: 'waiting', missing_blocks: 0, covered: [[1, 30]] })
  expect(table!['notes']).toEqual([expect.stringContaining('canonical_execution_contracts has no rows')])

  await addBlocks(server, databases.source, { from: 2001, to: 2001, tables: ['contracts'] })
  const loaded = await run('up')
  expect(loaded.code).toBe(0)
  expect(loaded.stdout).toMatch(/30 blocks/)
})

test('a source database that does not exist is named with its variable, and no file is blamed', async () => {
  const env = { ...environmentFor(server, databases), SOURCE_CLICKHOUSE_DATABASE: 'nowhere-to-be' }
  const { code, stderr } = await backfillInside(['up'], env)
  expect(code).toBe(2)
  expect(stderr).not.toContain('rejects this transform')
  expect(stderr).toContain('backfill: the source database `nowhere-to-be` does not exist on http://')
  expect(stderr).toContain('SOURCE_CLICKHOUSE_DATABASE')
})
