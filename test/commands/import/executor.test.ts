// Owns the promise what an error means for the import of a file: the server has no memory for it now, the file cannot be
// read, or something else is wrong.
import { Readable } from 'node:stream'
import { ClickHouseError } from '@clickhouse/client'
import { expect, test } from 'vitest'
import { openServer } from '../../../src/clickhouse/server.ts'
import { openImportExecutor } from '../../../src/commands/import/executor.ts'
import { readImports } from '../../../src/commands/import/sql.ts'
import { findNetwork, readCatalogue } from '../../../src/project/sql-folder.ts'
import { answeringWire } from '../../support/simulated.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

const catalogue = await readCatalogue(SQL_FOLDER)
const tables = await readImports(SQL_FOLDER, catalogue.sources)
const connection = {
  side: 'target',
  url: 'http://db',
  username: 'ann',
  password: '',
  database: 'src',
} as const

/** Imports one file of the first table; the server answers its INSERT with an error of that code. */
async function importing(code: number): Promise<unknown> {
  answeringWire((query) => {
    if (query.startsWith('INSERT')) throw new ClickHouseError({ code: String(code), message: 'it failed' })
    return query.startsWith('DESCRIBE')
      ? [{ name: 'block_number', type: 'UInt64' }]
      : [{ version: '26.7', identity: 'one', changed: [] }]
  })
  const [table] = tables
  const file = {
    name: '1.parquet',
    bytes: 4,
    columns: new Set(table!.fileColumns.map(({ name }) => name)),
    rows: 1,
    read: () => Readable.from(['PAR1']),
    close: async () => {},
  }
  const executor = openImportExecutor({
    server: await openServer(connection),
    names: { ledger: 'backfill', locks: 'backfill_locks' },
    network: findNetwork(catalogue, 'mainnet'),
    tables,
    files: { look: async () => undefined, fetch: async () => file },
  })
  const lock = {
    key: table!.key,
    name: `mainnet__${table!.key}__00000000000000000001`,
    epoch: 1,
    inherited: false,
    nextSeq: () => 1,
    renew: async () => {},
    release: async () => {},
  }
  const job = {
    table: table!,
    range: { from: 0, to: 999 },
    targetUuid: '',
    queryId: 'q1',
    lock,
    progress: true,
  }
  return await executor.insert(job).catch((error: unknown) => error)
}

test('a file for which the server has no memory now is tried again whole, under its true code', async () => {
  expect(await importing(241)).toMatchObject({ code: 241, retry: 'retry', rangeOnly: true })
})

test.each([6, 33, 117, 636, 1001])('a file that cannot be read (code %i) fails alone', async (code) => {
  expect(await importing(code)).toMatchObject({ kind: 'failed', code, retry: 'stop', rangeOnly: true })
})

test('what is about no file keeps its decision, and says which file and query', async () => {
  expect(await importing(252)).toMatchObject({ code: 252, retry: 'retry', rangeOnly: false })
  expect(await importing(60)).toMatchObject({
    retry: 'stop',
    rangeOnly: false,
    message: 'ClickHouse (target http://db) failed while importing 1.parquet (query q1): it failed (code 60)',
  })
})
