// Owns the promise that long statements end done through proxies that cut idle connections.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { type IdleProxy, startIdleProxy } from '../support/idle-proxy.ts'
import { rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER } from '../support/workspace.ts'

const TABLE = 'block_slots_stat'
const BLOCKS = 5

/** By hand: BACKFILL_TEST_LONG_SECONDS=600 BACKFILL_TEST_IDLE_SECONDS=60. The default keeps the suite short. */
const SECONDS = Number(process.env['BACKFILL_TEST_LONG_SECONDS'] ?? 16)
const IDLE_SECONDS = Number(process.env['BACKFILL_TEST_IDLE_SECONDS'] ?? 12)
const TIMEOUT = { timeout: (3 * SECONDS + 60) * 1000 }

let catalogue: Catalogue
let server: TestServer
let proxy: IdleProxy
beforeAll(async () => {
  catalogue = await readCatalogue(SQL_FOLDER)
  server = await startTestServer()
  proxy = await startIdleProxy(server.url, IDLE_SECONDS * 1000)
})
afterAll(async () => {
  await proxy?.close()
  await server?.stop()
})

/** Runs the table through the proxy with `slow` wrapped around its transform; returns its failed tries. */
async function run(slow: (transform: string) => string): Promise<number> {
  const source = uniqueDatabase('source')
  await createSourceTables(server, catalogue, source)
  await addBlocks(server, source, { from: 1, to: BLOCKS })
  const tables = catalogue.tables.map((table) =>
    table.key === TABLE
      ? {
          ...table,
          settings: { function_sleep_max_microseconds_per_block: '0', max_block_size: '1' },
          transform: { ...table.transform, text: slow(table.transform.text) },
        }
      : table,
  )
  const workspace = await openTestWorkspace({
    server: { ...server, url: proxy.url },
    source,
    tables: [TABLE],
    catalogue: { ...catalogue, tables },
  })
  const summary = await workspace.up()
  await workspace.close()
  expect(summary).toMatchObject({ failed: [], chunks: 1, blocks: BLOCKS })
  expect(summary.elapsedMs).toBeGreaterThan(SECONDS * 900)
  const rows = await rowsOf(server, `SELECT count() AS rows FROM {target:Identifier}.int_${TABLE}`, {
    target: workspace.target,
  })
  expect(rows).toEqual([{ rows: BLOCKS }])
  return workspace.events.filter(({ type }) => type === 'chunk-failed').length
}

test.concurrent(
  `a statement that reads for ${SECONDS} s keeps a connection alive that may idle for ${IDLE_SECONDS} s`,
  TIMEOUT,
  async () => {
    const failed = await run(
      (text) =>
        `SELECT * FROM (${text}\n) WHERE block_number NOT IN (SELECT number + 1000 FROM numbers(${SECONDS}) WHERE sleepEachRow(1) = 0)`,
    )
    expect(failed).toBe(0)
  },
)

test.concurrent(
  `a statement that says nothing for ${SECONDS} s is cut off once, then runs to its end and is found in query_log`,
  TIMEOUT,
  async () => {
    const failed = await run(
      (text) => `SELECT * FROM (${text}\n) WHERE sleepEachRow(${SECONDS / BLOCKS}) = 0`,
    )
    expect(failed).toBe(1)
  },
)
