// Owns the promises about the size and the order of chunks: by what blocks weigh, from either end.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Range } from '../../src/model/blocks.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { planUp } from '../../src/planning/plan.ts'
import type { UpOptions } from '../../src/planning/run-options.ts'
import { status } from '../../src/commands/status/status.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables, OTHER_SOURCES, SLOT_SOURCES } from '../support/small-chain.ts'
import { OPTIONS, openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../support/workspace.ts'

/** Reads storage_diffs and transaction: two rows a block, eleven in the heavy stretch. */
const TABLE = 'block_slots_stat'
const HEAVY = { from: 1000, to: 1999 }

let catalogue: Catalogue
let server: TestServer
let source: string
let workspace: TestWorkspace
beforeAll(async () => {
  catalogue = await readCatalogue(SQL_FOLDER)
  server = await startTestServer()
})
afterAll(() => server?.stop())
beforeEach(async () => {
  source = uniqueDatabase('source')
  await createSourceTables(server, catalogue, source, SLOT_SOURCES)
  await add({ from: 1, to: 3000 })
  await post(
    server,
    `INSERT INTO {source:Identifier}.canonical_execution_storage_diffs
    SELECT diffs.* REPLACE (toUInt32(1 + number) AS internal_index)
    FROM {source:Identifier}.canonical_execution_storage_diffs AS diffs CROSS JOIN numbers(9) AS more
    WHERE block_number BETWEEN {from:UInt64} AND {to:UInt64}`,
    { source, ...HEAVY },
  )
  workspace = await openTestWorkspace({ server, source, tables: [TABLE] })
})
afterEach(() => workspace.close())

const add = (blocks: Range) => addBlocks(server, source, { ...blocks, tables: SLOT_SOURCES })

const plan = (options: Partial<UpOptions>) => planUp(workspace.workspace, { ...OPTIONS, ...options })
const done = () => workspace.events.flatMap((event) => (event.type === 'chunk-done' ? [event.range] : []))

test('a chunk has about as many rows as asked for: many light blocks, few heavy ones', async () => {
  await workspace.up({ chunkRows: 2000, jobs: 1 })
  const rows = await rowsOf<{ blocks: number; rows: number }>(
    server,
    `SELECT toUInt32(range_to - range_from + 1) AS blocks, toUInt32(rows_expected) AS rows
    FROM {ledger:Identifier}.ledger WHERE event = 'done' ORDER BY seq`,
    { ledger: workspace.ledger },
  )
  for (const chunk of rows) expect(chunk.rows).toBeLessThanOrEqual(2500)
  expect(Math.max(...rows.map(({ blocks }) => blocks))).toBeGreaterThanOrEqual(999)
  expect(rows.filter(({ blocks }) => blocks <= 182).length).toBeGreaterThanOrEqual(5)
  expect(rows.reduce((sum, { blocks }) => sum + blocks, 0)).toBe(3000)
  // Two rows a block, nine more in the heavy stretch; half of the bucket below block 1 does not exist.
  expect(rows.reduce((sum, chunk) => sum + chunk.rows, 0)).toBeCloseTo(3000 * 2 + 9000, -2)
})

test('the plan shows the chunks that up then runs, with rows; with times once there were chunks', async () => {
  const [before] = (await plan({ chunkRows: 3000 })).tables
  expect(before).toMatchObject({ missingBlocks: 3000, expectedMs: null })
  expect(before!.expectedRows).toBeCloseTo(15_000, -2)
  await workspace.up({ chunkRows: 3000, jobs: 1, to: before!.chunks[1]!.to })
  expect(done()).toEqual(before!.chunks.slice(0, 2).map(({ from, to }) => ({ from, to })))
  const [after] = (await plan({ chunkRows: 3000 })).tables
  expect(after!.expectedMs).toBeGreaterThan(0)
  expect(after!.chunks[0]!.expectedMs).toBeGreaterThan(0)
})

test('newest first: chunks come from the head down, and the table is the same in the end', async () => {
  await workspace.up({ chunkRows: 4000, order: 'newest', jobs: 1 })
  const ranges = done()
  expect(ranges[0]!.to).toBe(3000)
  expect(ranges.map(({ to }) => to)).toEqual(ranges.map(({ to }) => to).toSorted((a, b) => b - a))
  const [table] = (await status(workspace.workspace, { lag: 0 })).tables
  expect(table).toMatchObject({ state: 'up to date', watermark: 3000, rows: 3000 })
})

test('tables that read others run with them, chunk by chunk, and end complete', async () => {
  await workspace.close()
  await createSourceTables(server, catalogue, source, OTHER_SOURCES)
  await addBlocks(server, source, { from: 1, to: 3000, tables: OTHER_SOURCES })
  const { after } = catalogue.tables.find(({ key }) => key === 'accounts_alive')!
  workspace = await openTestWorkspace({ server, source, tables: [...after, 'accounts_alive'] })
  const { failed } = await workspace.up({ chunkRows: 1500, jobs: 2 })
  expect(failed).toEqual([])
  for (const table of (await status(workspace.workspace, { lag: 0 })).tables)
    expect([table.table, table.missingBlocks]).toEqual([table.table, 0])
  const first = workspace.events.findIndex(
    (event) => event.type === 'chunk-done' && event.table === 'accounts_alive',
  )
  const last = workspace.events.findLastIndex(
    (event) => event.type === 'chunk-done' && event.table === 'address_diffs',
  )
  expect(first).toBeGreaterThan(-1)
  expect(first).toBeLessThan(last)
})

/** The questions about the parts of a source that the query log has, and the most rows that one has read. */
async function looks(): Promise<{ readonly asked: number; readonly read: number }> {
  await post(server, 'SYSTEM FLUSH LOGS query_log')
  const [row] = await rowsOf<{ asked: number; read: number }>(
    server,
    `SELECT toUInt32(count()) AS asked, toUInt32(max(read_rows)) AS read FROM system.query_log
    WHERE type = 'QueryFinish' AND has(tables, {table:String}) AND position(query, 'GROUP BY part') > 0`,
    { table: `${source}.canonical_execution_storage_diffs` },
  )
  return row!
}

test('the plan of a long chain looks at its first rows, and estimates the rest from the data parts', async () => {
  await add({ from: 600_001, to: 600_010 })
  const [whole] = (await planUp(workspace.workspace, OPTIONS)).tables
  const [quick] = (await planUp(workspace.workspace, OPTIONS, 1000)).tables
  expect(whole).toMatchObject({ missingBlocks: 3010, unprobed: [] })
  // The parts do not say that there is a source gap between their blocks.
  expect(quick!.unprobed).toEqual([{ from: 100_000, to: 600_010 }])
  expect(quick!.expectedRows).toBeGreaterThan(whole!.expectedRows * 0.9)
  expect(quick!.expectedRows).toBeLessThan(whole!.expectedRows * 1.1)

  // On a busy server a query comes to the log after its answer.
  await expect.poll(async () => (await looks()).asked, { timeout: 60_000 }).toBeGreaterThan(0)
  // A row for each part, of the sources and of system.parts: the server knows the ends of a part.
  expect((await looks()).read).toBeLessThan(500)
})

test('where parts are not known, the rest of a long chain has as many rows a block as its beginning', async () => {
  await add({ from: 100_001, to: 100_010 })
  for (const name of ['canonical_execution_storage_diffs', 'canonical_execution_transaction'])
    for (const words of [
      `RENAME TABLE ${source}.${name} TO ${source}.${name}_kept`,
      `CREATE VIEW ${source}.${name} AS SELECT * FROM ${source}.${name}_kept FINAL`,
    ])
      await post(server, words)
  const [quick] = (await planUp(workspace.workspace, OPTIONS, 1000)).tables
  expect(quick!.unprobed).toEqual([{ from: 100_000, to: 100_010 }])
  // Five rows a block: fifteen thousand in the first three thousand blocks.
  const rest = quick!.chunks.at(-1)!
  expect(rest.to).toBe(100_010)
  expect(quick!.expectedRows).toBeGreaterThan(15_000)
  expect(quick!.expectedRows).toBeLessThan(15_100)
})

test('a source gap of millions of blocks takes few questions, and the blocks behind it are done', async () => {
  const behind = { from: 10_000_001, to: 10_000_010 }
  await add(behind)
  const { failed, blocks } = await workspace.up()
  expect({ failed, blocks }).toEqual({ failed: [], blocks: 3010 })
  await post(server, 'SYSTEM FLUSH LOGS query_log')
  const [probes] = await rowsOf<{ asked: number }>(
    server,
    `SELECT toUInt32(count()) AS asked FROM system.query_log
    WHERE type = 'QueryFinish' AND has(tables, {table:String}) AND query_kind = 'Select' AND position(query, 'sipHash64(block_number)') > 0`,
    { table: `${source}.canonical_execution_storage_diffs` },
  )
  expect(probes!.asked).toBeGreaterThan(1)
  expect(probes!.asked).toBeLessThan(12) // 101 windows of the first width
})
