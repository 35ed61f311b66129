// Owns the promise of the published package: packed and installed without its optional parts, every command works.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { toolVersion } from '../../src/package-folder.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfill, environmentFor } from '../support/cli.ts'
import { outcome, repository, start, temporaryDirectory } from '../support/processes.ts'
import { pack } from '../support/packed.ts'
import { startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

let server: TestServer
let folder: string
let tarball: string
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
  tarball = await pack(join(folder, 'packed'))
  const omit = ['--omit=optional', '--omit=peer', '--prefer-offline', '--no-audit', '--no-fund']
  const install = await outcome(start('npm', ['install', tarball, ...omit], { cwd: folder }))
  expect(install.code, install.stderr).toBe(0)
  expect(readdirSync(join(folder, 'node_modules/clickhouse-backfill')).toSorted()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'dist',
    'docs',
    'package.json',
    'packaging',
    'page',
    'schema',
    'sql',
    'sql-templates',
  ])
  expect(readdirSync(join(folder, 'node_modules/clickhouse-backfill/sql/doctor'))).toEqual(
    readdirSync(join(SQL_FOLDER, 'doctor')),
  )
  // What is bundled has its licence in one file.
  const packages = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))
  expect(packages).toEqual(['@clickhouse', 'clickhouse-backfill'])
  const licences = readFileSync(join(folder, 'node_modules/clickhouse-backfill/dist/LICENSES.txt'), 'utf8')
  for (const bundled of ['cac', 'kysely', 'uplot', 'yaml'])
    expect(licences).toMatch(new RegExp(`^${bundled} \\d`, 'm'))
  for (const name of ['backfill', 'clickhouse-backfill']) {
    const npx = await outcome(start('npx', ['--no-install', name, '--version'], { cwd: folder }))
    expect(npx).toMatchObject({ code: 0, stdout: `backfill ${toolVersion()}\n` })
  }
})

test('a strict TypeScript program that checks the types of its libraries takes ours, with no other package', async () => {
  const types = join(folder, 'node_modules/clickhouse-backfill/dist/types')
  for (const entry of readdirSync(types, { recursive: true, encoding: 'utf8' }))
    if (entry.endsWith('.d.ts'))
      expect(readFileSync(join(types, entry), 'utf8'), entry).not.toMatch(/(?:from |import\()'[^.]/)
  writeFileSync(
    join(folder, 'strict.mts'),
    `import { BackfillError, openWorkspace, status, up } from 'clickhouse-backfill'
    import type { ErrorKind, RunEvent, RunSummary, StatusReport, UpOptions, Workspace } from 'clickhouse-backfill'
    const workspace: Workspace = await openWorkspace({ flags: { network: 'mainnet' }, tables: ['a'] })
    const options: Partial<UpOptions> = { to: 20_000_000 }
    const seen: RunEvent['type'][] = []
    const summary: RunSummary = await up(workspace, { ...options, report: ({ type }) => void seen.push(type) })
    const report: StatusReport = await status(workspace)
    const states: string[] = report.tables.map(({ table, state, watermark }) => [table, state, watermark ?? 0].join())
    const kind = (error: unknown): ErrorKind | undefined => (error instanceof BackfillError ? error.kind : undefined)
    export const all = [states, seen, summary.failed.map(({ error }) => kind(error))]
    // @ts-expect-error a type, not \`any\`
    report.tables[0]!.state.nothing
    // @ts-expect-error
    await up(workspace, { report: 1 })`,
  )
  const checked = await outcome(
    start(
      process.execPath,
      [
        join(repository, 'node_modules/typescript/bin/tsc'),
        ...'--strict --noEmit --skipLibCheck false --target es2024 --module nodenext --types'.split(' '),
        '',
        ...'--lib es2024,dom strict.mts'.split(' '),
      ],
      { cwd: folder },
    ),
  )
  expect({ code: checked.code, stdout: checked.stdout }).toEqual({ code: 0, stdout: '' })
})

test('Deno runs what npm has installed, and both import the library', async () => {
  const deno = [
    join(repository, 'node_modules/deno/bin.cjs'),
    'run',
    '--allow-all',
    '--quiet',
    '--node-modules-dir=manual',
  ]
  const main = join(folder, 'node_modules/clickhouse-backfill/dist/main.js')
  const listed = await outcome(start(process.execPath, [...deno, main, 'list'], { cwd: folder }))
  expect(listed.stdout, listed.stderr).toMatch(/^block_slots_stat {2}table int_block_slots_stat$/m)
  const program = join(folder, 'library.mjs')
  writeFileSync(
    program,
    `import { openWorkspace, status } from 'clickhouse-backfill'
    const workspace = await openWorkspace({ tables: ['block_slots_stat'] })
    console.log((await status(workspace)).tables.map(({ table, state }) => [table, state].join()).join())
    await workspace.close()`,
  )
  for (const runtime of [[], deno]) {
    const { env } = installed()
    const { code, stdout, stderr } = await outcome(
      start(process.execPath, [...runtime, program], { cwd: folder, env }),
    )
    expect({ code, stdout }, stderr).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^block_slots_stat,[a-z ]+\n$/),
    })
  }
})

test('a project of `init` passes the steps of its own CI file, with the tarball of `npm pack`', async () => {
  const project = temporaryDirectory() // npm takes a folder above that has packages for its own
  const main = join(folder, 'node_modules/.bin/clickhouse-backfill')
  expect((await outcome(start(main, ['init'], { cwd: project }))).code).toBe(0)
  type Workflow = { jobs: { sql: { steps: { run?: string }[] } } }
  const workflow = parse(readFileSync(join(project, '.github/workflows/backfill.yml'), 'utf8')) as Workflow
  const runs = workflow.jobs.sql.steps.flatMap(({ run }) => run ?? [])
  expect(runs).toHaveLength(3)
  for (const run of runs) {
    // The engine is half a gigabyte: the test links the one that is here.
    const ended = await outcome(
      start('bash', ['-ec', run.replace(' chdb ffi-rs', ' --prefer-offline --omit=peer')], {
        cwd: project,
        env: { ...process.env, BACKFILL_PACKAGE: tarball },
      }),
    )
    expect(ended.code, `${run}\n${ended.stdout}${ended.stderr}`).toBe(0)
    if (run.startsWith('npm install'))
      for (const engine of ['chdb', 'ffi-rs', '@chdb', '@yuuang'])
        if (existsSync(join(repository, 'node_modules', engine)))
          symlinkSync(join(repository, 'node_modules', engine), join(project, 'node_modules', engine))
  }
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
        stderr: `backfill: needs Node 22.18 or newer, this is Node ${version.trim().slice(1)}.\n  npm install node@24 puts one beside the package, which npx uses; https://nodejs.org has others\n`,
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
  { words: 'report --output page.html', says: /^Wrote page\.html/m },
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
