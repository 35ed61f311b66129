// Owns the promises of `import`: what the files have is what the source tables get, and what is missing is said.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import {
  exportFiles,
  publicPath,
  type PublicServer,
  servePublic,
  writeParquet,
} from '../../support/public-files.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { newDatabases, sizeOf } from '../../support/audit.ts'
import { differences, SQL_FOLDER } from '../../support/workspace.ts'

const catalogue = await readCatalogue(SQL_FOLDER)
const SOURCES = catalogue.sources.map(({ table }) => table)
const network = 'sepolia'

let server: TestServer
let files: PublicServer
let folder: string
const original = uniqueDatabase('original')

beforeAll(async () => {
  server = await startTestServer()
  folder = mkdtempSync(join(tmpdir(), 'backfill-public-'))
  files = await servePublic(folder)
  await createSourceTables(server, catalogue, original)
  await addBlocks(server, original, { from: 1000, to: 3999, network })
  await exportFiles(server, {
    folder,
    source: original,
    network,
    tables: SOURCES,
    firsts: [1000, 2000, 3000],
  })
})
afterAll(async () => {
  await files?.close()
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Databases of a test's own, and `backfill` with them. */
function ground() {
  const databases = newDatabases('imported')
  const more = { BACKFILL_NETWORK: network, BACKFILL_IMPORT_URL: files.url }
  const env = { ...environmentFor(server, databases), ...more }
  return {
    databases,
    env,
    run: (words: string, own: Readonly<Record<string, string>> = {}) =>
      backfillHere(words.split(' '), { env: { ...env, ...own } }),
  }
}

test('all nine tables get the rows of their files, and derived tables are built of them', async () => {
  const { databases, run, env } = ground()
  const ended = await run('import --from 1000 --to 3999')
  expect(ended.code, ended.stderr).toBe(0)
  expect(ended.stdout).toMatch(/^\S+Z Done: 27 chunks, 27,000 blocks, 27,000 rows in /)
  const own = await rowsOf<{ name: string }>(
    server,
    'SELECT name FROM system.tables WHERE database = {d:String} ORDER BY name',
    { d: databases.source },
  )
  expect(own.map(({ name }) => name)).toEqual(SOURCES)
  expect(await differences(server, SOURCES, { actual: databases.source, expected: original })).toEqual([])

  const built = await run('up --lag 0 --tables block_slots_stat,address_diffs')
  expect(built.code, built.stderr).toBe(0)
  const expected = uniqueDatabase('expected')
  const direct = { ...databases, source: original, target: expected, ledger: uniqueDatabase('ledger') }
  const clean = await backfillHere('up --lag 0 --tables block_slots_stat,address_diffs'.split(' '), {
    env: { ...env, ...environmentFor(server, direct) },
  })
  expect(clean.code, clean.stderr).toBe(0)
  const derived = ['int_block_slots_stat', 'int_address_diffs']
  expect(await differences(server, derived, { actual: databases.target, expected })).toEqual([])
})

test('what is imported is not fetched again, and `status` knows nothing of it', async () => {
  const { run } = ground()
  expect((await run('import --from 1000 --to 1999 --tables traces,transaction')).code).toBe(0)
  const status = await run('status --json')
  expect(status.stdout).not.toContain('import-')
  files.requests.length = 0
  const again = await run('import --from 1000 --to 1999 --tables canonical_execution_traces,transaction')
  expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\S+Z Nothing to do; .*\n$/) })
  expect(files.requests.filter((line) => line.includes('.parquet'))).toEqual([])
  const log = await run('log import-traces')
  expect(log.stdout).toMatch(/1000-1999/)
  expect((await run('log')).stdout).toMatch(/import-traces \+1 +2 +0 +2,000 +2,000 .* done$/m)
})

test('blocks within a file mean the whole file, and that is said', async () => {
  const { run, databases } = ground()
  const { code, stderr } = await run('import --from 1500 --to 2000 --tables nonce_reads')
  expect(code, stderr).toBe(0)
  expect(stderr).toContain('A file has 1000 blocks: importing 1000-2999.\n')
  expect(await sizeOf(server, databases.source, 'canonical_execution_nonce_reads')).toEqual([{ rows: 2000 }])
})

test('files that are not there are said at the end, are no failure, and are imported when they come', async () => {
  const { run, env, databases } = ground()
  const own = temporaryDirectory()
  const table = 'canonical_execution_contracts'
  await exportFiles(server, { folder: own, source: original, network, tables: [table], firsts: [2000] })
  const first = await run('import --from 0 --to 4999 --tables contracts', {
    BACKFILL_IMPORT_URL: '',
    BACKFILL_IMPORT_FOLDER: own,
  })
  expect(first.code, first.stderr).toBe(0)
  expect(first.stderr).toContain('import-contracts  no file for 0-1999, 3000-4999 (4 files)\n')
  await exportFiles(server, { folder: own, source: original, network, tables: [table], firsts: [1000, 3000] })
  const { code, stdout, stderr } = await backfillHere(
    ['import', '--from', '0', '--to', '4999', '--tables', 'contracts', '--folder', own, '--json'],
    { env },
  )
  expect(code, stderr).toBe(0)
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(events.filter(({ event }) => event === 'skipped')).toEqual([
    expect.objectContaining({
      tables: ['import-contracts'],
      source_gaps: [
        [0, 999],
        [4000, 4999],
      ],
    }),
  ])
  expect(events.at(-1)).toMatchObject({ event: 'summary', chunks: 2, rows_written: 2000 })
  expect(await sizeOf(server, databases.source, table)).toEqual([{ rows: 3000 }])
})

test('blocks that some tables have and others lack are warned of: `up` would take them as empty', async () => {
  const { run } = ground()
  const own = temporaryDirectory()
  const about = { folder: own, source: original, network }
  const [traces, reads] = ['canonical_execution_traces', 'canonical_execution_nonce_reads']
  await exportFiles(server, { ...about, tables: [traces], firsts: [1000, 2000, 3000] })
  await exportFiles(server, { ...about, tables: [reads], firsts: [1000, 3000] })
  const words = `import --from 0 --to 3999 --tables traces,nonce_reads --quiet --folder ${own}`
  const ended = await run(words)
  expect(ended).toEqual({
    code: 0,
    stdout: '',
    stderr: expect.stringMatching(
      /^\S+Z warning: blocks 2000-2999 \(1,000 blocks\) lack import-nonce_reads: `up` would treat them as empty; keep its --to below 2000 until these are imported\n$/,
    ),
  })
  await exportFiles(server, { ...about, tables: [reads], firsts: [2000] })
  expect(await run(words)).toEqual({ code: 0, stdout: '', stderr: '' })
})

test('--dry-run says what would be fetched, and writes nothing', async () => {
  const { run, databases } = ground()
  const plan = await run('import --from 0 --to 2999 --tables traces --dry-run')
  expect(plan.code, plan.stderr).toBe(0)
  expect(plan.stdout).toMatch(
    /^traces {2}2 files, [\d.]+ kB, into .*traces\n {2}the table is created first\n {2}no file for 0-999 \(1 file\)\n/m,
  )
  const json = await run('import --from 0 --to 2999 --tables traces --dry-run --json')
  expect(JSON.parse(json.stdout)).toMatchObject({
    network,
    from: 0,
    to: 2999,
    tables: [
      { table: 'traces', create: true, files: 2, blocks: [[1000, 2999]], done: [], missing: [[0, 999]] },
    ],
  })
  const made = await rowsOf(server, 'SELECT name FROM system.databases WHERE name = {d:String}', {
    d: databases.source,
  })
  expect(made).toEqual([])
})

test('a file that was published anew is imported again with --changed: what it no longer has is gone', async () => {
  const { run, databases } = ground()
  const own = temporaryDirectory()
  const table = 'canonical_execution_nonce_diffs'
  const file = join(own, publicPath({ network, table, first: 1000 }))
  const exported = { folder: own, source: original, network, tables: [table] }
  await exportFiles(server, { ...exported, firsts: [1000, 2000] })
  const words = `import --from 1000 --to 2999 --tables nonce_diffs --folder ${own}`
  expect((await run(words)).code).toBe(0)
  // Rows of another network in the same blocks stay.
  await post(
    server,
    `INSERT INTO {d:Identifier}.{t:Identifier} (meta_network_name, block_number) VALUES ('holesky', 1000)`,
    { d: databases.source, t: table },
  )
  await writeParquet(
    server,
    file,
    `SELECT * FROM {d:Identifier}.{t:Identifier} WHERE meta_network_name = {network:String} AND block_number BETWEEN 1000 AND 1499`,
    { d: original, t: table, network },
  )
  expect((await run(words)).stdout).toMatch(/^\S+Z Nothing to do; .*\n$/)
  expect((await run(`${words} --changed --dry-run`)).stdout).toContain('1 file published again since')
  const again = await run(`${words} --changed`)
  expect(again.code, again.stderr).toBe(0)
  expect(again.stdout).toMatch(/^\S+Z Done: 1 chunk, 1,000 blocks, 500 rows/)
  const rows = await rowsOf(
    server,
    `SELECT meta_network_name AS n, count() AS rows FROM {d:Identifier}.{t:Identifier} GROUP BY n ORDER BY n`,
    { d: databases.source, t: table },
  )
  expect(rows).toEqual([
    { n: 'holesky', rows: expect.any(Number) },
    { n: network, rows: 1500 },
  ])
  expect((await run(`${words} --changed`)).stdout).toMatch(/^\S+Z Nothing to do; .*\n$/)
})

test('files that other SQL has read are named, and imported again with --changed', async () => {
  const { databases, run } = ground()
  const words = 'import --tables contracts --from 1000 --to'
  expect((await run(`${words} 1999`)).code).toBe(0)
  const ledger = { ledger: databases.ledger } // as an earlier version of the program left it, with other SQL
  const change = 'ALTER TABLE {ledger:Identifier}.ledger'
  await post(server, `${change} DELETE WHERE event = 'checkpoint'`, ledger)
  await post(server, `${change} UPDATE sql_hash = 'other' WHERE 1 SETTINGS mutations_sync = 2`, ledger)
  const more = await run(`${words} 2999`)
  expect(more.stdout).toMatch(/^\S+Z Done: 1 chunk/m)
  expect(more.stderr).toMatch(
    /blocks 1000-1999 stay as older SQL \(\w+\) built them: backfill import .*--changed builds them again/,
  )
  expect((await run(`${words} 2999 --changed`)).stdout).toMatch(
    /^\S+Z Done: 1 chunk, 1,000 blocks, 1,000 rows/,
  )
  expect((await run(`${words} 2999 --changed`)).stdout).toMatch(/^\S+Z Nothing to do; .*\n$/)
})
