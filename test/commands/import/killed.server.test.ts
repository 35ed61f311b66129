// Owns the promise that an import killed at any instant goes on where it was, with nothing lost and nothing there twice.
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor, startBackfill } from '../../support/cli.ts'
import { killHeld } from '../../support/held.ts'
import { outcome } from '../../support/processes.ts'
import { type Held, startProxy } from '../../support/proxy.ts'
import { exportFiles, onGet, type PublicServer, servePublic } from '../../support/public-files.ts'
import { mulberry32 } from '../../support/random.ts'
import { intoTarget, ledgerEvent } from '../../support/requests.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { differences, SQL_FOLDER } from '../../support/workspace.ts'

const catalogue = await readCatalogue(SQL_FOLDER)
const SOURCES = catalogue.sources.map(({ table }) => table)
const network = 'sepolia'
const FILES = 12

let server: TestServer
let files: PublicServer
let folder: string
const original = uniqueDatabase('original')

beforeAll(async () => {
  server = await startTestServer()
  folder = mkdtempSync(join(tmpdir(), 'backfill-public-'))
  files = await servePublic(folder)
  await createSourceTables(server, catalogue, original)
  await addBlocks(server, original, { from: 0, to: FILES * 1000 - 1, network })
  const firsts = Array.from({ length: FILES }, (_, index) => index * 1000)
  await exportFiles(server, { folder, source: original, network, tables: SOURCES, firsts })
})
afterAll(async () => {
  await files?.close()
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Source tables that never merge, so that a row which is there twice stays there twice. */
async function prepare() {
  const databases = {
    source: uniqueDatabase('imported'),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  await post(server, 'CREATE DATABASE {source:Identifier}', { source: databases.source })
  for (const { ddl } of catalogue.sources)
    await post(server, ddl.text.replace('\nCOMMENT', `\n${NO_MERGES}\nCOMMENT`), { source: databases.source })
  const proxy = await startProxy(server.url)
  onTestFinished(() => proxy.close())
  const env = (url: string) => ({
    ...environmentFor({ ...server, url }, databases),
    BACKFILL_NETWORK: network,
    BACKFILL_IMPORT_URL: files.url,
  })
  return { databases, proxy, env }
}

const NO_MERGES =
  'SETTINGS max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1'

/** Expects every row of the tables once, before any merge: no part is the work of one. */
async function expectOnce(source: string, tables: readonly string[], rows: number): Promise<void> {
  for (const table of tables) {
    const [parts] = await rowsOf<{ merges: number }>(
      server,
      'SELECT max(level) AS merges FROM system.parts WHERE active AND database = {d:String} AND table = {t:String}',
      { d: source, t: table },
    )
    const found = await rowsOf<{ rows: number; blocks: number }>(
      server,
      'SELECT count() AS rows, uniqExact(block_number) AS blocks FROM {d:Identifier}.{t:Identifier}',
      { d: source, t: table },
    )
    expect({ table, ...parts, ...found[0] }).toEqual({ table, merges: 0, rows, blocks: rows })
  }
}

const words = ['import', '--from', '0', '--to', String(FILES * 1000 - 1), '--jobs', '2']

test('12 files of nine tables, killed again and again: the next run goes on, nothing is lost and nothing twice', async () => {
  const { databases, env } = await prepare()
  const random = mulberry32(20)
  let before = 0
  for (let kill = 0; kill < 3; kill++) {
    files.requests.length = 0
    const child = startBackfill(words, { env: env(server.url) })
    const ended = outcome(child)
    await fetched(12 + Math.floor(random() * 15), child)
    await sleep(random() * 100)
    child.kill('SIGKILL')
    expect((await ended).code).toBeNull()
    const [done] = await rowsOf<{ files: number }>(
      server,
      `SELECT count() AS files FROM {d:Identifier}.ledger WHERE event = 'done'`,
      { d: databases.ledger },
    )
    expect(done!.files).toBeGreaterThan(before)
    before = done!.files
  }
  expect(before).toBeLessThan(FILES * SOURCES.length)
  files.requests.length = 0
  const { code, stdout, stderr } = await backfillHere([...words, '--json'], { env: env(server.url) })
  expect(code, stderr).toBe(0)
  const summary = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as { run_id: string; chunks: number }
  // What a killed run had sent may have arrived after it.
  const [done] = await rowsOf<{ files: number }>(
    server,
    `SELECT count() AS files FROM {d:Identifier}.ledger WHERE event = 'done' AND run_id != {run:String}`,
    { d: databases.ledger, run: summary.run_id },
  )
  expect(summary.chunks).toBe(FILES * SOURCES.length - done!.files)
  expect(files.requests.filter((line) => line.startsWith('GET'))).toHaveLength(summary.chunks)
  await expectOnce(databases.source, SOURCES, FILES * 1000)
  expect(await differences(server, SOURCES, { actual: databases.source, expected: original })).toEqual([])
})

/** Each run takes over from the one before it, and is killed one step further with the same file. */
const KILLS = [
  ['its INSERT on the way', intoTarget('import-traces', 1000), 'request'],
  ['half of its file sent', intoTarget('import-traces', 1000), 'body'],
  ['its INSERT executed and not answered', intoTarget('import-traces', 1000), 'answer'],
  ['done on the way', ledgerEvent('done', 'import-traces'), 'request'],
  ['done recorded and not answered', ledgerEvent('done', 'import-traces'), 'answer'],
] as const

test(`killed with ${KILLS.map(([what]) => what).join('; killed with ')}: every row is there once`, async () => {
  const { databases, proxy, env } = await prepare()
  const few = ['import', '--from', '0', '--to', '2999', '--tables', 'traces', '--jobs', '1']
  const late: Held[] = []
  for (const kill of KILLS)
    late.push(await killHeld(proxy, kill, () => startBackfill(few, { env: env(proxy.url) })))
  const next = await backfillHere(few, { env: env(server.url) })
  expect(next.code, next.stderr).toBe(0)
  for (const held of late) await held.release()
  await expectOnce(databases.source, ['canonical_execution_traces'], 3000)
})

test('Ctrl-C while a download stands still: it is given up when the grace time is over, and the next run goes on', async () => {
  const { databases, env } = await prepare()
  const few = ['import', '--from', '0', '--to', '1999', '--tables', 'traces', '--jobs', '1']
  files.behave(
    '/1000.parquet',
    onGet(({ outgoing }) => outgoing.writeHead(200).write('PAR1')),
  )
  files.requests.length = 0
  const child = startBackfill([...few, '--grace', '1'], { env: env(server.url) })
  const ended = outcome(child)
  await fetched(2, child)
  child.kill('SIGINT')
  const { code, stdout } = await ended
  files.behave('/1000.parquet', undefined)
  expect(code).toBe(130)
  expect(stdout).toMatch(/^\S+Z Interrupted; done: 1 chunk, .*`backfill import [^`]+` resumes from here\./)
  expect((await backfillHere(few, { env: env(server.url) })).code).toBe(0)
  await expectOnce(databases.source, ['canonical_execution_traces'], 2000)
})

/** Resolves when so many files have been asked for. */
async function fetched(count: number, child: ChildProcess): Promise<void> {
  while (files.requests.filter((line) => line.startsWith('GET')).length < count) {
    if (child.exitCode !== null) throw new Error(`ended by itself with ${child.exitCode}`)
    await sleep(5)
  }
}
