// Owns the promises of a run about what it leaves out, what it comes back for, and what it believes.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { status } from '../../src/commands/status/status.ts'
import { startProxy } from '../support/proxy.ts'
import { ledgerEvent } from '../support/requests.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorld, SQL_FOLDER, type TestWorld } from '../support/world.ts'

/** Reads traces, transaction and contracts: two sources whose blocks must agree. */
const TABLE = 'pre_6780_accounts_destructs'

let catalogue: Catalogue
let server: TestServer
let source: string
let world: TestWorld
beforeAll(async () => {
  catalogue = await readCatalogue(SQL_FOLDER)
  server = await startTestServer()
})
afterAll(() => server?.stop())
beforeEach(async () => {
  source = uniqueDatabase('source')
  await createSourceTables(server, catalogue, source)
  world = await openTestWorld({ server, source, tables: [TABLE] })
})
afterEach(() => world.close())

const add = (from: number, to: number) => addBlocks(server, source, { from, to })
const remove = (table: string, block: number) =>
  post(
    server,
    `DELETE FROM {source:Identifier}.canonical_execution_${table} WHERE block_number = {block:UInt64}`,
    { source, block },
  )
const standing = async (lag = 0) => (await status(world.world, { lag })).tables[0]!
const events = () =>
  rowsOf<{ event: string; from_block: number; to_block: number; forced: boolean }>(
    server,
    'SELECT event, from_block, to_block, forced FROM {ledger:Identifier}.ledger ORDER BY epoch, seq',
    { ledger: world.ledger },
  )

test('a block that one source lacks is held back, shown, and runs once the source has it', async () => {
  await add(1, 30)
  await remove('traces', 17)
  await world.up()
  expect(await standing()).toMatchObject({
    held: [{ from: 17, to: 17 }],
    missing: [],
    watermark: 16,
    doneBlocks: 29,
    owedBlocks: 29,
    state: 'blocked',
  })
  await add(17, 17)
  const summary = await world.up()
  expect(summary).toMatchObject({ chunks: 1, blocks: 1 })
  expect(await standing()).toMatchObject({ held: [], watermark: 30, state: 'up to date' })
})

test('a block that only traces has proves nothing: before the merge an empty block has a reward trace', async () => {
  await add(1, 30)
  await remove('transaction', 17)
  await remove('nonce_diffs', 17)
  await world.up()
  expect(await standing()).toMatchObject({ held: [], watermark: 30, state: 'up to date' })
})

test('a hole is neither run nor done, stops the watermark, and runs when rows arrive', async () => {
  await add(1, 20)
  await add(1500, 1520)
  await world.up()
  expect(await standing()).toMatchObject({
    holes: [{ from: 21, to: 1499 }],
    watermark: 20,
    doneBlocks: 41,
    state: 'blocked',
  })
  await add(21, 1499)
  await world.up()
  expect(await standing()).toMatchObject({ holes: [], watermark: 1520, state: 'up to date' })
})

test('a hole of millions of blocks is one hole, before the run and after it', async () => {
  await add(1, 10)
  await add(5_000_001, 5_000_010)
  const hole = { holes: [{ from: 11, to: 5_000_000 }], doneBlocks: 0, missingBlocks: 20 }
  expect(await standing()).toMatchObject(hole)
  await world.up()
  expect(await standing()).toMatchObject({ ...hole, doneBlocks: 20, missingBlocks: 0, state: 'blocked' })
})

test('a run of empty blocks that is shorter than a hole is ordinary and gets done', async () => {
  await add(1, 20)
  await add(1020, 1040)
  await world.up()
  expect(await standing()).toMatchObject({ holes: [], watermark: 1040, state: 'up to date' })
})

test('history that is filled downwards runs, and what was done stays done', async () => {
  await add(100, 120)
  await world.up()
  await add(80, 99)
  const summary = await world.up()
  expect(summary).toMatchObject({ blocks: 20 })
  expect(await standing()).toMatchObject({ first: 80, watermark: 120 })
})

test('the newest blocks are left alone as far as the lag says', async () => {
  await add(1, 30)
  const summary = await world.up({ lag: 5 })
  expect(summary).toMatchObject({ blocks: 25 })
  expect(await standing(5)).toMatchObject({ head: 25, watermark: 25, state: 'up to date' })
})

test('where the lag leaves nothing the message names --lag 0', async () => {
  await add(1, 30)
  await world.up({ lag: 384 })
  const notes = world.events.flatMap((event) => (event.type === 'note' ? [event.text] : []))
  expect(notes).toEqual(['nothing is left 384 blocks below the newest block 30; --lag 0 keeps no distance'])
})

test('--to above the head is warned of and recorded as forced', async () => {
  await add(1, 30)
  await world.up({ lag: 5, to: 28 })
  expect(world.events.filter(({ type }) => type === 'warning')).toHaveLength(1)
  expect(await events()).toContainEqual({ event: 'done', from_block: 1, to_block: 28, forced: true })
  await world.up({ lag: 0 })
  expect(await events()).toContainEqual({ event: 'done', from_block: 29, to_block: 30, forced: false })
})

test('a table that was dropped and created again is built again', async () => {
  await add(1, 30)
  await world.up()
  await post(server, 'DROP TABLE {target:Identifier}.int_pre_6780_accounts_destructs SYNC', {
    target: world.target,
  })
  const summary = await world.up()
  expect(summary).toMatchObject({ blocks: 30, failed: [] })
})

test('a table that was truncated behind the ledger is warned of', async () => {
  await add(1, 30)
  await world.up()
  await post(server, 'TRUNCATE TABLE {target:Identifier}.int_pre_6780_accounts_destructs', {
    target: world.target,
  })
  expect((await standing()).notes).toEqual([expect.stringContaining('was it truncated?')])
  await world.up()
  expect(world.events.filter(({ type }) => type === 'warning')).toHaveLength(1)
})

test('a table whose SQL was edited is stale, and missing blocks are built with the new SQL', async () => {
  await add(1, 30)
  await world.up({ to: 20 })
  const edited = catalogue.tables.map((table) =>
    table.key === TABLE ? { ...table, sqlHash: 'f'.repeat(64) } : table,
  )
  const other = await openTestWorld({
    server,
    source,
    target: world.target,
    ledger: world.ledger,
    tables: [TABLE],
    catalogue: { ...catalogue, tables: edited },
  })
  try {
    await other.up()
    const [report] = (await status(other.world, { lag: 0 })).tables
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
  await world.up({ chunk: 3 })
  const [{ islands }] = (await rowsOf<{ islands: unknown[] }>(
    server,
    "SELECT islands FROM {ledger:Identifier}.ledger WHERE event = 'checkpoint'",
    { ledger: world.ledger },
  )) as [{ islands: unknown[] }]
  expect(islands).toHaveLength(1)
  const views = await world.world.ports.ledger.fold(await uuids())
  expect(views.get(TABLE)).toMatchObject({ tail: 0, islands: [{ from: 1, to: 30, state: 'done' }] })
})

test('a run ends with one checkpoint statement for all its tables; one that lost its lock meanwhile fails alone', async () => {
  await add(1, 10)
  const [sound, lost] = ['block_slots_stat', 'address_slots_stat_per_block'] as const
  const databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const proxy = await startProxy(server.url)
  const through = { ...server, url: proxy.url }
  const many = await openTestWorld({ server: through, ...databases, tables: [sound, lost] })
  const beside = await openTestWorld({ server, ...databases })
  try {
    const held = proxy.hold(ledgerEvent('checkpoint'), 'request')
    const running = many.up()
    await held.arrived
    await beside.world.ports.locks.takeOver(lost)
    expect((await held.release()).text).toContain('backfill: lock lost')
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

async function uuids(): Promise<ReadonlyMap<string, string>> {
  const tables = await world.world.ports.target.tables([`int_${TABLE}`])
  return new Map([[TABLE, tables.get(`int_${TABLE}`)!.uuid]])
}
