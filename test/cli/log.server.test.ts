// Owns the promises of what a run prints where nobody watches: a log for people, for programs, or only what is wrong; and that
// the library prints nothing at all.
import { cpSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from '../support/cli.ts'
import { temporaryDirectory } from '../support/processes.ts'
import { LEDGER_VERSION } from '../../src/targets/target.ts'
import { post, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

let server: TestServer
const source = uniqueDatabase('source')
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  await addBlocks(server, source, { from: 1, to: 60 })
})
afterAll(() => server?.stop())

function person() {
  const own = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const env = { ...environmentFor(server, own), BACKFILL_LAG: '0' }
  return { ...own, run: (words: string) => backfillHere(words.split(' '), { env }) }
}

const SLOTS = '--tables block_slots_stat'

test('`up` into a pipe prints a header, a line per table, a line per chunk and a summary, each with its time; an idle run is one line', async () => {
  const { run, target } = person()
  const first = await run(`up ${SLOTS} --chunk 20 --jobs 1`)
  expect(first.code).toBe(0)
  const [header, created, begun, ...chunks] = first.stderr.trimEnd().split('\n')
  const where = `network mainnet, target ${target} on ${server.url}`
  const sql = 'SQL files xatu (default)'
  expect(header).toMatch(
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ backfill \d.*: .*, ClickHouse \d.*, run [\da-f-]{36}, SQL files xatu \(default\)$/,
  )
  expect(header).toContain(where)
  expect(created).toContain(`block_slots_stat  created ${target}.int_block_slots_stat`)
  expect(begun).toMatch(/^\S+Z block_slots_stat {2}60 blocks not done$/)
  expect(chunks).toEqual(
    ['1-20', '21-40', '41-60'].map((range, at) =>
      expect.stringMatching(
        new RegExp(
          String.raw`^\S+Z chunk ${at + 1} of 3 {2}block_slots_stat {2}${range} {2}20 rows {2}\d+\.\d s$`,
        ),
      ),
    ),
  )
  expect(first.stdout).toMatch(
    /^\S+Z Done: 3 chunks, 60 blocks, 60 rows in \d+\.\d s \([\d,]+ blocks\/s\); network mainnet, target .*\n$/,
  )
  const second = await run(`up ${SLOTS}`)
  expect(second).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\S+Z Nothing to do; .*\n$/),
    stderr: '',
  })
  expect(second.stdout).toContain(`${where}, ${sql}.`)
  expect((await run(`up ${SLOTS} --sql xatu`)).stdout).toContain('SQL files xatu (flag --sql).')
})

test('--log-format json makes every line an object, --quiet leaves warnings and errors only', async () => {
  const { run } = person()
  expect(await run(`up ${SLOTS} --log-format xml`)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--log-format must be text or json, got 'xml'"),
  })
  const { code, stdout, stderr } = await run(`up ${SLOTS} --chunk 20 --log-format json`)
  expect(code).toBe(0)
  const lines = `${stderr}${stdout}`.trimEnd().split('\n')
  const logged = lines.map((line) => JSON.parse(line) as { time: string; level: string; message: string })
  expect(logged.map(({ level }) => level)).toEqual(logged.map(() => 'info'))
  expect(logged.map(({ time }) => Number.isNaN(Date.parse(time)))).toEqual(logged.map(() => false))
  expect(logged[0]!.message).toMatch(/^backfill .*: network mainnet, /)
  expect(logged.at(-1)!.message).toMatch(/^Done: 3 chunks, /)
  expect(await run(`up --tables address_reads --quiet`)).toEqual({ code: 0, stdout: '', stderr: '' })
  // The empty line between networks is for people alone.
  const several = 'up --tables address_reads --network sepolia,holesky'
  const { run: runEmpty } = person()
  expect(await runEmpty(`${several} --quiet`)).toEqual({ code: 0, stdout: '', stderr: '' })
  const both = (await runEmpty(`${several} --log-format json`)).stdout.trimEnd().split('\n')
  expect(both.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['info', 'info'])
  const { stderr: warned } = await run('up --tables address_diffs --quiet --to 400')
  expect(warned).toMatch(/^\S+Z warning: address_diffs .*--to 400 is above the head/)
  const { stderr: errors } = await run('up --tables nothing --log-format json')
  expect(JSON.parse(errors.split('\n')[0]!)).toMatchObject({
    level: 'error',
    message: expect.stringContaining('nothing'),
  })
})

test('`list --orphans` names tables of the ledger that no folder has, and where their rows are', async () => {
  const { run, ledger, target } = person()
  expect((await run('list --orphans')).stdout).toBe(
    `Every table of the ledger ${ledger} is in the SQL folders.\n`,
  )
  await run(`up ${SLOTS} --to 100`)
  expect((await run('list --orphans')).stdout).toBe(
    `Every table of the ledger ${ledger} is in the SQL folders.\n`,
  )
  const folder = temporaryDirectory()
  for (const kind of ['ddl', 'transforms']) {
    cpSync(join(SQL_FOLDER, kind, 'address_diffs.sql'), join(folder, kind, 'address_diffs.sql'))
  }
  const { code, stdout } = await run(`list --orphans --sql ${folder}`)
  expect(code).toBe(0)
  expect(stdout).toMatch(
    new RegExp(
      String.raw`^block_slots_stat  table ${target}\.int_block_slots_stat; \d events, the last at \d{4}-\S+Z\n$`,
    ),
  )
  const json = await run(`list --orphans --sql ${folder} --json`) // as its schema says
  expect(JSON.parse(json.stdout)).toMatchObject({
    command: 'list',
    network: 'mainnet',
    orphans: [{ table: 'block_slots_stat', target: `${target}.int_block_slots_stat` }],
  })
  expect(JSON.parse((await run('list --orphans --json')).stdout)).toMatchObject({ orphans: [] })
})

test('the library runs and reads in a process of another: it prints nothing, ends nothing, takes no signal', async () => {
  const own = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const worker = new Worker(new URL('../support/library-worker.ts', import.meta.url), {
    workerData: {
      library: new URL('../../src/index.ts', import.meta.url).href,
      env: { ...environmentFor(server, own), BACKFILL_LAG: '0' },
    },
  })
  const said = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await worker.terminate()
  expect(said).toMatchObject({
    calls: [],
    events: expect.arrayContaining(['run', 'created', 'chunk-done']),
    summary: { chunks: 1, blocks: 20, failed: [] },
    state: 'missing',
    keys: ['block_slots_stat'],
  })
})

test('a ledger of a newer version is refused in plain words, and nothing is written', async () => {
  const { run, ledger } = person()
  await run(`up ${SLOTS} --to 10`)
  const comment = (version: number) =>
    post(server, `ALTER TABLE ${ledger}.ledger MODIFY COMMENT 'of a newer program; version ${version}'`)
  await comment(LEDGER_VERSION + 1)
  for (const words of [
    `up ${SLOTS}`,
    'status',
    'log',
    `redo block_slots_stat --from 1 --to 5 --yes`,
    'pause',
  ]) {
    const { code, stderr } = await run(words)
    expect({ words, code }).toEqual({ words, code: 2 })
    expect(stderr).toContain(
      `a newer version of backfill wrote the ledger ${ledger}: it has version ${LEDGER_VERSION + 1}, this program knows ${LEDGER_VERSION}`,
    )
  }
  await comment(LEDGER_VERSION)
  expect((await run(`up ${SLOTS} --to 20`)).code).toBe(0)
})
