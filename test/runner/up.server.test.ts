// Owns the promises of a run about what it leaves out, what it comes back for, and what it believes.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { status } from '../../src/commands/status/status.ts'
import { startProxy } from '../support/proxy.ts'
import { ledgerEvent } from '../support/requests.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../support/workspace.ts'

/** Reads traces, transaction and contracts: two sources whose blocks must agree. */
const TABLE = 'pre_6780_accounts_destructs'

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
  await createSourceTables(server, catalogue, source)
  workspace = await openTestWorkspace({ server, source, tables: [TABLE] })
})
afterEach(() => workspace.close())

const add = (from: number, to: number) => addBlocks(server, source, { from, to })
const remove = (table: string, block: number) =>
  post(
    server,
    `DELETE FROM {source:Identifier}.canonical_execution_${table} WHERE block_number = {block:UInt64}`,
    { source, block },
  )
const tableStatus = async (lag = 0) => (await status(workspace.workspace, { lag })).tables[0]!
const events = () =>
  rowsOf<{ event: string; range_from: number; range_to: number; forced: boolean }>(
    server,
    'SELECT event, range_from, range_to, forced FROM {ledger:Identifier}.ledger ORDER BY epoch, seq',
    { ledger: workspace.ledger },
  )

test('a block that one source lacks is held back, shown, and runs once the source has it', async () => {
  await add(1, 30)
  await remove('traces', 17)
  await workspace.up()
  expect(await tableStatus()).toMatchObject({
    incomplete: [{ from: 17, to: 17 }],
    missing: [],
    watermark: 16,
    doneBlocks: 29,
    expectedBlocks: 29,
    state: 'waiting',
    standstill: { reason: 'incomplete', block: 17, blocks: 1 },
  })
  await add(17, 17)
  const summary = await workspace.up()
  expect(summary).toMatchObject({ chunks: 1, blocks: 1 })
  expect(await tableStatus()).toMatchObject({
    incomplete: [],
    watermark: 30,
    state: 'up to date',
    standstill: { reason: 'source', block: 30 },
  })
})

test('a block that only traces has proves nothing: before the merge an empty block has a reward trace', async () => {
  await add(1, 30)
  await remove('transaction', 17)
  await remove('nonce_diffs', 17)
  await workspace.up()
  expect(await tableStatus()).toMatchObject({ incomplete: [], watermark: 30, state: 'up to date' })
})

test('a source gap is neither run nor done, stops the watermark, and runs when rows arrive', async () => {
  await add(1, 20)
  await add(1500, 1520)
  await workspace.up()
  expect(await tableStatus()).toMatchObject({
    sourceGaps: [{ from: 21, to: 1499 }],
    watermark: 20,
    doneBlocks: 41,
    state: 'up to date',
  })
  await add(21, 1499)
  await workspace.up()
  expect(await tableStatus()).toMatchObject({ sourceGaps: [], watermark: 1520, state: 'up to date' })
})

test('a source gap of millions of blocks is one source gap, before the run and after it', async () => {
  await add(1, 10)
  await add(5_000_001, 5_000_010)
  const sourceGap = { sourceGaps: [{ from: 11, to: 5_000_000 }], doneBlocks: 0, missingBlocks: 20 }
  expect(await tableStatus()).toMatchObject(sourceGap)
  await workspace.up()
  expect(await tableStatus()).toMatchObject({
    ...sourceGap,
    doneBlocks: 20,
    missingBlocks: 0,
    state: 'up to date',
  })
})

test('a run of empty blocks that is shorter than a source gap is ordinary and gets done', async () => {
  await add(1, 20)
  await add(1020, 1040)
  await workspace.up()
  expect(await tableStatus()).toMatchObject({ sourceGaps: [], watermark: 1040, state: 'up to date' })
})

test('history that is filled downwards runs, and what was done stays done', async () => {
  await add(100, 120)
  await workspace.up()
  await add(80, 99)
  const summary = await workspace.up()
  expect(summary).toMatchObject({ blocks: 20 })
  expect(await tableStatus()).toMatchObject({ first: 80, watermark: 120 })
})

test('the newest blocks are left alone as far as the lag says', async () => {
  await add(1, 30)
  const summary = await workspace.up({ lag: 5 })
  expect(summary).toMatchObject({ blocks: 25 })
  expect(await tableStatus(5)).toMatchObject({ head: 25, watermark: 25, state: 'up to date' })
})

test('where the lag leaves nothing the message names --lag 0', async () => {
  await add(1, 30)
  await workspace.up({ lag: 384 })
  const notes = workspace.events.flatMap((event) => (event.type === 'note' ? [event.text] : []))
  expect(notes).toEqual(['the lag (384 blocks) is larger than the chain (newest block 30); use --lag 0'])
})

test('--to above the head is warned of and recorded as forced', async () => {
  await add(1, 30)
  await workspace.up({ lag: 5, to: 28 })
  expect(workspace.events.filter(({ type }) => type === 'warning')).toHaveLength(1)
  expect(await events()).toContainEqual({ event: 'done', range_from: 1, range_to: 28, forced: true })
  await workspace.up({ lag: 0 })
  expect(await events()).toContainEqual({ event: 'done', range_from: 29, range_to: 30, forced: false })
})

test('a table that was dropped and created again is built again', async () => {
  await add(1, 30)
  await workspace.up()
  await post(server, 'DROP TABLE {target:Identifier}.int_pre_6780_accounts_destructs SYNC', {
    target: workspace.target,
  })
  const summary = await workspace.up()
  expect(summary).toMatchObject({ blocks: 30, failed: [] })
})

test('a table that was truncated behind the ledger is warned of', async () => {
  await add(1, 30)
  await workspace.up()
  await post(server, 'TRUNCATE TABLE {target:Identifier}.int_pre_6780_accounts_destructs', {
    target: workspace.target,
  })
  expect((await tableStatus()).notes).toEqual([expect.stringContaining('was it truncated?')])
  await workspace.up()
  expect(workspace.events.filter(({ type }) => type === 'warning')).toHaveLength(1)
})

test('a table whose SQL was edited is stale, and missing blocks are built with the new SQL', async () => {
  await add(1, 30)
  await workspace.up({ to: 20 })
  const edited = catalogue.tables.map((table) =>
    table.key === TABLE ? { ...table, sqlHash: 'f'.repeat(64) } : table,
  )
  const other = await openTestWorkspace({
    server,
    source,
    target: workspace.target,
    ledger: workspace.ledger,
    tables: [TABLE],
    catalogue: { ...catalogue, tables: edited },
  })
  try {
    await other.up()
    const [report] = (await status(other.workspace, { lag: 0 })).tables
    expect(report).toMatchObject({
      state: 'stale',
      stale: [{ from: 1, to: 20 }],
      covered: [{ from: 1, to: 30 }],
    })
  } finally {
    await other.close()
  }
})

test('a run ends with a checkpoint, so that the next one reads two rows and not all events', async () => {
  await add(1, 30)
  await workspace.up({ chunk: 3 })
  const [{ islands }] = (await rowsOf<{ islands: unknown[] }>(
    server,
    "SELECT islands FROM {ledger:Identifier}.ledger WHERE event = 'checkpoint'",
    { ledger: workspace.ledger },
  )) as [{ islands: unknown[] }]
  expect(islands).toHaveLength(1)
  const views = await workspace.workspace.ports.ledger.fold(await uuids())
  expect(views.get(TABLE)).toMatchObject({ tail: 0, islands: [{ from: 1, to: 30, state: 'done' }] })
})

test('a run ends with one checkpoint statement for all its tables; one that lost its lock meanwhile fails alone', async () => {
  await add(1, 10)
  const [sound, lost] = ['block_slots_stat', 'address_slots_stat_per_block'] as const
  const databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const proxy = await startProxy(server.url)
  const through = { ...server, url: proxy.url }
  const many = await openTestWorkspace({ server: through, ...databases, tables: [sound, lost] })
  const beside = await openTestWorkspace({ server, ...databases })
  try {
    const request = proxy.hold(ledgerEvent('checkpoint'), 'request')
    const running = many.up()
    await request.arrived
    await beside.workspace.ports.locks.takeOver(lost)
    expect((await request.release()).text).toContain('backfill: lock lost')
    const { failed } = await running
    expect(failed.map(({ table, error }) => [table, error.kind])).toEqual([[lost, 'locked']])
    const checkpoints = await rowsOf(
      server,
      "SELECT table_key FROM {ledger:Identifier}.ledger WHERE event = 'checkpoint'",
      { ledger: databases.ledger },
    )
    expect(checkpoints).toEqual([{ table_key: sound }])
    // The tail of the other table is still there: its next run makes up for it.
    expect((await beside.up()).failed).toEqual([])
  } finally {
    await Promise.all([many.close(), beside.close(), proxy.close()])
  }
})

test('with --lock-skip a table that another run has counts no chunks any more', async () => {
  await add(1, 12)
  expect((await workspace.up({ to: 4 })).failed).toEqual([])
  const lock = await workspace.workspace.ports.locks.acquire(TABLE, () => {})
  expect((await workspace.up({ lockSkip: true })).failed).toEqual([])
  expect(workspace.events.filter(({ type }) => type === 'expected').at(-1)).toMatchObject({ chunks: 0 })
  await lock.release()
})

async function uuids(): Promise<ReadonlyMap<string, string>> {
  const tables = await workspace.workspace.ports.target.tables([`int_${TABLE}`])
  return new Map([[TABLE, tables.get(`int_${TABLE}`)!.uuid]])
}
