// Owns the promises about what nobody knows of: lost answers, late deliveries, servers that go away, statements that still run.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type EmbeddedServer, startEmbedded } from '../../src/embedded/embedded-server.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { blocksWhere, edited } from '../support/edited.ts'
import { temporaryDirectory } from '../support/processes.ts'
import { type Proxy, startProxy } from '../support/proxy.ts'
import { deletion, intoTarget, ledgerEvent, lockCreation } from '../support/requests.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { recordSleeps } from '../support/sleeps.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../support/workspace.ts'

const TABLE = 'block_slots_stat'
const SOURCE = uniqueDatabase('source')
const EVERY_BLOCK = blocksWhere('true')
const FAILS = blocksWhere('throwIf(block_number = 8) = 0')
const ALL = Array.from({ length: 12 }, (_, index) => index + 1)

let files: Catalogue
let server: TestServer
let proxy: Proxy
let target: string
let ledger: string
const open: TestWorkspace[] = []
beforeAll(async () => {
  files = await readCatalogue(SQL_FOLDER)
  server = await startTestServer()
  await createSourceTables(server, files, SOURCE)
  await addBlocks(server, SOURCE, { from: 1, to: 12 })
})
afterAll(() => server?.stop())
beforeEach(async () => {
  proxy = await startProxy(server.url)
  target = uniqueDatabase('target')
  ledger = uniqueDatabase('ledger')
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((workspace) => workspace.close()))
  await proxy.close()
})

type Login = Pick<TestServer, 'url' | 'username' | 'password'>

async function runWith(
  sql = EVERY_BLOCK,
  login: Partial<Login> = { url: proxy.url },
): Promise<TestWorkspace> {
  const catalogue = edited(files, TABLE, {
    sql,
    settings: { function_sleep_max_microseconds_per_block: '600000000' },
  })
  const on = { ...server, ...login }
  const workspace = await openTestWorkspace({
    server: on,
    source: SOURCE,
    target,
    ledger,
    tables: [TABLE],
    catalogue,
    exclusive: true,
  })
  open.push(workspace)
  return workspace
}

const query = (statement: string, on: Login = server) =>
  post(on, statement, { source: SOURCE, target, ledger })
const blocks = async (on: Login = server, final = '') =>
  (
    await rowsOf<{ block_number: number }>(
      on,
      `SELECT block_number FROM {target:Identifier}.int_block_slots_stat ${final} ORDER BY block_number`,
      { target },
    )
  ).map((row) => row.block_number)
const story = async (on: Login = server) =>
  (
    await rowsOf<{ said: string }>(
      on,
      `SELECT concat(event, ' ', range_from, '-', range_to) AS said FROM {ledger:Identifier}.ledger WHERE event != 'checkpoint' ORDER BY epoch, seq`,
      { ledger },
    )
  ).map((row) => row.said)

/** A target in which a row that is written twice stays there twice. */
async function createPlain(): Promise<void> {
  const { ddl } = files.tables.find(({ key }) => key === TABLE)!
  await query('CREATE DATABASE {target:Identifier}')
  await query(ddl.text.replace(/ENGINE = \w+/, 'ENGINE = MergeTree'))
}

async function inserts(): Promise<number> {
  await query('SYSTEM FLUSH LOGS query_log')
  return Number(
    await query(
      `SELECT countIf(type = 'QueryFinish') FROM system.query_log WHERE query_kind = 'Insert' AND has(databases, {target:String})`,
    ),
  )
}

/** Waits until the server runs a statement that begins so. */
async function runningStatement(start: string): Promise<void> {
  const running = () =>
    post(server, 'SELECT count() FROM system.processes WHERE startsWith(query, {start:String})', { start })
  while ((await running()) === '0\n') await sleep(50)
}

test('an INSERT that the server finished, and whose answer was lost, is booked as done and not sent again', async () => {
  await createPlain()
  const held = proxy.hold(intoTarget(), 'answer')
  const running = (await runWith()).up()
  await held.cut()
  expect((await running).failed).toEqual([])
  expect(await blocks()).toEqual(ALL)
  expect(await story()).toEqual(['started 1-12', 'done 1-12'])
  expect(await inserts()).toBe(1)
})

test('an INSERT of this very run that arrives late, after it was done again, writes nothing', async () => {
  await createPlain()
  const held = proxy.hold(intoTarget())
  const running = (await runWith()).up()
  await held.cut()
  expect((await running).failed).toEqual([])
  expect((await held.release()).text).toContain('backfill: lock lost')
  expect(await blocks()).toEqual(ALL)
})

test('a DELETE of this very run that arrives late, after its blocks were done again, deletes nothing', async () => {
  await createPlain()
  await (await runWith(FAILS)).up()
  const held = proxy.hold(deletion)
  // Without rows there is nothing to delete.
  await query('INSERT INTO {target:Identifier}.int_block_slots_stat (block_number) VALUES (3)')
  const running = (await runWith()).up()
  await held.cut()
  expect((await running).failed).toEqual([])
  expect((await held.release()).text).toContain('backfill: lock lost')
  expect(await blocks()).toEqual(ALL)
})

test.each(['started', 'done', 'checkpoint'])(
  'a lost answer to %s is not the end: the same event is sent again and counts once',
  async (name) => {
    const held = proxy.hold(ledgerEvent(name), 'answer')
    const workspace = await runWith()
    const running = workspace.up()
    await held.arrived
    await held.cut()
    expect((await running).failed).toEqual([])
    expect(new Set(await story())).toEqual(new Set(['started 1-12', 'done 1-12']))
    expect(await inserts()).toBe(1)
  },
)

test('the lock is ours though the answer to taking it was lost', async () => {
  const held = proxy.hold(lockCreation(), 'answer')
  const running = (await runWith()).up()
  await held.cut()
  expect((await running).failed).toEqual([])
  expect(await blocks()).toEqual(ALL)
})

test('an INSERT that still runs is ended before its range is touched', async () => {
  const slow = blocksWhere('sleepEachRow(3) = 0')
  const first = (await runWith(slow, {})).up()
  await runningStatement('INSERT INTO')
  expect((await (await runWith(EVERY_BLOCK, {})).up()).failed).toEqual([])
  expect(await blocks()).toEqual(ALL)
  expect((await first).failed).toMatchObject([
    { table: TABLE, error: { kind: expect.stringMatching('locked|failed') } },
  ])
  expect(await blocks()).toEqual(ALL)
  await query('SYSTEM FLUSH LOGS query_log')
  const [order] = await rowsOf<{ ended: number; next: number }>(
    server,
    `SELECT toUnixTimestamp64Micro(maxIf(event_time_microseconds, exception_code = 394 AND query LIKE '%sleepEachRow%')) AS ended,
      toUnixTimestamp64Micro(maxIf(query_start_time_microseconds, type = 'QueryFinish' AND query NOT LIKE '%sleepEachRow%')) AS next
    FROM system.query_log WHERE query_kind = 'Insert' AND has(databases, {target:String})`,
    { target },
  )
  expect(order!.ended).toBeGreaterThan(0)
  expect(order!.next).toBeGreaterThan(order!.ended)
})

test('a deletion that a dead run left queued neither blocks its successor nor undoes it', async () => {
  await (await runWith(FAILS, {})).up()
  await query('INSERT INTO {target:Identifier}.int_block_slots_stat (block_number) VALUES (3)')
  await query('SYSTEM STOP MERGES {target:Identifier}.int_block_slots_stat')
  const first = (await runWith(EVERY_BLOCK, {})).up()
  await runningStatement('DELETE FROM')
  const second = (await runWith(EVERY_BLOCK, {})).up()
  // The first is at its deletion until the second has the lock.
  const taken = `SELECT count() FROM system.tables WHERE database = concat({ledger:String}, '_locks') AND endsWith(name, '3')`
  while ((await query(taken)) === '0\n') await sleep(50)
  await query('SYSTEM START MERGES {target:Identifier}.int_block_slots_stat')
  expect((await second).failed).toEqual([])
  expect((await first).failed).toHaveLength(1)
  expect(
    await query('SELECT count() FROM system.mutations WHERE database = {target:String} AND NOT is_done'),
  ).toBe('0\n')
  expect(await blocks()).toEqual(ALL)
})

test('a server that is gone for longer than one gives it ends the run', async () => {
  const held = proxy.hold(intoTarget())
  const running = (await runWith()).up({ giveUpMs: 1_500 })
  await held.arrived
  proxy.retarget('http://127.0.0.1:1')
  proxy.cut()
  const sleeps = recordSleeps()
  const { failed } = await running
  expect(sleeps.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(15_000)
  expect(failed).toMatchObject([{ table: TABLE, error: { kind: 'server', code: 0 } }])
  expect(failed[0]!.error.message).toContain('cannot reach ClickHouse')
})

test.each(['request', 'answer'] as const)(
  'a server that is killed and comes back does not end the run (%s held)',
  async (point) => {
    const directory = temporaryDirectory()
    let restarted: EmbeddedServer = await startEmbedded({ directory, memoryBytes: 2_000_000_000 })
    await createSourceTables(restarted, files, SOURCE)
    await addBlocks(restarted, SOURCE, { from: 1, to: 12 })
    proxy.retarget(restarted.url)
    const held = proxy.hold(intoTarget(), point)
    const running = (await runWith(EVERY_BLOCK, { ...restarted, url: proxy.url })).up()
    try {
      await held.arrived
      await restarted.stop()
      proxy.cut()
      await sleep(2_000)
      restarted = await startEmbedded({ directory, memoryBytes: 2_000_000_000 })
      proxy.retarget(restarted.url)
      expect((await running).failed).toEqual([])
      await held.release()
      expect(await blocks(restarted, 'FINAL')).toEqual(ALL)
      expect((await story(restarted)).at(-1)).toBe('done 1-12')
    } finally {
      await restarted.stop()
    }
  },
)
