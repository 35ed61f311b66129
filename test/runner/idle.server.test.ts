// Owns the promise that a run without work costs little: how often it asks the server, and what it loads.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { up } from '../../src/runner/up.ts'
import { backfill, backfillHere, environmentFor, MAIN } from '../support/cli.ts'
import { editedFolder } from '../support/edited-folder.ts'
import type { Outcome } from '../support/processes.ts'
import { type Proxy, type Seen, startProxy } from '../support/proxy.ts'
import { post, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace, OPTIONS, SQL_FOLDER } from '../support/workspace.ts'

let server: TestServer
let proxy: Proxy
const catalogue = await readCatalogue(SQL_FOLDER)
const tables = catalogue.tables.map(({ key }) => key)
const asked: Seen[] = []
const databases = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, catalogue, databases.source)
  await addBlocks(server, databases.source, { from: 1, to: 50 })
  proxy = await startProxy(server.url)
  proxy.hold((seen) => asked.push(seen) === 0) // counts, and holds none
  const workspace = await openTestWorkspace({ server, catalogue, ...databases })
  await workspace.up()
  await workspace.close()
})
afterAll(async () => {
  await proxy?.close()
  await server?.stop()
})

const environment = () => ({
  ...environmentFor({ ...server, url: proxy.url }, databases),
  BACKFILL_LAG: '0',
})

function run(words: string): Promise<Outcome> {
  asked.length = 0
  return backfillHere(words.split(' '), { env: environment() })
}

const folds = ({ statement }: Seen) => statement.includes('arrayFlatten')

// One of them for all tables: the events of their inputs since they were read.
// Two of them, beside others: whether somebody holds runs back, and how old the sources are.
test('`status` asks twelve times at most, however many tables there are, and folds nothing', async () => {
  expect(await run('status --check')).toMatchObject({ code: 0 })
  expect(asked.length).toBeLessThanOrEqual(12)
  expect(asked.filter(folds)).toEqual([])
})

test('`up` with nothing to do asks thirteen times at most, however many tables there are, and folds nothing', async () => {
  expect(await run('up')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\S+Z Nothing to do; .*\n$/),
  })
  expect(asked.length).toBeLessThanOrEqual(13)
  expect(asked.filter(folds)).toEqual([])
})

test('an edited transform that does not fit is refused though nothing is missing', async () => {
  const sql = editedFolder('transforms/block_slots_stat.sql', (text) =>
    text.replace('AS slots_cleared,', 'AS slots_gone,'),
  )
  const { code, stderr } = await backfillHere(['up'], { env: { ...environment(), BACKFILL_SQL: sql } })
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('slots_gone') })
})

test('only tables with events behind their checkpoint are folded, in one question', async () => {
  await post(
    server,
    `INSERT INTO {ledger:Identifier}.ledger SELECT * REPLACE (epoch + 1 AS epoch) FROM {ledger:Identifier}.ledger
     WHERE event = 'done' AND table_key IN ('address_diffs', 'block_slots_stat')`,
    { ledger: databases.ledger },
  )
  // Their digests say that no row is another: nothing that reads them is stale.
  expect(await run('status --check')).toMatchObject({ code: 0 })
  const keys = asked
    .filter(folds)
    .map(({ search }) =>
      tables.filter((key) => [...search.values()].some((value) => new RegExp(`\\b${key}\\b`).test(value))),
    )
  // Twice as many rows are recorded as are there: it asks which of them are written over, table by table.
  expect(keys).toEqual([['address_diffs', 'block_slots_stat'], ['address_diffs'], ['block_slots_stat']])
})

// 203 when each table asked for itself what is asked for all now. Heartbeats do not count: a busy machine sees more of them.
test('`up` with one new block for eleven tables asks 123 times at most', async () => {
  await addBlocks(server, databases.source, { from: 51, to: 51 })
  expect(await run('up')).toMatchObject({ code: 0 })
  const beats = asked.filter(({ statement }) => statement.includes('MODIFY COMMENT'))
  expect(asked.length - beats.length).toBeLessThanOrEqual(123)
})

// 38 when each run looked again at what the one before had found missing.
test('`up` with nothing to do past a source gap asks seventeen times at most', async () => {
  await addBlocks(server, databases.source, { from: 1_000_001, to: 1_000_005 })
  expect(await run('up')).toMatchObject({ code: 0 })
  expect(await run('up')).toMatchObject({ code: 0, stdout: expect.stringContaining('source gap') })
  expect(asked.length).toBeLessThanOrEqual(17)
})

/** What the program loads: the addresses of the modules, of Node's own `node:…`. */
async function loaded(words: string): Promise<readonly string[]> {
  const command = [process.execPath, '--import', REPORT_MODULES, MAIN]
  const { stderr, code } = await backfill(words.split(' '), { env: environment(), command })
  expect(code, stderr).toBe(0)
  const modules = stderr.split('\n').flatMap((line) => /^loads (.*)$/.exec(line)?.[1] ?? [])
  expect(modules.join('\n')).toContain('/src/cli/run-cli.ts')
  return modules
}

const REPORT_MODULES = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  registerHooks({ load: (url, context, next) => (console.error('loads ' + url), next(url, context)) })
`)}`

test('`--help` and `--version` load nothing that talks to a server or reads SQL', async () => {
  for (const words of ['--help', 'up --help', '--version'])
    expect(
      (await loaded(words)).filter((url) =>
        /kysely|@clickhouse|src\/(clickhouse|files|embedded|runner\/(?!errors|pure\/(nearest|wire)))/.test(
          url,
        ),
      ),
    ).toEqual([])
})

test('`status` and `up` into a pipe load neither the embedded server nor what draws live lines', async () => {
  for (const words of ['status', 'up'])
    expect((await loaded(words)).filter((url) => /src\/embedded|chdb|ffi-rs|log-update/.test(url))).toEqual(
      [],
    )
})

async function runOnce(): Promise<WeakRef<object>> {
  const opened = await openTestWorkspace({ server, catalogue, ...databases })
  const hooks = { report: () => {}, signal: new AbortController().signal }
  await up(opened.workspace, OPTIONS, hooks)
  await opened.close()
  return new WeakRef(hooks.report)
}

test('of a run that has ended a program that goes on keeps nothing', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const report = await runOnce()
  const isKept = () => (collect(), report.deref() !== undefined)
  await expect.poll(isKept, { timeout: 20_000 }).toBe(false)
})
