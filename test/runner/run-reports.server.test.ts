// Owns the promises of what a run says of itself beside its events: others see that load holds it back, as long as it does, and how it ended.
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { backfillHere, environmentFor } from '../support/cli.ts'
import { post, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER } from '../support/workspace.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'

const TABLE = 'block_slots_stat'
const source = uniqueDatabase('source')
let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  await addBlocks(server, source, { from: 1, to: 40 })
})
afterAll(() => server?.stop())

async function begun() {
  const run = await openTestWorkspace({ server, source, tables: [TABLE] })
  onTestFinished(() => run.close())
  const up = (options?: Parameters<typeof run.up>[0]) => run.up(options)
  await up({ to: 10 })
  const env = { ...environmentFor(server, run), BACKFILL_LAG: '0', USER: 'ana' }
  const json = async (...words: readonly string[]) =>
    JSON.parse((await backfillHere([...words, '--json'], { env })).stdout)
  return { ...run, up, env, json }
}

const LOAD = { file: 'load.sql', sql: "SELECT 'parts', 301" }
const TEXT = 'throttled by load: load.sql returns parts, 301'

test('a run that load holds back is seen by every screen, and by none when it has ended', async () => {
  const { up, events, env, json, ledger } = await begun()
  await post(server, 'CREATE TABLE {ledger:Identifier}.busy ENGINE = Memory AS SELECT 301 AS parts', {
    ledger,
  })
  const ended = up({ maxLoad: { file: LOAD.file, sql: `SELECT 'parts', parts FROM ${ledger}.busy` } })
  await vi.waitFor(() => expect(events.some(({ type }) => type === 'throttled')).toBe(true), 60_000)
  const [table] = (await json('status', TABLE)).tables
  expect(table).toMatchObject({
    state: 'waiting',
    standstill: { reason: 'load', text: expect.stringContaining(TEXT) },
    holds: [{ action: 'load', table: TABLE, found: TEXT, until: null }],
  })
  const said = new RegExp(`${TEXT} \\(run of \\S+ on \\S+, as of .* UTC\\)`)
  const { stdout } = await backfillHere(['status', TABLE], { env })
  expect(stdout).toMatch(said)
  expect(stdout).not.toContain('backfill resume')
  expect((await backfillHere(['plan', TABLE], { env })).stdout).toMatch(said)
  expect((await json('wait', TABLE, '--to', '40', '--timeout', '0')).tables[0].reasons[0]).toMatch(said)
  expect((await backfillHere(['status', '--format', 'prometheus'], { env })).stdout).toContain(
    `table="${TABLE}",reason="load"`,
  )
  await post(server, 'TRUNCATE TABLE {ledger:Identifier}.busy', { ledger })
  expect(await ended).toMatchObject({ chunks: 1, failed: [] })
  expect((await json('status', TABLE)).tables[0]).toMatchObject({ state: 'up to date', holds: [] })
})

test('that a run waits for room on a disk is seen by status', async () => {
  const { up, events, env, json } = await begun()
  const ended = up({ minFreeShare: 1, giveUpMs: 20_000 })
  await vi.waitFor(() => expect(events.some(({ type }) => type === 'standstill')).toBe(true), 60_000)
  const found = expect.stringMatching(/ of disk .* is free, less than --min-free-disk 100%/)
  await vi.waitFor(
    async () =>
      expect((await json('status', TABLE)).tables[0]).toMatchObject({
        state: 'waiting',
        standstill: { reason: 'disk', text: found },
        holds: [{ action: 'disk', found }],
      }),
    60_000,
  )
  expect((await backfillHere(['status', '--format', 'prometheus'], { env })).stdout).toContain(
    `table="${TABLE}",reason="disk"`,
  )
  expect((await ended).failed).toHaveLength(1)
})

test('a run that says nothing any more holds nothing back', async () => {
  const { ledger, json, workspace } = await begun()
  const report = { runId: crypto.randomUUID(), tables: [TABLE], says: 'load', reason: TEXT } as const
  await workspace.ports.runReports.say(report)
  expect((await json('status', TABLE)).tables[0].holds).toHaveLength(1)
  await post(
    server,
    'ALTER TABLE {ledger:Identifier}.run_reports UPDATE said_at = said_at - 91 WHERE 1 SETTINGS mutations_sync = 2',
    {
      ledger,
    },
  ).catch(() =>
    post(
      server,
      "INSERT INTO {ledger:Identifier}.run_reports SELECT * REPLACE(now64(6) AS said_at, 'going on' AS says) FROM {ledger:Identifier}.run_reports",
      { ledger },
    ),
  )
  expect((await json('status', TABLE)).tables[0].holds).toEqual([])
})

test('log says of a run that its time, a signal or the lock of another run ended it, though no chunk failed', async () => {
  const { up, env, json, workspace } = await begun()
  const { locks, runReports } = workspace.ports
  const outcomes = async () =>
    (await json('log')).runs.map((one: Record<string, unknown>) => [one['outcome'], one['chunks_done']])
  expect(await outcomes()).toEqual([['done', 1]])
  const runId = (await json('log')).runs[0].run_id
  await runReports.say({ runId, tables: [TABLE], says: 'interrupted', reason: '' })
  expect(await outcomes()).toEqual([['interrupted', 1]])
  const metrics = await backfillHere(['status', '--format', 'prometheus'], { env })
  expect(metrics.stdout).toContain(`table="${TABLE}",outcome="interrupted"} 1`)
  await up({ maxLoad: LOAD, maxRuntimeMs: 1_000 })
  expect(await outcomes()).toEqual([
    ['out of time', 0],
    ['interrupted', 1],
  ])
  const lock = await locks.acquire(TABLE, () => {}, 0, 'up')
  await expect(up()).rejects.toMatchObject({ kind: 'locked' })
  await lock.release()
  const [first] = (await json('log')).runs
  expect(first).toMatchObject({
    outcome: 'locked',
    chunks_done: 0,
    error: expect.stringContaining('is locked by process'),
  })
})

test.each([`redo ${TABLE} --from 1 --to 5 --yes`, `rebuild ${TABLE}`])(
  'log says of `%s` that it found the lock held',
  async (words) => {
    const { env, json, workspace } = await begun()
    const lock = await workspace.ports.locks.acquire(TABLE, () => {}, 0, 'up')
    expect((await backfillHere(words.split(' '), { env })).code).toBe(5)
    await lock.release()
    const error = expect.stringContaining('is locked by process')
    expect((await json('log')).runs[0]).toMatchObject({ outcome: 'locked', error })
  },
)

test('a ledger of an older version gets the table with the first report', async () => {
  const { ledger, up, json } = await begun()
  await post(server, 'DROP TABLE {ledger:Identifier}.run_reports SYNC', { ledger })
  expect((await json('status', TABLE)).tables[0].holds).toEqual([])
  expect((await json('log')).runs).toHaveLength(1)
  await up({ maxLoad: LOAD, maxRuntimeMs: 1_000 })
  expect((await json('log')).runs[0]).toMatchObject({ outcome: 'out of time' })
})
