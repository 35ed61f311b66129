// Owns the promises to a person who types something wrong: one clear line, the right exit code, nothing on stdout.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')
const NOWHERE = { TARGET_CLICKHOUSE_URL: '127.0.0.1:1' }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backfill-usage-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

async function backfill(argv: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...argv], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
  })
  const ended = new Promise<number | null>((done) => child.once('close', done))
  const [stdout, stderr] = await Promise.all([readAll(child.stdout), readAll(child.stderr)])
  return { code: await ended, stdout, stderr }
}

async function readAll(stream: Readable): Promise<string> {
  return (await stream.setEncoding('utf8').toArray()).join('')
}

test.each<{ argv: readonly string[]; env?: Record<string, string>; says: string; code?: number }>([
  { argv: [], says: 'no command given' },
  { argv: ['stats'], says: "unknown command 'stats'" },
  { argv: ['up', '--nope'], says: 'unknown flag --nope for `up`' },
  { argv: ['up', '--tables', 'address_difs'], says: "'address_difs'" },
  { argv: ['run', '--tables', ','], says: "--tables must be names separated by commas, got ','" },
  { argv: ['run'], says: '`run` needs --tables a,b or --all' },
  { argv: ['create-tables', '--all', '--tables', 'a'], says: '--tables and --all exclude each other' },
  { argv: ['status', '--network', 'mainet'], says: "'mainet'" },
  { argv: ['up', '--from', ''], says: "--from must be a block number, got ''" },
  { argv: ['up', '--from'], says: '--from needs a value: --from <N>' },
  { argv: ['up', '--from', '1', '--from', '2'], says: "--from is given twice: '1' and '2'" },
  { argv: ['up', '--to', 'head'], says: "--to must be a block number, got 'head'" },
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
    env: { SOURCE_CLICKHOUSE_URL: 'db:99999' },
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
  const ended = await backfill(argv, env)
  expect(ended).toMatchObject({ code, stdout: '' })
  const [message = '', ...hints] = ended.stderr.trimEnd().split('\n')
  expect(message).toMatch(/^backfill: /)
  expect(message).toContain(says)
  // A hint is one indented line; anything more would be a second message or a stack.
  expect(hints.filter((line) => !/^ {2}\S/.test(line) || /^ +at /.test(line))).toEqual([])
  expect(hints.length).toBeLessThanOrEqual(1)
  expect(ended.stderr).not.toContain('s3cret')
})

test('an unreadable .env is one message', async () => {
  mkdirSync(join(folder, '.env'))
  expect(await backfill(['status'])).toEqual({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^backfill: cannot read .*\.env: EISDIR\n {2}\S.*\n$/),
  })
})

test('`up --json` ends with an error event when the server is down', async () => {
  const { code, stdout } = await backfill(['up', '--json'], NOWHERE)
  expect(code).toBe(6)
  expect(JSON.parse(stdout)).toMatchObject({ schema: 1, event: 'error', kind: 'server' })
})

test('`info` shows the settings, masked, when the server is down', async () => {
  const { code, stdout, stderr } = await backfill(['info'], {
    TARGET_CLICKHOUSE_URL: 'http://ann:s3cret@127.0.0.1:1',
  })
  expect(code).toBe(6)
  expect(stdout).toMatch(/target +http:\/\/127\.0\.0\.1:1 +environment TARGET_CLICKHOUSE_URL/)
  expect(stdout + stderr).not.toContain('s3cret')
})

test('`list` needs no server and shows the eleven tables', async () => {
  const { code, stdout, stderr } = await backfill(['list'], NOWHERE)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.match(/^\w+ {2}table int_\w+$/gm)).toHaveLength(11)
})

test('a reader that goes away is no error', async () => {
  const child = spawn('sh', ['-c', '"$0" "$@" | head -n 1; :', process.execPath, MAIN, 'list'], {
    cwd: folder,
  })
  const stderr = await readAll(child.stderr)
  expect(stderr).toBe('')
})

test.each(['', 'up', 'plan', 'status', 'list', 'info', 'create-tables', 'run', 'demo'])(
  'the help of `%s`',
  async (command) => {
    const { code, stdout, stderr } = await backfill([command, '--help'].filter(Boolean))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110)
    await expect(stdout).toMatchFileSnapshot(`../fixtures/cli/help${command && `-${command}`}.txt`)
  },
)

test('`--version` is one line', async () => {
  expect(await backfill(['--version'])).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^backfill \d+\.\d+\.\d+\n$/),
    stderr: '',
  })
})
