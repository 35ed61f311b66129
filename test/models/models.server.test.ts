// Owns the promise that tables of all kinds are what their statements make by hand over the same range, whatever the chunks,
// the order and the number of statements at the same time.
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { backfillHere, environmentFor } from '../support/cli.ts'
import { openTestWorkspace } from '../support/workspace.ts'
import { expectedRanges, unlikeByHand } from './by-hand.ts'
import { addSlots, createSources, modelFolder } from './chain.ts'

const SOURCE = uniqueDatabase('source')
const folder = modelFolder()
let server: TestServer
let catalogue: Catalogue
beforeAll(async () => {
  server = await startTestServer()
  catalogue = await readCatalogue(folder)
  await createSources(server, catalogue, SOURCE)
  await addSlots(server, SOURCE, { from: 0, to: 599 })
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await server?.stop()
})

test('check finds no fault in tables of all kinds before any of them is created', async () => {
  const databases = { source: SOURCE, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const env = { ...environmentFor(server, databases), BACKFILL_SQL: folder }
  expect(await backfillHere(['check'], { env })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('no errors'),
  })
})

test.each([
  { order: 'oldest', jobs: 1, chunk: { block: 251, second: 3301 } },
  { order: 'newest', jobs: 4, chunk: { block: 401, second: 4999 } },
] as const)('tables of all kinds are as by hand, $order first, $jobs at a time', async (options) => {
  const opened = await openTestWorkspace({ server, source: SOURCE, catalogue })
  try {
    const { failed, blocks, seconds } = await opened.up({ ...options, tableJobs: options.jobs })
    expect(failed).toEqual([])
    expect([blocks > 0, seconds > 0], 'each unit is summed by itself').toEqual([true, true])
    const { ranges, open } = await expectedRanges(opened)
    expect(open).toEqual([])
    const place = { source: SOURCE, target: opened.target, expected: ranges }
    expect(await unlikeByHand(server, catalogue, place)).toEqual([])
  } finally {
    await opened.close()
  }
})

test('a run that leaves out the first blocks of a table whose ranges run in order says why nothing of it is done', async () => {
  const databases = { source: SOURCE, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const env = { ...environmentFor(server, databases), BACKFILL_SQL: folder, BACKFILL_LAG: '0' }
  const up = async (...more: string[]) => await backfillHere(['up', '+gas_total', ...more], { env })
  const why = /gas_total {2}ranges run in order, and block (\d+), which comes first, lies outside of this run/
  const plan = await backfillHere(['plan', 'gas_total', '--from', '300'], { env })
  expect([plan.code, plan.stdout]).toEqual([0, expect.stringContaining('ranges run in order')])
  expect(plan.stdout).toContain('Nothing runs: 1 table is stopped (gas_total); the lines above say why.')
  const { code, stderr } = await up('--from', '300')
  expect([code, stderr]).toEqual([0, expect.stringMatching(why)])
  const first = why.exec(stderr)![1]!
  const later = await up('--from', first)
  expect([later.code, later.stderr]).toEqual([0, expect.not.stringMatching(why)])
  expect(await backfillHere(['status', '--check', 'gas_total'], { env })).toMatchObject({ code: 0 })
})

test('a block that changes makes the sums behind it stale; redo, verify and rebuild of them work', async () => {
  const databases = { source: SOURCE, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const env = { ...environmentFor(server, databases), BACKFILL_SQL: folder, BACKFILL_LAG: '0' }
  const run = async (...argv: string[]) => {
    const { code, stdout, stderr } = await backfillHere(argv, { env })
    return { code, said: stdout + stderr }
  }
  const total = async () =>
    await rowsOf<{ total: number }>(
      server,
      `SELECT max(total) AS total FROM ${databases.target}.gas_total FINAL`,
    )
  expect(await run('up', '+gas_total', '--chunk', '150')).toMatchObject({ code: 0 })
  const [before] = await total()
  await post(
    server,
    `ALTER TABLE ${SOURCE}.eth_blocks UPDATE gas_used = gas_used + 1000 WHERE number = 120 SETTINGS mutations_sync = 2`,
  )
  expect(await run('redo', 'block_gas', '--from', '120', '--to', '120', '--cascade', '--yes')).toMatchObject({
    code: 0,
  })
  expect(await run('status', '--check', 'gas_total')).toMatchObject({
    code: 4,
    said: expect.stringContaining('stale 121-'),
  })
  expect(await run('redo', 'gas_total', '--stale', '--yes')).toMatchObject({ code: 0 })
  expect(await run('status', '--check', 'gas_total')).toMatchObject({ code: 0 })
  expect(await total()).toEqual([{ total: before!.total + 1000 }])
  expect(await run('verify', '+gas_total')).toMatchObject({ code: 0 })
  expect(await run('rebuild', 'gas_total', '--yes')).toMatchObject({ code: 0 })
  expect(await total()).toEqual([{ total: before!.total + 1000 }])
  const tried = await run('try', 'block_gas', '--from', '100', '--to', '130', '--json')
  expect(JSON.parse(tried.said)).toMatchObject({
    tables: [{ table: 'block_gas', same: 31, changed: 0 }],
    left: expect.arrayContaining([
      { table: 'gas_total', why: 'each of its ranges reads its own rows of all blocks before' },
    ]) as unknown,
  })
})

test('a number that would be blocks and seconds is refused, and so is a time for tables of blocks', async () => {
  const databases = { source: SOURCE, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const env = { ...environmentFor(server, databases), BACKFILL_SQL: folder }
  const plan = async (...argv: string[]) => await backfillHere(['plan', ...argv], { env })
  const mixed = await plan('--lag', '64')
  expect(mixed.code).toBe(2)
  expect(mixed.stderr).toMatch(
    /flag --lag: 64 would be blocks for block_gas, .* and seconds for .*slot_votes/,
  )
  expect(await plan('--lag', '64,5m')).toMatchObject({ code: 0 })
  expect(await plan('block_gas', '--from', '2024-03-13')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--from 2024-03-13 is a time, and block_gas counts blocks'),
  })
  const range = ['--from', '1970-01-01', '--to', '2099-12-31']
  for (const argv of [
    ['redo', 'block_gas', ...range, '--yes'],
    ['digest', 'block_gas', ...range],
    ['test', '--new', 'block_gas', ...range],
    ['check', '--split', 'block_gas', ...range],
    ['wait', '--to', '2099-12-31'],
    ['status', 'block_gas', '--at', '2099-12-31'],
  ])
    expect(await backfillHere(argv, { env }), argv.join(' ')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /--\w+ (1970-01-01|2099-12-31) is a time, and block_gas.* counts? blocks/,
      ),
    })
  const votes = await plan('slot_votes', '--from', '2024-03-13T00:10', '--to', '2024-03-13T00:20', '--chunks')
  expect(votes).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('2024-03-13T00:10:00..2024-03-13T00:20:00'),
  })
})

test('of tables of times, digest takes a time, and verify --stored says one', async () => {
  const databases = { source: SOURCE, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const env = { ...environmentFor(server, databases), BACKFILL_SQL: folder, BACKFILL_LAG: '0' }
  expect(await backfillHere(['up', 'slot_votes'], { env })).toMatchObject({ code: 0 })
  const digest = await backfillHere(['digest', 'slot_votes', '--every', '1h'], { env })
  expect(digest.stdout).toMatch(/^slot_votes {2}\S+T\d\d:00:00\.\.\S+T\d\d:59:59 {2}[\d,]+ rows {2}\d+$/m)
  const json = await backfillHere(['digest', 'slot_votes', '--every', '1h', '--json'], { env })
  expect(JSON.parse(json.stdout)).toMatchObject({ every: 3600 })
  const stored = await backfillHere(['verify', 'slot_votes', '--stored'], { env })
  expect(stored.stdout).toMatch(
    /^slot_votes {2}\d+ h \d+ min compared, [\d,]+ rows in the table: as recorded$/m,
  )
})
