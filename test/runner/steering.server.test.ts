// Owns the promises of steering a run that goes: what people pause or limit, and load, keeps chunks from starting, ends
// nothing, is said with who and when, and is over when it is taken back.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { backfillHere, environmentFor } from '../support/cli.ts'
import { temporaryDirectory } from '../support/processes.ts'
import { startProxy } from '../support/proxy.ts'
import { intoTarget } from '../support/requests.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables, SLOT_SOURCES } from '../support/small-chain.ts'
import { startWithUsers } from '../support/users.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../support/workspace.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'

let server: TestServer
const source = uniqueDatabase('source')
const TABLES = ['address_reads', 'block_slots_stat'] as const
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  await addBlocks(server, source, { from: 1, to: 40 })
})
afterAll(() => server?.stop())

/** A ledger of its own, with the first ten blocks of two tables. */
async function begun(): Promise<TestWorkspace & { readonly env: Record<string, string> }> {
  const workspace = await openTestWorkspace({ server, source, tables: TABLES })
  await workspace.up({ to: 10 })
  const env = { ...environmentFor(server, workspace), BACKFILL_LAG: '0', USER: 'ana' }
  return { ...workspace, env }
}

const done = ({ events }: TestWorkspace, table?: string): number =>
  events.filter((event) => event.type === 'chunk-done' && (table === undefined || event.table === table))
    .length

const texts = ({ events }: TestWorkspace, type: 'throttled' | 'released' | 'note'): readonly string[] =>
  events.flatMap((event) => (event.type === type ? [event.text] : []))

const until = (condition: () => void) => vi.waitFor(condition, { timeout: 30_000, interval: 20 })

test('a run that finds itself paused says by whom, locks and starts nothing, and goes on when it is resumed', async () => {
  const run = await begun()
  const { env } = run
  expect(await backfillHere(['pause'], { env })).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^mainnet: running chunks end, and no more start, of all tables\.\nall tables {2}paused by \S+ on \S+ since .* UTC\n/,
    ),
  })
  const ended = run.up()
  await until(() => expect(texts(run, 'throttled')).toEqual([expect.stringMatching(/^paused by \S+ on /)]))
  const shown = await backfillHere(['status', '--tables', TABLES.join()], { env })
  expect(shown.stdout).toMatch(/address_reads .* waiting /)
  expect(shown.stdout).toMatch(/all tables: paused by \S+ on \S+ since .* UTC: `backfill resume` ends it\./)
  const { tables } = JSON.parse((await backfillHere(['status', '--json'], { env })).stdout)
  expect(tables[0].holds).toMatchObject([{ action: 'pause', by: expect.any(String), until: null }])
  expect((await backfillHere(['plan'], { env })).stdout).toContain('all tables: paused by ')
  expect(await backfillHere(['resume'], { env })).toMatchObject({
    code: 0,
    stdout: 'mainnet: runs go on with all tables.\nNothing holds runs back.\n',
  })
  expect(await ended).toMatchObject({ chunks: 2, failed: [], interrupted: false })
  expect(texts(run, 'released')).toEqual([expect.stringMatching(/^no longer paused by /)])
  await run.close()
})

test('a pause lets running chunks end, starts no other, and ends by itself', async () => {
  const run = await begun()
  const { steering } = run.workspace.ports
  const proxy = await startProxy(server.url)
  const through = await openTestWorkspace({ ...run, server: { ...server, url: proxy.url }, tables: TABLES })
  const held = proxy.hold(intoTarget('address_reads'))
  const ended = through.up({ chunk: 10 })
  await held.arrived
  await steering.give('pause', ['address_reads'])
  await until(() => expect(texts(through, 'throttled')).toHaveLength(1))
  await held.release()
  await until(() =>
    expect([done(through, 'block_slots_stat'), done(through, 'address_reads')]).toEqual([3, 1]),
  )
  await steering.give('pause', ['address_reads'], 0, new Date(Date.now() + 2_000))
  expect(await ended).toMatchObject({ chunks: 6, failed: [] })
  await through.close()
  await run.close()
  await proxy.close()
})

test('with --lock-skip a paused table is left out, which is no failure; the others run', async () => {
  const run = await begun()
  await backfillHere(['pause', 'address_reads'], { env: run.env })
  expect(await run.up({ lockSkip: true })).toMatchObject({ chunks: 1, failed: [] })
  expect(texts(run, 'note')).toEqual([expect.stringMatching(/^left out: address_reads is paused by /)])
  await run.close()
})

test('the newest order of a table counts, `resume` of one spares it, and `limit` is kept beside a pause', async () => {
  const run = await begun()
  const { steering } = run.workspace.ports
  const say = async (words: string) => {
    expect(await backfillHere(words.split(' '), { env: run.env })).toMatchObject({ code: 0 })
    return (await steering.read()).map(({ action, table, spares, jobs }) => [
      action,
      table,
      spares.join(),
      jobs,
    ])
  }
  expect(await say('limit --jobs 1')).toEqual([['limit', '', '', 1]])
  expect(await say('pause --until 1h')).toEqual([
    ['pause', '', '', 0],
    ['limit', '', '', 1],
  ])
  expect(await say('resume address_reads')).toEqual([
    ['pause', '', 'address_reads', 0],
    ['limit', '', 'address_reads', 1],
  ])
  expect(await say('limit address_reads --jobs 3')).toHaveLength(3)
  expect(await say('resume')).toEqual([])
  expect((await say('pause --exclude accounts_alive')).map(([, table]) => table)).not.toContain(
    'accounts_alive',
  )
  await run.close()
})

test('a limit is the most statements of a run at once', async () => {
  const run = await begun()
  await backfillHere(['limit', '--jobs', '1'], { env: run.env })
  await run.up({ chunk: 5, jobs: 4, tableJobs: 4 })
  let running = 0
  const most = run.events.map(({ type }) => {
    running += type === 'chunk-started' ? 1 : type === 'chunk-done' ? -1 : 0
    return running
  })
  expect(done(run)).toBe(12)
  expect(Math.max(...most)).toBe(1)
  await run.close()
})

test('while the SELECT of --max-load returns a row, no chunk starts; nothing is aborted', async () => {
  const run = await begun()
  await post(server, `CREATE TABLE ${run.target}.load (part String) ENGINE = Memory`)
  await post(server, `INSERT INTO ${run.target}.load VALUES ('312 parts')`)
  const file = join(temporaryDirectory(), 'load.sql')
  await writeFile(file, `SELECT part FROM ${run.target}.load`)
  const ended = backfillHere(['up', '--json', '--tables', TABLES.join(), '--max-load', file], {
    env: run.env,
  })
  await vi.waitFor(
    async () =>
      expect(
        await rowsOf(
          server,
          `SELECT 1 FROM system.query_log WHERE query LIKE 'SELECT part FROM ${run.target}.load%'
        AND type = 'QueryFinish' AND query_kind = 'Select' LIMIT 1`,
        ),
      ).toHaveLength(1),
    { timeout: 30_000 },
  )
  await post(server, `TRUNCATE TABLE ${run.target}.load`)
  const { code, stdout } = await ended
  expect(code).toBe(0)
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; text?: string })
  const words = events.map(({ event }) => event)
  expect(events.find(({ event }) => event === 'throttled')?.text).toBe(
    `throttled by load: ${file} returns 312 parts`,
  )
  expect(words.indexOf('chunk-started')).toBeGreaterThan(words.indexOf('released'))
  const missing = await backfillHere(['up', '--max-load', 'none.sql'], { env: run.env })
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('of --max-load: ENOENT') })
  await writeFile(file, 'INSERT INTO t SELECT 1')
  const { stderr } = await backfillHere(['up', '--max-load', file], { env: run.env })
  expect(stderr).toContain('the question of --max-load begins with INSERT')
  await writeFile(file, 'SELECT part FROM no_such_table')
  await addBlocks(server, source, { from: 41, to: 50 })
  const wrong = await backfillHere(['up', '--max-load', file], { env: run.env })
  expect(wrong).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('asking the question of --max-load'),
  })
  await run.close()
})

test('`--settings` reach the statements of a run, and what is not harmless or unknown ends it before', async () => {
  const run = await begun()
  const up = (settings: string) =>
    backfillHere(['up', '--tables', 'address_reads', '--settings', settings], { env: run.env })
  expect(await up('join_use_nulls=1')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--settings: the setting join_use_nulls may not be set for a run'),
  })
  expect(await up('max_no_such=1')).toMatchObject({ code: 2, stderr: expect.stringContaining('max_no_such') })
  expect(await up('priority=7,max_threads=1')).toMatchObject({ code: 0 })
  await post(server, 'SYSTEM FLUSH LOGS')
  const sent = await rowsOf<{ priority: string }>(
    server,
    `SELECT DISTINCT Settings['priority'] AS priority FROM system.query_log
     WHERE query_id LIKE 'backfill-mainnet-address_reads-%' AND query LIKE '%INSERT%' AND has(databases, '${run.target}')
       AND Settings['max_threads'] = '1'`,
  )
  expect(sent).toEqual([{ priority: '7' }])
  await run.close()
})

test('`wait` ends with 0 when the tables are ready up to the block, else with 3 and what each waits for', async () => {
  const run = await begun()
  const wait = (...words: string[]) =>
    backfillHere(['wait', ...TABLES, '--timeout', '0', ...words], { env: run.env })
  expect(await wait('--to', '10')).toMatchObject({ code: 0, stdout: 'Ready up to block 10.\n' })
  await backfillHere(['pause', 'address_reads'], { env: run.env })
  const { code, stdout } = await wait('--to', '20')
  expect(code).toBe(3)
  expect(stdout).toMatch(
    /^address_reads {2}missing 11-20 \(10 blocks\): paused by .*\nblock_slots_stat {2}missing 11-20 .*: no run works on it: `backfill up block_slots_stat`\n$/,
  )
  await backfillHere(['resume'], { env: run.env })
  const ended = backfillHere(['wait', ...TABLES, '--to', '20'], { env: run.env })
  await run.up()
  expect(await ended).toMatchObject({ code: 0 })
  await run.close()
})

test('a ledger without the table was never steered; the first `pause` creates it, or names the GRANT', async () => {
  const run = await begun()
  await post(server, `DROP TABLE ${run.ledger}.steering SYNC`)
  expect(await run.workspace.ports.steering.read()).toEqual([])
  expect(await run.up({ to: 20 })).toMatchObject({ chunks: 2 })
  expect(await backfillHere(['pause'], { env: run.env })).toMatchObject({ code: 0 })
  expect(await run.workspace.ports.steering.read()).toHaveLength(1)
  const env = { ...run.env, BACKFILL_LEDGER_DATABASE: uniqueDatabase('none') }
  expect(await backfillHere(['pause'], { env })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no ledger yet, so no run to steer'),
  })
  await run.close()
})

test('who may only read and write the ledger may pause: nothing else is looked at', async () => {
  const own = await startWithUsers({ pauser: { grants: ['GRANT SELECT, INSERT ON l.*'] } })
  await createSourceTables(own, await readCatalogue(SQL_FOLDER), 's', SLOT_SOURCES)
  await addBlocks(own, 's', { from: 1, to: 5, tables: SLOT_SOURCES })
  const env = { ...environmentFor(own, { source: 's', target: 't', ledger: 'l' }), BACKFILL_LAG: '0' }
  expect(await backfillHere(['up', 'block_slots_stat'], { env })).toMatchObject({ code: 0 })
  const login = { TARGET_CLICKHOUSE_USERNAME: 'pauser', TARGET_CLICKHOUSE_PASSWORD: 'secret' }
  expect(await backfillHere(['pause'], { env: { ...env, ...login } })).toMatchObject({ code: 0 })
})
