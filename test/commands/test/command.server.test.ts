// Owns the promises of `backfill test` to a person: what passes, what a failure looks like, what a new test is.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfill, backfillHere, environmentFor, expectOneMessage, startBackfill } from '../../support/cli.ts'
import { outcome, temporaryDirectory } from '../../support/processes.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), 'chain')
  await addBlocks(server, 'chain', { from: 1, to: 20 })
})
afterAll(() => server?.stop())

const KEY = 'block_slots_stat'
const TESTS = join('sql/tests', KEY)

/** A working folder with a copy of sql/, whose only tests are these. */
function folderWith(tests: Readonly<Record<string, string>>): string {
  const folder = temporaryDirectory()
  cpSync(SQL_FOLDER, join(folder, 'sql'), { recursive: true })
  rmSync(join(folder, 'sql/tests'), { recursive: true })
  mkdirSync(join(folder, TESTS), { recursive: true })
  for (const [name, text] of Object.entries(tests)) writeFileSync(join(folder, TESTS, name), text)
  return folder
}

const WORD = `0x${'0'.repeat(63)}`
const SET = `description: Two slots are set
range: 100
given:
  transaction: [{}]
  storage_diffs:
    - { address: 0xa, slot: 0x1, from_value: ${WORD}0, to_value: ${WORD}1 }
    - { address: 0xa, slot: 0x2, from_value: ${WORD}0, to_value: ${WORD}1 }
expect:
  - { block_number: 100, slots_cleared: 0, slots_set: 2 }
`

test('all shipped tests pass, without any server configured, and leave nothing behind', async () => {
  const cwd = temporaryDirectory()
  const temporary = temporaryDirectory()
  const { code, stdout, stderr } = await backfill(['test', '--json'], { cwd, env: { TMPDIR: temporary } })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const report = JSON.parse(stdout) as { tests: { table: string; passed: boolean }[]; failed: number }
  const { tables } = await readCatalogue(SQL_FOLDER)
  expect(new Set(report.tests.map(({ table }) => table))).toEqual(new Set(tables.map(({ key }) => key)))
  expect(report.failed).toBe(0)
  expect([...readdirSync(cwd), ...readdirSync(temporary)]).toEqual([])
})

test('a failing test shows both sides of what differs, and exits 1', async () => {
  const wrong = SET.replace('slots_set: 2', 'slots_set: 3').replace('Two slots', 'Three slots')
  const cwd = folderWith({ 'right.yaml': SET, 'wrong.yaml': wrong })
  const { code, stdout, stderr } = await backfill(['test', KEY, '--sql', 'sql'], { cwd })
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  expect(stdout.replace(/ in [\d.]+ s\n$/, '\n')).toBe(`table             tests  failed
block_slots_stat      2       1

FAILED block_slots_stat/wrong  sql/tests/block_slots_stat/wrong.yaml
  Three slots are set
  - expected, 1 row missing; + found, 1 row too many; 0 rows as expected
     block_number  slots_cleared  slots_set
  -  100           0              3
  +  100           0              2

2 tests: 1 failed, 1 passed
`)
  const json = await backfillHere(['test', '--tables', KEY, '--sql', 'sql', '--json'], { cwd })
  expect(json.code).toBe(1)
  expect(JSON.parse(json.stdout)).toMatchObject({
    schema: 1,
    passed: 1,
    failed: 1,
    tests: [
      { table: KEY, test: `${KEY}/right`, passed: true, error: null, missing: [], unexpected: [] },
      {
        test: `${KEY}/wrong`,
        passed: false,
        columns: ['block_number', 'slots_cleared', 'slots_set'],
        missing: [[100, 0, 3]],
        unexpected: [[100, 0, 2]],
      },
    ],
  })
})

test('a row that is expected twice and found once is missing once', async () => {
  const cwd = folderWith({
    'twice.yaml': `${SET}  - { block_number: 100, slots_cleared: 0, slots_set: 2 }\n`,
  })
  const { code, stdout } = await backfill(['test', KEY, '--sql', 'sql'], { cwd })
  expect(code).toBe(1)
  expect(stdout).toContain('- expected, 1 row missing; + found, 0 rows too many; 1 row as expected')
})

test('a transform that ClickHouse rejects fails its tests with the words of the server', async () => {
  const cwd = folderWith({ 'right.yaml': SET })
  const file = join(cwd, 'sql/transforms', `${KEY}.sql`)
  writeFileSync(file, readFileSync(file, 'utf8').replace('countIf(is_set)', 'countIfs(is_set)'))
  const { code, stdout } = await backfillHere(['test', KEY, '--sql', 'sql'], { cwd })
  expect(code).toBe(1)
  expect(stdout).toMatch(/FAILED block_slots_stat\/right .*\n {2}Two slots are set\n {2}.*countIfs/)
})

test.for<{ what: string; tests: Record<string, string>; argv?: string[]; says: string }>([
  {
    what: 'a file that is wrong',
    tests: { 'right.yaml': SET, 'wrong.yaml': SET.replace('slots_set', 'slots_st') },
    says: "sql/tests/block_slots_stat/wrong.yaml:9:44: unknown column 'slots_st'",
  },
  { what: 'a table without tests', tests: {}, says: 'sql/tests for block_slots_stat' },
  {
    what: 'a file that would not run',
    tests: { 'right.yml': SET },
    says: 'sql/tests/block_slots_stat/right.yml: is not a test file and never runs',
  },
  {
    what: 'an unknown table',
    tests: { 'right.yaml': SET },
    argv: ['block_slot_stat'],
    says: "unknown table 'block_slot_stat'",
  },
  {
    what: '--new without a range',
    tests: {},
    argv: ['--new', KEY],
    says: '--new needs --from <block>, the first block',
  },
  {
    what: 'a range without --new',
    tests: { 'right.yaml': SET },
    argv: [KEY, '--from', '5'],
    says: '--from is for --new only',
  },
])('$what is one message, exit 2', async ({ tests, argv = [KEY], says }) => {
  const ended = await backfillHere(['test', ...argv, '--sql', 'sql'], { cwd: folderWith(tests) })
  expect(expectOneMessage(ended)).toContain(says)
  expect(ended.code).toBe(2)
})

test('a folder that bears the name of no table is one message, exit 2', async () => {
  const cwd = folderWith({ 'right.yaml': SET })
  mkdirSync(join(cwd, 'sql/tests/block_slot_stat'))
  const ended = await backfillHere(['test', '--sql', 'sql'], { cwd })
  expect(expectOneMessage(ended)).toContain("sql/tests/block_slot_stat: there is no table 'block_slot_stat'")
  expect(ended.code).toBe(2)
})

test('--new writes a test of real rows that passes, and never overwrites it', async () => {
  const cwd = folderWith({})
  const env = environmentFor(server, { source: 'chain', target: 'nowhere', ledger: 'nowhere' })
  const file = join(TESTS, 'mainnet-3-5.yaml')
  const argv = ['test', '--new', KEY, '--from', '3', '--to', '5', '--sql', 'sql']
  const written = await backfill(argv, { cwd, env })
  expect(written).toMatchObject({
    code: 0,
    stdout: `Wrote ${file}: 6 given rows, 3 expected rows.\n`,
  })
  const text = readFileSync(join(cwd, file), 'utf8')
  expect(text).toContain('description: Blocks 3 to 5 of mainnet\nnetwork: mainnet\nrange: 3-5\n')
  expect(text).toMatch(/^expect:\n( {2}- \{ block_number: [345], slots_cleared: 0, slots_set: 1 \}\n){3}$/m)

  const ended = await backfillHere(['test', '--sql', 'sql'], { cwd })
  expect(ended.stdout).toContain('1 test: 1 passed')
  expect(ended.code).toBe(0)

  const again = await backfillHere(argv, { cwd, env })
  expect(expectOneMessage(again)).toContain(`${file} exists already`)
  expect(again.code).toBe(2)
  expect(readFileSync(join(cwd, file), 'utf8')).toBe(text)
})

test('--new writes maps and tuples, and leaves out times of writing and states of aggregate functions', async () => {
  const cwd = folderWith({})
  const edit = (file: string, was: string, is: string) => {
    const path = join(cwd, 'sql', file)
    writeFileSync(path, readFileSync(path, 'utf8').replace(was, is))
  }
  edit(
    `transforms/${KEY}.sql`,
    'SELECT\n    toUInt32(block) AS block_number,',
    `SELECT
    toUInt32(block) AS block_number, now() AS written_at, unhex('ff00') AS bytes, nan AS f, -0.0 AS z, uniqState(tx) AS seen,
    map('a b', toUInt64(7), '10', toUInt64(8)) AS m, CAST((1, 'x'), 'Tuple(n UInt64, \`a s\` String)') AS t,`,
  )
  edit(
    `ddl/${KEY}.sql`,
    '    slots_cleared',
    `    written_at DateTime, bytes String, f Float64, z Float64, seen AggregateFunction(uniq, UInt64), m Map(String, UInt64), t Tuple(n UInt64, \`a s\` String),
    slots_cleared`,
  )
  const env = environmentFor(server, { source: 'chain', target: 'nowhere', ledger: 'nowhere' })
  const argv = ['test', '--new', KEY, '--from', '3', '--to', '4', '--sql', 'sql']
  const written = await backfillHere(argv, { cwd, env })
  expect(written.code, written.stderr).toBe(0)
  const text = readFileSync(join(cwd, TESTS, 'mainnet-3-4.yaml'), 'utf8')
  expect(text).toContain(
    `- { block_number: 3, f: nan, z: -0, m: { 10: 8, a b: 7 }, t: { n: 1, a s: x }, slots_cleared: 0`,
  )
  const ended = await backfillHere(['test', '--sql', 'sql'], { cwd })
  expect(ended.stdout).toContain('1 test: 1 passed')
})

test('--new for blocks without rows writes nothing', async () => {
  const cwd = folderWith({})
  const env = environmentFor(server, { source: 'chain', target: 'nowhere', ledger: 'nowhere' })
  const ended = await backfillHere(['test', '--new', KEY, '--from', '300', '--sql', 'sql'], { cwd, env })
  expect(expectOneMessage(ended)).toContain(
    'block 300: no row of mainnet in the tables that block_slots_stat reads',
  )
  expect(ended.code).toBe(2)
  expect(readdirSync(join(cwd, TESTS))).toEqual([])
})

test('Ctrl-C ends the tests soon and leaves nothing behind', async () => {
  const temporary = temporaryDirectory()
  const child = startBackfill(['test'], { env: { TMPDIR: temporary } })
  const ended = outcome(child)
  while (readdirSync(temporary).length === 0) await sleep(50)
  child.kill('SIGINT')
  expect(await ended).toEqual({ code: 130, stdout: '', stderr: 'Stopping.\n' })
  expect(readdirSync(temporary)).toEqual([])
})
