// Owns the promises of `log`: what ran, how it ended, who it was; of a million events no more are read than the lines need.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { logScene, tried } from '../../support/log-scene.ts'
import { openTestWorkspace, SQL_FOLDER } from '../../support/workspace.ts'

const catalogue = await readCatalogue(SQL_FOLDER)
let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

const scene = () => logScene(server, catalogue)

type Runs = { readonly runs: readonly Record<string, unknown>[] }
type Events = { readonly events: readonly Record<string, unknown>[] }

test('between two chunks a run is in progress: its lock is held', async () => {
  const { write, json, ...own } = await scene()
  const opened = await openTestWorkspace({ server, catalogue, ...own })
  onTestFinished(() => opened.close())
  const { locks } = opened.workspace.ports
  const lock = await locks.acquire('block_slots_stat', () => {})
  await write(tried('run-between', 'a', [1, 100], { rows: 50 }))
  const outcome = async () => (await json<Runs>('log')).runs[0]!['outcome']
  expect(await outcome()).toBe('in progress')
  await lock.release()
  expect(await outcome()).toBe('done')
})

test('a run is one line: done, failed, mended by a later try, never ended, or only accepting', async () => {
  const { write, json, run } = await scene()
  const failed = { event: 'failed', error: 'Memory limit exceeded\nstack' } as const
  await write([
    ...tried('run-done', 'a', [1, 100], { rows: 50 }),
    ...tried('run-done', 'b', [101, 200], { rows: 60 }),
    // What was done before it failed has mended nothing: its rows were taken back.
    ...tried('run-undone', 'j', [1601, 1700], { rows: 4 }),
    ...tried('run-undone', 'k', [1601, 1700], failed),
    ...tried('run-failed', 'c', [201, 300], failed),
    ...tried('run-mended', 'd', [201, 300], failed),
    ...tried('run-mended', 'e', [201, 250], { rows: 1, attempt: 2 }),
    ...tried('run-mended', 'f', [251, 300], { rows: 2, attempt: 2 }),
    ...tried('run-half', 'g', [301, 400], failed),
    ...tried('run-half', 'h', [301, 350], { rows: 3 }),
    ...tried('run-killed', 'i', [401, 500]),
    { run: 'run-accept', event: 'accepted', range: [501, 1500] },
    { run: 'run-accept', event: 'accepted', range: [1600, 1600] },
    { run: 'run-revoke', event: 'cleaned', range: [1600, 1600], error: 'acceptance revoked' },
    { run: 'run-done', event: 'checkpoint', range: [0, 0] },
  ])
  const { runs } = await json<Runs>('log')
  expect(
    runs.map((one) => [
      one['run_id'],
      one['outcome'],
      one['chunks_done'],
      one['chunks_failed'],
      one['blocks'],
    ]),
  ).toEqual([
    ['run-revoke', 'done', 0, 0, 0],
    ['run-accept', 'done', 0, 0, 0],
    ['run-killed', 'interrupted', 0, 0, 0],
    ['run-half', 'failed', 1, 1, 50],
    ['run-mended', 'done', 2, 1, 100],
    ['run-failed', 'failed', 0, 1, 0],
    ['run-undone', 'failed', 1, 1, 100],
    ['run-done', 'done', 2, 0, 200],
  ])
  expect(runs[1]).toMatchObject({ accepted_blocks: 1001, cleaned_blocks: 0, revoked_blocks: 0 })
  expect(runs[0]).toMatchObject({ accepted_blocks: 0, cleaned_blocks: 0, revoked_blocks: 1 })
  expect(runs.at(-1)).toMatchObject({
    rows_written: 110,
    started: '2026-01-01T00:00:01.000Z',
    ended: '2026-01-01T00:00:04.000Z',
    tables: [{ table: 'block_slots_stat', present: true }],
    user: 'somebody',
    host: 'db1',
    tool_version: '0.2.0',
    error: null,
  })

  const { code, stdout, stderr } = await run('log --limit 4')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(
    / revoked 1 block\n.* accepted 1,001 blocks\n.* interrupted, 1 open chunk\n.* failed\n {2}Memory limit exceeded\n\nThe latest 4/,
  )
  const errors = await json<Runs>('log --errors')
  expect(errors.runs.map((one) => one['run_id'])).toEqual([
    'run-half',
    'run-mended',
    'run-failed',
    'run-undone',
  ])

  // The tries of a table, and of a run by the first letters of its id.
  const { events } = await json<Events>('log block_slots_stat --limit 9')
  expect(events.map(({ event, from, to, attempt }) => [event, from, to, attempt])).toEqual([
    ['revoked', 1600, 1600, 0],
    ['accepted', 1600, 1600, 0],
    ['accepted', 501, 1500, 0],
    ['interrupted', 401, 500, 1],
    ['done', 301, 350, 1],
    ['failed', 301, 400, 1],
    ['done', 251, 300, 2],
    ['done', 201, 250, 2],
    ['failed', 201, 300, 1],
  ])
  expect(events[4]).toMatchObject({ rows_written: 3, elapsed_ms: 700, run_id: 'run-half', query_id: 'h' })
  const mended = await json<Events>('log --run run-m')
  expect(mended.events.map(({ event }) => event)).toEqual(['done', 'done', 'failed'])
  const failures = await json<Events>('log block_slots_stat --errors')
  expect(failures.events.map(({ from, error }) => [from, error])).toEqual([
    [301, failed.error],
    [201, failed.error],
    [201, failed.error],
    [1601, failed.error],
  ])
  const several = await json<Events>('log --run run- --limit 99')
  expect(new Set(several.events.map((one) => one['run_id'])).size).toBeGreaterThan(2)
  expect(await run('log --run nobody')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("no run begins with 'nobody'"),
  })
})

test('an event that was sent twice counts once, and events of a table that was dropped are shown and marked', async () => {
  const { write, json, run, ledger } = await scene()
  await write([
    ...tried('old', 'a', [1, 100], { uuid: randomUUID(), rows: 5 }),
    ...tried('new', 'b', [1, 100], { rows: 7 }),
    ...tried('gone', 'c', [1, 10], { table: 'no_file_any_more', rows: 1 }).slice(1),
  ])
  await post(
    server,
    `INSERT INTO \`${ledger}\`.ledger SELECT * FROM \`${ledger}\`.ledger WHERE run_id = 'new'`,
  )
  const { runs } = await json<Runs>('log')
  expect(runs.map((one) => [one['run_id'], one['chunks_done'], one['rows_written'], one['tables']])).toEqual([
    ['gone', 1, 1, [{ table: 'no_file_any_more', present: false }]],
    ['new', 1, 7, [{ table: 'block_slots_stat', present: true }]],
    ['old', 1, 5, [{ table: 'block_slots_stat', present: false }]],
  ])
  const { stdout } = await run('log block_slots_stat')
  expect(stdout).toMatch(/ 1-100 +done .*\n.* 1-100\* +done .*\n\n\* The table was dropped/)
  for (const words of ['log no_file_any_more', 'log no_file_any_more --errors'])
    expect(await run(words)).toMatchObject({ code: 0 })
  const unknown = await run('log block_slot_stat')
  expect(unknown.code).toBe(2)
  expect(unknown.stderr).toContain("did you mean 'block_slots_stat'?")
})

test('without a ledger it says so, and that is no failure', async () => {
  const own = {
    source: uniqueDatabase('source'),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  const env = environmentFor(server, own)
  for (const words of [['log'], ['log', 'address_diffs'], ['log', '--run', 'x']]) {
    const { code, stderr } = await backfillHere(words, { env })
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `There is no ledger in ${own.ledger}: nothing has run yet.\n`,
    })
  }
  expect(JSON.parse((await backfillHere(['log', '--json'], { env })).stdout)).toMatchObject({
    schema: 1,
    network: 'mainnet',
    runs: [],
  })
})

test('of a long ledger a table’s log reads the end, not the whole', async () => {
  const { run, ledger } = await scene()
  await post(
    server,
    `INSERT INTO {ledger:Identifier}.ledger (network, table_key, epoch, seq, event, range_from, range_to, run_id, query_id, attempt)
     SELECT 'mainnet', 'block_slots_stat', 1, number + 1, if(number % 2 = 0, 'started', 'done'), intDiv(number, 2) * 10,
       intDiv(number, 2) * 10 + 9, 'long', toString(intDiv(number, 2)), 1 FROM numbers(200000)`,
    { ledger },
  )
  const start = await rowsOf<{ now: string }>(server, 'SELECT toString(now64(6)) AS now')
  const { stdout } = await run('log block_slots_stat')
  expect(stdout).toContain(' 999990-999999')
  await post(server, 'SYSTEM FLUSH LOGS')
  const [read] = await rowsOf<{ rows: number }>(
    server,
    `SELECT max(read_rows) AS rows FROM system.query_log WHERE type = 'QueryFinish' AND event_time_microseconds >= {since:DateTime64(6)}
     AND has(databases, {ledger:String})`,
    { since: start[0]!.now, ledger },
  )
  expect(read!.rows).toBeGreaterThan(0)
  expect(read!.rows).toBeLessThan(30_000)
})

test('log tells outcomes apart: cancelled, too slow, given up, marked stale, adopted; a cancelled run did not fail', async () => {
  const { write, json } = await scene()
  const failed = { event: 'failed', error: 'x' } as const
  await write([
    ...tried('run-ends', 'slow', [1, 9], { ...failed, code: 159 }),
    ...tried('run-ends', 'last', [11, 19], { ...failed, attempt: 6 }),
    ...tried('run-stopped', 'stopped', [21, 29], { ...failed, code: 394 }),
    { run: 'run-marks', event: 'done', range: [1, 5], hash: 'sources-1a2b' },
    { run: 'run-adopts', event: 'done', range: [31, 39], hash: '1a2b' },
  ])
  const { events } = await json<Events>('log block_slots_stat')
  expect(events.map(({ event, from }) => [event, from])).toEqual([
    ['adopted', 31],
    ['marked stale', 1],
    ['interrupted', 21],
    ['gave up', 11],
    ['out of time', 1],
  ])
  const { runs } = await json<Runs>('log')
  expect(
    runs.map((one) => [
      one['run_id'],
      one['outcome'],
      one['marked_stale_blocks'],
      one['blocks'],
      one['chunks_open'],
    ]),
  ).toEqual([
    ['run-adopts', 'done', 0, 9, 0],
    ['run-marks', 'done', 5, 0, 0],
    ['run-stopped', 'interrupted', 0, 0, 0],
    ['run-ends', 'failed', 0, 0, 0],
  ])
})
