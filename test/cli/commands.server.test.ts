// Owns the promises of each command that works, on a real server: what it prints, what it writes, how it ends.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { toolVersion } from '../../src/package-folder.ts'
import { backfillHere, environmentFor } from '../support/cli.ts'
import type { Outcome } from '../support/processes.ts'
import { serverTime, writesSince } from '../support/audit.ts'
import { rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

const BLOCKS = 3000
let server: TestServer
const source = uniqueDatabase('source')
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  await addBlocks(server, source, { from: 1, to: BLOCKS })
})
afterAll(() => server?.stop())

/** A person with a target and a ledger of their own, and the lag set to 0. */
function person() {
  const own = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const env = { ...environmentFor(server, own), BACKFILL_LAG: '0' }
  return { ...own, run: (words: string): Promise<Outcome> => backfillHere(words.split(' '), { env }) }
}

const SLOTS = '--tables block_slots_stat'

test('`up` twice: the second run writes neither rows nor events', async () => {
  const { run, ledger } = person()
  const start = await serverTime(server)
  await run('up')
  expect((await writesSince(server, start)).length).toBeGreaterThan(0)
  const before = await events(ledger)
  const since = await serverTime(server)
  expect(await run('up')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\S+Z Nothing to do; .*\n$/),
  })
  expect(await events(ledger)).toEqual(before)
  expect(await writesSince(server, since)).toEqual([])
})

test('`up --json` is one JSON object per line, from the first event to the summary', async () => {
  const { run, target } = person()
  const { code, stdout, stderr } = await run(`up ${SLOTS} --chunk 2000 --jobs 1 --json`)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const table = 'block_slots_stat'
  const [started, done] = ['chunk-started', 'chunk-done']
  expect(lines.map(({ event }) => event)).toEqual([
    'run',
    'created',
    'table',
    started,
    done,
    started,
    done,
    'summary',
  ])
  expect(lines).toMatchObject([
    { schema: 1, run_id: expect.any(String), target: expect.stringContaining(target) },
    { schema: 1, table, target: `${target}.int_block_slots_stat` },
    { schema: 1, table, missing_blocks: BLOCKS, done_blocks: 0 },
    { schema: 1, table, from: 1, to: 2000, query_id: expect.stringContaining(table) },
    { schema: 1, table, from: 1, to: 2000, rows_written: 2000, elapsed_ms: expect.any(Number) },
    { schema: 1, table, from: 2001, to: 3000 },
    { schema: 1, table, from: 2001, to: 3000, rows_written: 1000 },
    { schema: 1, chunks: 2, blocks: BLOCKS, rows_written: BLOCKS, failed: [], interrupted: false },
  ])
})

test('`status --json` has the promised keys and nothing else: numbers as numbers, null where unknown', async () => {
  const { run, target } = person()
  await run(`up ${SLOTS} --from 11 --to 2000`)
  const { code, stdout, stderr } = await run('status --json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { tables, ...rest } = JSON.parse(stdout) as { tables: readonly { readonly table: string }[] }
  expect(rest).toEqual({
    schema: 1,
    command: 'status',
    generated_at: expect.stringMatching(/^\d{4}-.*Z$/),
    network: 'mainnet',
    tool_version: toolVersion(),
    head: BLOCKS,
    newest: BLOCKS,
    lag: 0,
    other_networks: null,
    source_age_seconds: expect.objectContaining({ canonical_execution_traces: expect.any(Number) }),
  })
  expect(tables).toHaveLength(11)
  const of = (key: string) => tables.find(({ table }) => table === key)
  expect(of('block_slots_stat')).toEqual({
    holds: [],
    kept: null,
    limit: null,
    standstill: null,
    source_head: BLOCKS,
    unprobed: [],
    last_failure: null,
    misfit: null,
    table: 'block_slots_stat',
    target: `${target}.int_block_slots_stat`,
    target_uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    after: [],
    events_since_checkpoint: 0,
    unit: 'block',
    first: 1,
    head: BLOCKS,
    newest: BLOCKS,
    watermark: null,
    covered: [[11, 2000]],
    accepted: [],
    arrived: [],
    absences: [],
    missing: [
      [1, 10],
      [2001, BLOCKS],
    ],
    missing_blocks: 1010,
    done_blocks: 1990,
    expected_blocks: BLOCKS,
    expected_ms: expect.any(Number),
    in_progress: [],
    rows: 1990,
    may_merge: true,
    lock: null,
    notes: [],
    hint: null,
    source_gaps: [],
    incomplete: [],
    dirty: [],
    stale: [],
    sql_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    stale_versions: [],
    state: 'missing',
    last_run: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
  })
  const absent = of('post_6780_accounts_destructs')!
  expect(Object.keys(absent)).toEqual(Object.keys(of('block_slots_stat')!))
  expect(absent).toMatchObject({
    first: null,
    head: null,
    rows: null,
    last_run: null,
    missing_blocks: 0,
    state: 'not created',
  })
})

test('`status` floors the percentage and says 100.0 % only when no block is missing; --check says it by code', async () => {
  const { run } = person()
  const done = async () => {
    const { stdout, code } = await run(`status ${SLOTS} --check`)
    return { code, done: /^block_slots_stat .* (\d+\.\d %)/m.exec(stdout)?.[1] }
  }
  expect(await done()).toEqual({ code: 3, done: '0.0 %' })
  await run(`up ${SLOTS} --from 2`)
  expect(await done()).toEqual({ code: 3, done: '99.9 %' })
  await run(`up ${SLOTS}`)
  expect(await done()).toEqual({ code: 0, done: '100.0 %' })
})

test.for(['plan', 'up --dry-run', 'status'])('`%s` writes nothing at all', async (command) => {
  const { run, target, ledger } = person()
  await run(`up ${SLOTS} --to 100`)
  for (const { person: who, missing } of [
    { person: run, missing: '2,900' },
    { person: person().run, missing: '3,000' },
  ]) {
    const [before, since] = [await tableNames(), await serverTime(server)]
    const { code, stdout, stderr } = await who(
      command === 'status' ? `status ${SLOTS}` : `${command} ${SLOTS} --chunk 1000`,
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    if (command !== 'status') expect(stdout).toMatch(new RegExp(`^block_slots_stat +3 +${missing} `, 'm'))
    expect(await tableNames()).toEqual(before)
    expect(await writesSince(server, since)).toEqual([])
  }
  expect(await tableNames()).toContain(`${ledger}_locks.mainnet__block_slots_stat__00000000000000000001`)
  expect(await tableNames()).toContain(`${target}.int_block_slots_stat`)
})

test('`create-tables` creates the tables it is given and those they read, or all', async () => {
  const { run, target } = person()
  const some = await run('create-tables --tables block_slots_stat,address_reads')
  expect(some).toEqual({
    code: 0,
    stderr: '',
    stdout: `created  ${target}.int_address_reads\ncreated  ${target}.int_block_slots_stat\n`,
  })
  const all = await run('create-tables --all')
  expect(all).toMatchObject({ code: 0, stderr: '' })
  const [created, exists] = [/^created {2}/gm, /^exists {3}/gm].map((kind) => all.stdout.match(kind)?.length)
  expect({ created, exists }).toEqual({ created: 9, exists: 2 })
  expect((await tableNames()).filter((name) => name.startsWith(`${target}.int_`))).toHaveLength(11)
})

test('`list` shows what each table is made of', async () => {
  const { stdout, code } = await person().run('list')
  expect(code).toBe(0)
  expect(stdout).toContain('block_slots_stat  table int_block_slots_stat\n')
  expect(stdout).toContain('Per block, how many storage slots were set and cleared')
})

test('`info` shows settings, servers and locks', async () => {
  const { run, ledger } = person()
  const { code, stdout, stderr } = await run('info')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^backfill \d+\.\d+\.\d+ on Node \d+/)
  expect(stdout).toMatch(
    new RegExp(`^ledger database +${ledger} +environment BACKFILL_LEDGER_DATABASE$`, 'm'),
  )
  expect(stdout).toMatch(/^servers {2}one server, rows stay inside the server\n {2}ClickHouse \d+\.\d+/m)
})

test('`run` takes the flags of the Python scripts and obeys the ledger', async () => {
  const { run } = person()
  const first = await run(`run ${SLOTS} --create-tables --start-block 1 --end-block 1000 --step-size 500`)
  expect(first.code).toBe(0)
  expect(first.stdout).toContain('Done: 2 chunks, 1,000 blocks')
  const second = await run(`run ${SLOTS} --start-block 501 --end-block 1500 --step-size 5000`)
  expect(second.stderr).toMatch(/block_slots_stat {2}1001-1500 {2}500 rows/)
  expect(second.stdout).toContain('Done: 1 chunk, 500 blocks')
})

/** Events of a ledger, checkpoints left out. */
function events(ledger: string): Promise<unknown[]> {
  const select = `SELECT table_key, epoch, seq, event FROM {ledger:Identifier}.ledger WHERE event != 'checkpoint' ORDER BY ALL`
  return rowsOf(server, select, { ledger })
}

/** Names of all tables of the server. */
async function tableNames(): Promise<string[]> {
  const select = `SELECT concat(database, '.', name) AS name FROM system.tables WHERE database != 'system' ORDER BY name`
  const rows = await rowsOf<{ name: string }>(server, select)
  return rows.map(({ name }) => name)
}
