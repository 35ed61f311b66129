// Owns the promises of the program in a process of its own, whatever disk, terminal, folder and signals it meets.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { backfill, backfillHere, expectOneMessage, MAIN, startBackfill } from '../support/cli.ts'
import { outcome, repository, temporaryDirectory } from '../support/processes.ts'

/** The program behind a shell command that changes what it meets. */
const behind = (shell: string) => ['bash', '-c', `${shell}; exec "$0" "$@"`, process.execPath, MAIN]

/** A copy of the SQL folder that ships with the program. */
function sqlCopy(): string {
  const folder = temporaryDirectory()
  cpSync(join(repository, 'sql'), folder, { recursive: true })
  return folder
}

test.skipIf(!existsSync('/dev/full')).for(['list', 'list --help', 'completion bash'])(
  'a result that cannot be written is said in a sentence, and the code is not 0: %s',
  async (words) => {
    const ended = await backfill(words.split(' '), { command: behind('exec >/dev/full') })
    expect(ended.code).toBe(1)
    expect(expectOneMessage(ended)).toMatch(/cannot write the result: ENOSPC/)
  },
)

test.skipIf(!existsSync('/dev/full'))(
  'a log that cannot be written ends nothing, but the code is not 0',
  async () => {
    const { code, stdout } = await backfill(['new', 'gas', '--sql', sqlCopy()], {
      command: behind('exec 2>/dev/full'),
    })
    expect({ code, stdout }).toMatchObject({ code: 1, stdout: expect.stringContaining('Wrote ') })
  },
)

test('NO_COLOR beats FORCE_COLOR, and nothing says the opposite', async () => {
  const env = { NO_COLOR: '1', FORCE_COLOR: '1', TARGET_CLICKHOUSE_URL: '127.0.0.1:1' }
  const ended = await backfill(['status'], { env })
  expect(expectOneMessage(ended)).toMatch(/^backfill: cannot reach ClickHouse/)
  expect(ended.stderr).not.toContain('ignored')
  expect(ended.stderr).not.toContain('\u001b')
})

test('a working folder that is gone is said as such', async () => {
  const ended = await backfill(['list'], { command: behind('d=$(mktemp -d); cd "$d"; rmdir "$d"') })
  expect(ended.code).toBe(2)
  expect(expectOneMessage(ended)).toBe('backfill: the working folder is gone')
})

test('a folder with more tables than a process may have files open is read', async () => {
  const sql = sqlCopy()
  for (const folder of ['ddl', 'transforms']) {
    const text = readFileSync(join(sql, folder, 'block_slots_stat.sql'), 'utf8')
    for (let n = 0; n < 150; n++)
      writeFileSync(join(sql, folder, `t${n}.sql`), text.replaceAll('int_block_slots_stat', `int_t${n}`))
  }
  const listed = await backfill(['list', '--json', '--sql', sql], { command: behind('ulimit -n 128') })
  expect({ ...listed, stdout: '' }).toEqual({ code: 0, stdout: '', stderr: '' })
  expect((JSON.parse(listed.stdout) as { tables: unknown[] }).tables).toHaveLength(161)
})

test('new on a full disk leaves nothing behind', async () => {
  const sql = sqlCopy()
  const before = readdirSync(sql, { recursive: true })
  const ended = await backfill(['new', 'gas', '--sql', sql], {
    command: behind('ulimit -f 0'),
    env: { NODE_COMPILE_CACHE: '' },
  })
  expect(ended.code).toBe(2)
  expect(expectOneMessage(ended)).toMatch(/cannot write .*gas\.sql: EFBIG/)
  expect(ended.stderr).toContain('make room on that disk')
  expect(readdirSync(sql, { recursive: true })).toEqual(before)
})

test.skipIf(process.platform !== 'linux')(
  'a folder in which nothing can be made is named, and not waited for',
  async () => {
    const ended = await backfillHere(['init', '/proc/backfill/tables'])
    expect(ended.code).toBe(2)
    expect(expectOneMessage(ended)).toBe('backfill: cannot write /proc/backfill/tables/README.md: ENOENT')
  },
)

test('without a folder for temporary files, TMPDIR is named, and no defect', async () => {
  const ended = await backfill(['test', 'block_slots_stat'], { env: { TMPDIR: '/nonexistent' } })
  expect(ended.code).toBe(2)
  expect(expectOneMessage(ended)).toBe('backfill: cannot make a temporary folder in /nonexistent: ENOENT')
  expect(ended.stderr).toContain('set TMPDIR')
})

test('the hint for a file that cannot be read speaks of that file', async () => {
  const sql = sqlCopy()
  const list = () => backfillHere(['list', '--sql', sql])
  symlinkSync('nowhere.sql', join(sql, 'transforms/link.sql'))
  const link = await list()
  expect(expectOneMessage(link)).toContain(
    'link.sql of the SQL folder: it is a link to a file that does not exist',
  )
  expect(link.stderr).not.toContain('--sql')
  rmSync(join(sql, 'transforms/link.sql'))
  mkdirSync(join(sql, 'ddl/folder.sql'))
  expect((await list()).stderr).toMatch(
    /folder\.sql is not a regular file\n {2}put the file itself there, or remove it/,
  )
  rmSync(join(sql, 'ddl/folder.sql'), { recursive: true })
  expect((await backfillHere(['list', '--sql', join(sql, 'nowhere')])).stderr).toContain('--sql')
})

test.skipIf(process.getuid?.() !== 0)(
  'a file of another user is asked for by the user who reads',
  async () => {
    const sql = sqlCopy()
    const cwd = temporaryDirectory()
    for (const folder of [join(sql, '..'), sql, cwd]) chmodSync(folder, 0o755)
    chmodSync(join(sql, 'ddl/address_diffs.sql'), 0)
    const { stderr } = await backfill(['list', '--sql', sql], {
      command: ['setpriv', '--reuid', '65534', '--clear-groups', process.execPath, MAIN],
      env: { NODE_COMPILE_CACHE: '' },
      cwd,
    })
    expect(stderr).toMatch(/address_diffs\.sql of the SQL folder: EACCES\n {2}let user id 65534 read it/)
  },
)

test('what editors and systems leave in any folder is nobody’s test and nobody’s table', async () => {
  const sql = sqlCopy()
  const leftovers = [
    'x.yaml~',
    '#x.yaml#',
    '.x.yaml.swp',
    'x.sql.orig',
    'Thumbs.db',
    'desktop.ini',
    'ehthumbs.db',
    'x.yaml.save',
    'x.sql.old',
    '~$x.yaml',
    '4913',
    'Icon\r',
    '__MACOSX',
    '._x.sql',
  ]
  for (const folder of ['tests', 'tests/block_slots_stat', 'ddl', 'transforms', 'source'])
    for (const name of leftovers) writeFileSync(join(sql, folder, name), 'nothing')
  symlinkSync('nobody@nowhere.1', join(sql, 'tests/block_slots_stat/.#x.yaml'))
  const { code, stdout, stderr } = await backfill(['check', '--offline', '--sql', sql])
  expect({ code, stderr }, stdout).toMatchObject({ code: 0 })
})

test('the embedded server works in a folder that is named like a pattern', async () => {
  const folder = join(temporaryDirectory(), 'what? {a,b} [c]*')
  mkdirSync(folder)
  const ended = await backfill(['status', '--embedded'], { cwd: folder })
  // Not that a file of the folder may not be read.
  expect(ended.stderr).toMatch(/the source table default\.\w+ cannot be read: Unknown table/)
})

/** A server that takes connections and never says a word. */
async function silentServer(): Promise<string> {
  const server = createServer(() => {})
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const APART = ['unshare', '--pid', '--fork', '--kill-child']

test.skipIf(spawnSync(APART[0]!, [...APART.slice(1), 'true']).status !== 0).for([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('as process 1 of a container it ends by %s with code %i', async ([signal, code]) => {
  const url = await silentServer()
  const child = startBackfill(['status'], {
    command: [
      'bash',
      '-c',
      `${APART.join(' ')} "$0" "$@" & sleep 5; kill -${signal.slice(3)} $(pgrep -P $!); wait $!`,
      process.execPath,
      MAIN,
    ],
    env: { TARGET_CLICKHOUSE_URL: url },
  })
  expect(await outcome(child)).toMatchObject({ code })
})
