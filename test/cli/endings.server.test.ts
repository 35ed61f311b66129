// Owns the promises of runs that do not go through: a table that fails, a lock that is held, Ctrl-C, a closed pipe.
import { spawnSync } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfill, environmentFor, MAIN, startBackfill } from '../support/cli.ts'
import { outcome, temporaryDirectory } from '../support/processes.ts'
import { rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../support/workspace.ts'

const BLOCKS = 400
let server: TestServer
const source = uniqueDatabase('source')
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  await addBlocks(server, source, { from: 1, to: BLOCKS })
})
afterAll(() => server?.stop())

const createLedgerIn = ({ workspace }: TestWorkspace) =>
  workspace.ports.target.prepare(workspace.catalogue.ledger)

const TABLE = 'block_slots_stat'

/** A person with a target and a ledger of their own and with SQL files in which a condition slows or breaks TABLE. */
function person(condition: string) {
  const cwd = temporaryDirectory()
  cpSync(SQL_FOLDER, join(cwd, 'sql'), { recursive: true })
  writeFileSync(
    join(cwd, `sql/transforms/${TABLE}.sql`),
    `--! description: Something to do for each block
--! target: int_${TABLE}
--! sources: canonical_execution_transaction
--! settings: function_sleep_max_microseconds_per_block = 0
--! rows: per-block
SELECT toUInt32(block_number) AS block_number, toUInt32(1) AS slots_cleared, toUInt32(2) AS slots_set
FROM {source:Identifier}.canonical_execution_transaction FINAL
WHERE meta_network_name = {network:String}
  AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
  AND ${condition}
`,
  )
  const databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const env = { ...environmentFor(server, databases), BACKFILL_LAG: '0', BACKFILL_SQL: 'sql' }
  return { ...databases, options: { cwd, env } }
}

/** A twentieth of a second for every block. */
const SLOW = 'sleepEachRow(0.05) = 0'

test('one table fails: the others finish, it is named with its error, and the exit code is 1', async () => {
  const { target, ledger, options } = person(`throwIf(block_number = 150, 'block 150 is bad') = 0`)
  const { code, stdout, stderr } = await backfill(['up', '--chunk', '100', '--jobs', '1'], options)
  expect(code).toBe(1)
  expect(stdout).toMatch(
    /^\S+Z 1 table failed; done: [\d,]+ chunks, .*; network mainnet, target \w+ on http:.*\n$/,
  )
  expect(
    stderr
      .trimEnd()
      .split('\n')
      .findLast((line) => !line.startsWith('  ')),
  ).toMatch(new RegExp(`^backfill: ${TABLE}: .*block 150 is bad`))
  expect(stderr).not.toMatch(/^ +at /m)
  const status = await backfill(['status', '--json'], options)
  const { tables } = JSON.parse(status.stdout) as {
    tables: readonly { table: string; state: string; missing_blocks: number; dirty: unknown }[]
  }
  for (const { table, state, missing_blocks } of tables.filter((one) => one.table !== TABLE))
    expect({ table, state, missing_blocks }).toEqual({
      table,
      state: table === 'post_6780_accounts_destructs' ? 'waiting' : 'up to date',
      missing_blocks: 0,
    })
  expect(tables.find((one) => one.table === TABLE)).toMatchObject({
    state: 'dirty',
    dirty: [[101, 200]],
    covered: [[1, 100]],
  })
  expect(
    await rowsOf(server, `SELECT count() AS rows FROM {target:Identifier}.int_${TABLE}`, { target }),
  ).toEqual([{ rows: 100 }])
  expect(await chunkEvents(ledger, TABLE)).toEqual([
    'started 1-100',
    'done 1-100',
    'started 101-200',
    'failed 101-200',
  ])
})

test('a second run names the holder of the lock and writes nothing; Ctrl-C ends the first, and the next goes on', async () => {
  const { target, ledger, options } = person(SLOW)
  const argv = ['up', '--tables', TABLE]
  const first = startBackfill([...argv, '--chunk', '20', '--jobs', '1'], options)
  const firstEnded = outcome(first)
  while ((await chunkEvents(ledger, TABLE)).length === 0) await sleep(100)

  const second = await backfill([...argv, '--chunk', '7'], options)
  expect(second.code).toBe(5)
  expect(second.stderr).toContain(`backfill: ${TABLE} is locked by process ${first.pid} on ${hostname()}`)
  expect(second.stderr).not.toMatch(/^ +at /m)

  first.kill('SIGINT')
  const { code, stdout, stderr } = await firstEnded
  expect(code, stderr).toBe(130)
  // A busy machine may deliver the signal between two chunks.
  expect(stderr).toMatch(
    /Stopping: (1 chunk is finishing|nothing is in flight); press Ctrl-C again to exit immediately\./,
  )
  expect(stdout).toMatch(/^\S+Z Interrupted; done: \d+ chunks, .*`backfill up [^`]+` resumes from here\.\n$/)
  const events = await chunkEvents(ledger, TABLE)
  // Chunks of 20 blocks, one after the other, are the first run's.
  const ranges = Array.from(
    { length: events.length / 2 },
    (_, index) => `${index * 20 + 1}-${index * 20 + 20}`,
  )
  expect(events).toEqual(ranges.flatMap((range) => [`started ${range}`, `done ${range}`]))
  expect(ranges.length * 20).toBeLessThan(BLOCKS)

  const status = await backfill(['status', '--tables', TABLE], options)
  expect(status.stdout).not.toContain('being processed')
  const third = await backfill([...argv, '--chunk', '20', '--table-jobs', '4', '--jobs', '4'], options)
  expect(third).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\S+Z Done: /) })
  expect(third.stderr).not.toContain('waiting')
  expect(
    await rowsOf(
      server,
      `SELECT count() AS rows, uniqExact(block_number) AS blocks, max(block_number) AS last FROM {target:Identifier}.int_${TABLE}`,
      { target },
    ),
  ).toEqual([{ rows: BLOCKS, blocks: BLOCKS, last: BLOCKS }])
})

/** The runs that have written chunk events, with their tables. */
const runsIn = (ledger: string) =>
  rowsOf<{ run_id: string; tables: number }>(
    server,
    `SELECT run_id, uniqExact(table_key) AS tables FROM {ledger:Identifier}.ledger WHERE event IN ('started', 'done', 'failed') GROUP BY run_id`,
    { ledger },
  )

test('of two runs of `up` started in the same instant one does everything, and the other ends with 5 and wrote nothing', async () => {
  const { ledger, options } = person(SLOW)
  const tables = ['address_reads', TABLE, 'pre_6780_accounts_destructs']
  const argv = ['up', '--tables', tables.toReversed().join(','), '--chunk', '40', '--jobs', '2']
  const both = [0, 1].map(() => startBackfill(argv, options))
  const ends = both.map((child) => outcome(child))
  while ((await chunkEvents(ledger, TABLE)).length === 0) await sleep(100)
  // The one that has begun holds all its locks: others are left out, or waited for.
  const late = Promise.all(
    ['--lock-skip', '--lock-wait=2m'].map((flag) => backfill([...argv, flag], options)),
  )
  const [winner, loser] = (await Promise.all(ends)).toSorted((one, other) => one.code! - other.code!)
  expect([winner!.code, loser!.code], winner!.stderr).toEqual([0, 5])
  expect(loser!.stderr).toMatch(/^backfill: \w+ is locked by process \d+ on \S+ \(up since /m)
  expect(loser!.stderr).not.toContain('chunk ')
  const [skipped, waited] = await late
  expect(skipped).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\S+Z Nothing to do;/) })
  expect(skipped!.stderr.match(/left out: /g)).toHaveLength(tables.length)
  expect(waited).toMatchObject({ code: 0 })
  expect(waited!.stderr).toContain(`stands still: lock of host ${hostname()} (process `)
  expect(await runsIn(ledger)).toEqual([{ run_id: expect.any(String), tables: tables.length }])
})

test('where `redo` holds a table, the other tables run, and the code is 5', async () => {
  const { source: from, target, ledger, options } = person('true')
  const other = await openTestWorkspace({ server, source: from, target, ledger, tables: [TABLE] })
  onTestFinished(() => other.close())
  await createLedgerIn(other)
  const lock = await other.workspace.ports.locks.acquire(TABLE, () => {}, 0, 'redo')
  const run = await backfill(['up', '--tables', `${TABLE},address_reads`], options)
  await lock.release()
  expect(run.code).toBe(5)
  expect(run.stderr).toContain(`backfill: ${TABLE}: ${TABLE} is locked by process ${process.pid} on`)
  expect(await runsIn(ledger)).toEqual([{ run_id: expect.any(String), tables: 1 }])
  expect(await chunkEvents(ledger, 'address_reads')).toContain(`done 1-${BLOCKS}`)
})

test('unlock asks before it frees the lock of a living run, and the run that has lost it says so', async () => {
  const { ledger, options } = person(SLOW)
  const ended = outcome(startBackfill(['up', '--tables', TABLE, '--chunk', '20', '--jobs', '1'], options))
  while ((await chunkEvents(ledger, TABLE)).length === 0) await sleep(100)
  const asked = await backfill(['unlock', '--tables', TABLE], options)
  expect(asked).toMatchObject({ code: 2, stdout: '' })
  expect(asked.stderr).toMatch(
    /cannot ask for confirmation .* is locked by process \d+ on .*, and it is alive/,
  )
  const freed = await backfill(['unlock', '--tables', TABLE, '--yes'], options)
  expect(freed).toMatchObject({ code: 0, stdout: expect.stringContaining('freed; it was held by process') })
  const { code, stderr } = await ended
  expect(code, stderr).toBe(5)
  expect(stderr).toMatch(/lost the lock while .* \(taken or freed by someone else\)/)
})

test('SIGTERM ends a run like Ctrl-C, with the code that a shell expects', async () => {
  const { ledger, options } = person(SLOW)
  const run = startBackfill(['up', '--tables', TABLE, '--chunk', '20'], options)
  const ended = outcome(run)
  while ((await chunkEvents(ledger, TABLE)).length === 0) await sleep(100)
  run.kill('SIGTERM')
  expect((await ended).code).toBe(143)
  expect((await chunkEvents(ledger, TABLE)).at(-1)).toMatch(/^done /)
})

test('a reader that goes away does not stop the work, and is no crash', async () => {
  const { ledger, options } = person('true')
  const { stderr, status } = spawnSync(
    'sh',
    [
      '-c',
      `"$0" "$@" --json 2>stderr | head -n 1; cat stderr >&2`,
      process.execPath,
      MAIN,
      'up',
      '--tables',
      TABLE,
      '--chunk',
      '20',
    ],
    { ...options, env: { PATH: process.env['PATH'], ...options.env }, encoding: 'utf8' },
  )
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect((await chunkEvents(ledger, TABLE)).filter((event) => event.startsWith('done'))).toHaveLength(
    BLOCKS / 20,
  )
})

/** `<event> <from>-<to>` of a table's chunks, in the ledger's order; none where there is no ledger yet. */
async function chunkEvents(ledger: string, key: string): Promise<string[]> {
  const exists = await rowsOf(server, 'SELECT 1 FROM system.tables WHERE database = {ledger:String}', {
    ledger,
  })
  if (exists.length === 0) return []
  const rows = await rowsOf<{ event: string }>(
    server,
    `SELECT concat(event, ' ', toString(range_from), '-', toString(range_to)) AS event FROM {ledger:Identifier}.ledger
    WHERE table_key = {key:String} AND ledger.event != 'checkpoint' ORDER BY epoch, seq`,
    { ledger, key },
  )
  return rows.map(({ event }) => event)
}
