// Owns the promises to a person who types something wrong: one clear line, the right exit code, nothing on stdout.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { backfill, backfillHere, expectOneMessage, MAIN, NOWHERE } from '../support/cli.ts'
import { makeProject } from '../support/launcher-project.ts'
import { temporaryDirectory } from '../support/processes.ts'

test.each<{ argv: readonly string[]; env?: Record<string, string>; says: string; code?: number }>([
  { argv: ['stats'], says: "unknown command 'stats'" },
  { argv: ['up', '--nope'], says: 'unknown flag --nope for `up`' },
  { argv: ['up', '--tables', 'address_difs'], says: "'address_difs'" },
  { argv: ['run', '--tables', ','], says: "--tables must be names separated by commas, got ','" },
  { argv: ['run'], says: '`run` needs --tables a,b or --all' },
  { argv: ['create-tables', '--all', '--tables', 'a'], says: '--tables and --all exclude each other' },
  { argv: ['status', '--network', 'mainet'], says: "'mainet'" },
  {
    argv: ['status', '--format', 'prometheus', '--check'],
    says: '--format and --check exclude each other',
  },
  { argv: ['status', '--format', 'prometheus', '--at', '5'], says: '--format and --at exclude each other' },
  { argv: ['status', '--format', 'text', '--check'], env: NOWHERE, says: '127.0.0.1:1', code: 6 },
  { argv: ['up', '--from', ''], says: "--from must be a block number, got ''" },
  { argv: ['up', '--from='], says: "--from must be a block number, got ''" },
  { argv: ['up', '--from', '--to', '5'], says: '--from needs a value: --from <block>' },
  { argv: ['up', '--from=-5'], says: "--from must be a block number, got '-5'" },
  { argv: ['up', '--from', '1e3'], says: "--from must be a block number, got '1e3'" },
  { argv: ['up', '--from', '007'], says: "--from must be a block number, got '007'" },
  { argv: ['up', '--from', '9007199254740993'], says: '--from must be a block number up to 4294967295' },
  { argv: ['up', '5'], says: "unknown table '5'" },
  { argv: ['up', '--dry-run', 'false'], says: "unknown table 'false'" },
  { argv: ['up', '--json=false'], says: "--json takes no value, got 'false'" },
  { argv: ['log', '--tables', 'address_diffs', '--tables', 'address_reads'], says: 'one table' },
  { argv: ['list', '--sql', 'xatu', '--sql', ''], says: "--sql must not be empty, got ''" },
  { argv: ['status', '--lag', '64', '--lag', '15m'], says: "--lag is given twice: '64' and '15m'" },
  { argv: ['up', '--network', '0x10'], says: "'0x10'" },
  {
    argv: ['up', '--give-up', 'soon'],
    says: "--give-up must be a time such as 90, 90s, 55m or 2h, got 'soon'",
  },
  {
    argv: ['pause', '--until', '25:00'],
    says: "--until must be a time such as 18:00, 90s, 55m or 2h, got '25:00'",
  },
  // It would pause nothing.
  { argv: ['pause', '--until', '0'], says: '--until must be a time' },
  { argv: ['run', '--all', '--start-block', ''], says: "--start-block must be a block number, got ''" },
  {
    argv: ['run', '--all', '--step-size', '-1'],
    says: "--step-size must be a whole number from 1, got '-1'",
  },
  { argv: ['doctor', '--idle', '0'], says: "--idle must be a time from 1s to 50m, got '0'" },
  { argv: ['doctor', '--idle', '2h'], says: "--idle must be a time from 1s to 50m, got '2h'" },
  { argv: ['up', '--from'], says: '--from needs a value: --from <block>' },
  { argv: ['up', '--from', '1', '--from', '2'], says: "--from is given twice: '1' and '2'" },
  { argv: ['up', '--to', 'head'], says: "--to must be a block number or a fork of mainnet, got 'head'" },
  {
    argv: ['up', '--to', '2024-13-13'],
    says: "--to must be a UTC time from 1970 to 2105, such as 2024-03-13T13:55, or a block number, got '2024-13-13'",
  },
  { argv: ['up', '--to', '-5'], says: "--to must be a block number, got '-5'" },
  {
    argv: ['up', '--to', '99999999999'],
    says: "--to must be a block number up to 4294967295, got '99999999999'",
  },
  { argv: ['up', '--to', '1.5'], says: "--to must be a block number, got '1.5'" },
  { argv: ['up', '--to', '0x10'], says: "--to must be a block number, got '0x10'" },
  { argv: ['up', '--from', '9', '--to', '8'], says: '--from 9 is after --to 8' },
  {
    argv: ['run', '--all', '--start-block', '9', '--end-block', '8'],
    says: '--start-block 9 is after --end-block 8',
  },
  { argv: ['up', '--chunk', '0'], says: "--chunk must be a whole number from 1, got '0'" },
  { argv: ['status', '--sql', 'nowhere'], says: 'cannot read ' },
  {
    argv: ['status'],
    env: { TARGET_CLICKHOUSE_URL: 'tcp://db:9000' },
    says: "TARGET_CLICKHOUSE_URL must be host:port or an http(s) URL, got 'tcp://db:9000'",
  },
  {
    argv: ['status'],
    env: { SOURCE_CLICKHOUSE_URL: 'db:99999', TARGET_CLICKHOUSE_URL: 'db' },
    says: "SOURCE_CLICKHOUSE_URL must have a port from 1 to 65535, got 'db:99999'",
  },
  {
    argv: ['status'],
    env: { ...NOWHERE, TARGET_CLICKHOUSE_PASSWORD_FILE: '/nowhere/pw' },
    says: 'cannot read the password file /nowhere/pw',
  },
  {
    argv: ['up'],
    env: { BACKFILL_JOBS: 'many' },
    says: "BACKFILL_JOBS must be a whole number from 1, got 'many'",
  },
  {
    argv: ['status'],
    env: { ...NOWHERE, TARGET_CLICKHOUSE_PASSWORD: 's3cret' },
    says: '127.0.0.1:1',
    code: 6,
  },
  { argv: ['up', '--quiet'], env: NOWHERE, says: '127.0.0.1:1', code: 6 },
])('$argv with $env: one message, $says', async ({ argv, env = {}, says, code = 2 }) => {
  const ended = await backfillHere(argv, { env })
  expect(ended.code).toBe(code)
  expect(expectOneMessage(ended)).toContain(says)
  expect(ended.stderr).not.toContain('s3cret')
})

test.each([
  { argv: ['up', '--nope'], code: 2 },
  { argv: ['status'], code: 6 },
])('$argv as a process says the same, and ends with $code', async ({ argv, code }) => {
  const cwd = temporaryDirectory()
  const ended = await backfill(argv, { cwd, env: NOWHERE })
  expect(ended).toEqual(await backfillHere(argv, { cwd, env: NOWHERE }))
  expect(ended.code).toBe(code)
})

test('an unreadable .env is one message', async () => {
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, '.env'))
  expect(await backfillHere(['status'], { cwd })).toEqual({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^backfill: cannot read .*\.env: EISDIR\n {2}\S.*\n$/),
  })
})

test('`up --json` ends with an error event when the server is down', async () => {
  const { code, stdout } = await backfillHere(['up', '--json'], { env: NOWHERE })
  expect(code).toBe(6)
  expect(JSON.parse(stdout)).toMatchObject({
    schema: 1,
    command: 'up',
    event: 'error',
    exit_code: 6,
    error: { kind: 'server' },
  })
})

test('`info` shows the settings, masked, when the server is down', async () => {
  const { code, stdout, stderr } = await backfillHere(['info'], {
    env: { TARGET_CLICKHOUSE_URL: 'http://ann:s3cret@127.0.0.1:1' },
  })
  expect(code).toBe(6)
  expect(stdout).toMatch(/target +http:\/\/127\.0\.0\.1:1 +environment TARGET_CLICKHOUSE_URL/)
  expect(stdout + stderr).not.toContain('s3cret')
})

test.for([
  ['up'],
  ['status'],
  ['plan'],
  ['doctor'],
  ['log'],
  ['verify', 'gas'],
  ['info'],
  ['import', '--from', '0', '--to', '9', '--tables', 'traces'],
])('%s without a server ends with 2 and the variable to set; nothing is started', async (argv) => {
  const cwd = temporaryDirectory()
  const { code, stderr } = await backfillHere(
    argv.map((word) => (word === 'gas' ? 'block_slots_stat' : word)),
    { cwd },
  )
  expect(code).toBe(2)
  expect(stderr).toBe(
    'backfill: no ClickHouse server is named\n  set TARGET_CLICKHOUSE_URL, in the environment or in .env; --embedded uses the embedded server\n',
  )
  expect(readdirSync(cwd)).toEqual([])
})

test('`check` without a server checks the files alone, and says so', async () => {
  const cwd = temporaryDirectory()
  const { code, stdout, stderr } = await backfillHere(['check'], { cwd })
  expect(code).toBe(0)
  expect(stderr).toBe('No server is named (TARGET_CLICKHOUSE_URL): no server is asked.\n')
  expect(stdout).toMatch(/^Checked 11 tables and \d+ unit tests without a server: no errors\n$/)
  expect(readdirSync(cwd)).toEqual([])
})

test('`list` needs no server and shows the eleven tables', async () => {
  const { code, stdout, stderr } = await backfillHere(['list'], { env: NOWHERE })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.match(/^\w+ {2}table int_\w+$/gm)).toHaveLength(11)
})

test('a reader that goes away is no error', () => {
  const { stderr } = spawnSync('sh', ['-c', '"$0" "$@" | head -n 1; :', process.execPath, MAIN, 'list'], {
    cwd: temporaryDirectory(),
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
})

test('an exit code comes through the launcher', async () => {
  // A project without dependencies: there is nothing to install, here or there.
  const command = [process.execPath, join(makeProject(), 'scripts/with-deps.mjs'), MAIN]
  const ended = await backfill(['up', '--from', ''], { command, env: NOWHERE })
  expect(ended.code).toBe(2)
  expect(ended.stdout).toBe('')
  expect(ended.stderr).toContain("\nbackfill: --from must be a block number, got ''\n")
})

test('`up --help` is on stdout, and ends with 0', async () => {
  const { code, stdout, stderr } = await backfill(['up', '--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toBe(readFileSync(join(import.meta.dirname, '../fixtures/cli/help-up.txt'), 'utf8'))
})

test('`--version` is one line', async () => {
  expect(await backfill(['--version'])).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^backfill \d+\.\d+\.\d+\n$/),
    stderr: '',
  })
})
