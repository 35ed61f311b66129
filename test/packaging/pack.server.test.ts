// Owns the promise of the published package: packed and installed without its optional parts, every command works.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfill, environmentFor } from '../support/cli.ts'
import { outcome, repository, start, temporaryDirectory } from '../support/processes.ts'
import { startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

let server: TestServer
let folder: string
const databases = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backfill-pack-'))
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), databases.source)
  await addBlocks(server, databases.source, { from: 1, to: 50 })
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await server?.stop()
})

const installed = () => ({
  cwd: folder,
  command: [join(folder, 'node_modules/.bin/backfill')],
  env: { ...environmentFor(server, databases), BACKFILL_LAG: '0' },
})

test('it is packed, and installs into an empty folder', async () => {
  const tarball = await pack()
  const omit = ['--omit=optional', '--omit=peer', '--prefer-offline', '--no-audit', '--no-fund']
  const install = await outcome(start('npm', ['install', tarball, ...omit], { cwd: folder }))
  expect(install.code, install.stderr).toBe(0)
  expect(readdirSync(join(folder, 'node_modules/clickhouse-backfill')).toSorted()).toEqual(
    [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist',
      'package.json',
      'page',
      'schema',
      'sql',
      'sql-templates',
    ].filter((name) => existsSync(join(repository, name)) || name === 'dist'),
  )
  expect(readdirSync(join(folder, 'node_modules/clickhouse-backfill/sql/doctor'))).toEqual(
    readdirSync(join(SQL_FOLDER, 'doctor')),
  )
  for (const absent of ['chdb', 'ffi-rs', 'deno', 'kysely', 'vitest'])
    expect(existsSync(join(folder, 'node_modules', absent))).toBe(false)
  const npx = await outcome(start('npx', ['--no-install', 'backfill', '--version'], { cwd: folder }))
  expect(npx).toMatchObject({ code: 0, stdout: expect.stringMatching(/^backfill \d+\.\d+\.\d+\n$/) })
})

test('every other Node on PATH runs it, or is told which one it needs', async ({ skip }) => {
  const others = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, 'node'))
    .filter((node) => existsSync(node) && realpathSync(node) !== realpathSync(process.execPath))
  if (others.length === 0) skip('skipped: there is no other Node on PATH')
  const main = join(folder, 'node_modules/clickhouse-backfill/dist/main.js')
  for (const node of new Set(others)) {
    const { stdout: version } = await outcome(start(node, ['--version']))
    const [major = 0, minor = 0] = version.slice(1).split('.').map(Number)
    const ended = await backfill(['list'], { cwd: folder, command: [node, main] })
    if (major > 22 || (major === 22 && minor >= 18))
      expect(ended, version).toMatchObject({ code: 0, stderr: '' })
    else
      expect(ended).toEqual({
        code: 2,
        stdout: '',
        stderr: `backfill: needs Node 22.18 or newer, this is Node ${version.trim().slice(1)}.\n`,
      })
  }
})

test.for([
  { words: 'import --from 0 --dry-run --folder public', says: /^transaction {2}1 file, 0\.0 kB, into /m },
  { words: 'completion bash', says: /^complete -F _backfill backfill$/m },
  { words: '__complete fish up --tables block', says: /^block_slots_stat$/m },
  { words: 'list', says: /^block_slots_stat {2}table int_block_slots_stat$/m },
  { words: 'create-tables --tables block_slots_stat', says: /^created {2}/ },
  { words: 'plan', says: /^Next: `backfill up` will run 10 chunks \(no timings yet\)\./m },
  { words: 'run --tables block_slots_stat --end-block 10', says: /^\S+Z Done: 1 chunk, 10 blocks, 10 rows/ },
  { words: 'up', says: /^\S+Z Done: 10 chunks, 490 blocks, / },
  { words: 'status', says: /^accounts_alive .* 100\.0 % .* up to date /m },
  { words: 'doctor --idle 1', says: /^ {2}ok +disk +disk default +/m },
  { words: 'info', says: /^servers {2}one server, rows stay inside the server$/m },
  { words: 'new gas_per_block --sql own', says: /^Wrote own\/ddl\/gas_per_block\.sql$/m },
])('`$words` works', async ({ words, says }) => {
  const table = join(folder, 'public/mainnet/databases/default/canonical_execution_transaction/1000')
  mkdirSync(table, { recursive: true })
  writeFileSync(join(table, '0.parquet'), 'PAR1')
  cpSync(SQL_FOLDER, join(folder, 'own'), { recursive: true })
  const { code, stdout, stderr } = await backfill(words.split(' '), installed())
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(says)
})

test.for(['up --embedded', 'demo'])('`%s` says how to install the embedded server', async (words) => {
  const ended = await backfill(words.split(' '), installed())
  expect(ended.code).toBe(2)
  expect(ended.stdout).toBe('')
  expect(ended.stderr).toMatch(
    /\nbackfill: The embedded ClickHouse is not installed\n {2}npm install chdb ffi-rs \(.*\n$/,
  )
})

test('in the image, where there is no embedded server, it does not advise to install packages', async () => {
  const { env, ...place } = installed()
  const { code, stderr } = await backfill(['demo'], { ...place, env: { ...env, BACKFILL_IMAGE: 'yes' } })
  expect(code).toBe(2)
  expect(stderr).toMatch(
    /\nbackfill: The embedded ClickHouse is not in this image\n {2}Use a ClickHouse server: set TARGET_CLICKHOUSE_URL\. Or build the image with --build-arg EMBEDDED=yes\n$/,
  )
})

/** Packs a copy: the repository may be in use. The launcher's `prepack` is left out, it could install there. */
async function pack(): Promise<string> {
  const copy = temporaryDirectory()
  for (const name of readdirSync(repository)) {
    if (['node_modules', 'dist', 'state', '.git'].includes(name)) continue
    cpSync(join(repository, name), join(copy, name), { recursive: true })
  }
  symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'))
  const build = await outcome(start(process.execPath, ['scripts/build.mjs'], { cwd: copy }))
  expect(build.code, build.stdout).toBe(0)
  const packed = await outcome(start('npm', ['pack', '--ignore-scripts', '--silent'], { cwd: copy }))
  expect(packed.code, packed.stderr).toBe(0)
  return join(copy, packed.stdout.trim())
}
