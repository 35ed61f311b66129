// Owns what `diff`, `redo` and `status` say of a table whose SQL file was edited, as a person types them.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor, expectOneMessage } from '../../support/cli.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { post, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER } from '../../support/workspace.ts'

const SOURCE = uniqueDatabase('source')

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), SOURCE)
  await addBlocks(server, SOURCE, { from: 1, to: 12 })
})
afterAll(() => server?.stop())

let target: string
let ledger: string
const query = (statement: string) => post(server, statement, { source: SOURCE, target, ledger })

const KEY = 'address_reads'
let folder: string
const file = () => join(folder, 'transforms', `${KEY}.sql`)
const env = () => environmentFor(server, { source: SOURCE, target, ledger })
const run = (words: string) =>
  backfillHere([...words.split(' '), '--sql', folder, '--no-color'], { env: { ...env(), BACKFILL_LAG: '0' } })
beforeEach(async () => {
  target = uniqueDatabase('target')
  ledger = uniqueDatabase('ledger')
  folder = join(temporaryDirectory(), 'sql')
  await mkdir(folder)
  await cp(SQL_FOLDER, folder, { recursive: true })
  const workspace = await openTestWorkspace({
    server,
    source: SOURCE,
    target,
    ledger,
    tables: [KEY],
    catalogue: await readCatalogue(folder),
  })
  await workspace.up()
  await workspace.close()
})

test('diff, status --check and redo say what a person needs, and write nothing before they are told to', async () => {
  const text = await readFile(file(), 'utf8')
  await writeFile(
    file(),
    text.replace('SELECT\n    account AS address', '-- Why not.\nSELECT\n    account AS address'),
  )
  const form = await run(`diff ${KEY}`)
  expect(form.stdout).toContain('\n+-- Why not.\n')
  expect(form.stdout).toContain('Only comments, formatting, or header lines that change no row differ')
  expect((await run(`status --check --tables ${KEY}`)).code).toBe(0)

  await writeFile(file(), text.replace('toUInt32(max(tx) % 1048576)', 'toUInt32(min(tx) % 1048576)'))
  expect((await run(`status --check --tables ${KEY}`)).code).toBe(4)
  const diff = await run(`diff ${KEY}`)
  expect(diff.code).toBe(0)
  expect(diff.stdout).toMatch(
    /stale 1-12 \(12 blocks\): sql: built by SQL [0-9a-f]{8}, the file is [0-9a-f]{8} now; built /,
  )
  expect(diff.stdout).toContain('\n-    toUInt32(max(tx) % 1048576) AS last_tx_index\n+    toUInt32(min(tx)')
  expect(diff.stdout).toContain(`backfill redo ${KEY} --stale`)
  const json = JSON.parse((await run(`diff ${KEY} --json`)).stdout) as Record<string, unknown>
  expect(json).toMatchObject({ schema: 1, change: 'sql', stale_versions: [{ ranges: [[1, 12]] }] })

  const before = await query('SELECT count() FROM {ledger:Identifier}.ledger')
  const dry = await run(`redo ${KEY} --stale --dry-run`)
  expect(dry).toMatchObject({ code: 0 })
  expect(dry.stdout).toMatch(
    /address_reads {2}blocks 1-12 \(12 blocks\): \d+ rows of \d+ \(100\.0 %\) of .* deleted/,
  )
  expect(dry.stdout).toMatch(/`backfill rebuild address_reads --sql [^`]+`/)
  const all = await run('redo --stale --dry-run')
  expect(all.stdout).toContain(dry.stdout.split('\n')[2])
  const asked = await run('redo --stale')
  expect(asked.code).toBe(2)
  expect(asked.stderr).toMatch(
    /Delete \d+ rows of blocks 1-12 \(12 blocks\) of .*, and build them again \(until then they are missing for readers, for about /,
  )
  const unasked = await run(`redo ${KEY} --stale`)
  expect(unasked.code).toBe(2)
  expect(unasked.stderr).toContain('--yes')
  expect(await query('SELECT count() FROM {ledger:Identifier}.ledger')).toBe(before)
  const done = await run(`redo ${KEY} --stale --yes`)
  expect(done, done.stderr).toMatchObject({ code: 0 })
  expect((await run(`status --check --tables ${KEY}`)).code).toBe(0)

  await writeFile(file(), text)
  const left = await run(`up --tables ${KEY}`)
  expect(left.stdout).toContain(`Stale: 12 blocks of ${KEY} (sql).`)
  expect((await run(`up --tables ${KEY} --redo-stale --from 3`)).stderr).toContain('exclude each other')
  const up = await run(`up --tables ${KEY} --redo-stale`)
  expect(up, up.stderr).toMatchObject({ code: 0 })
  expect(up.stdout).toMatch(/^\S+Z Done: 1 chunk, 12 blocks, .*\n$/)
  expect((await run(`status --check --tables ${KEY}`)).code).toBe(0)
})

test('the table and the blocks must be said, one way', async () => {
  const messages = await Promise.all(
    [
      'redo --from 1 --to 2',
      `redo ${KEY}`,
      `redo ${KEY} --from 3`,
      `redo ${KEY} --stale --from 1 --to 2`,
    ].map(async (words) => {
      const outcome = await run(words)
      expect(outcome.code).toBe(2)
      return expectOneMessage(outcome)
    }),
  )
  expect(messages.join('\n').replace(/ --sql [^`]+/, '')).toMatchInlineSnapshot(`
    "backfill: \`redo\` needs a table: \`backfill redo <table>\`
    backfill: \`redo\` needs blocks
    backfill: --from is given without --to
    backfill: --stale and --from exclude each other"
  `)
})

test('a ledger that an older version made knows no texts: `diff` says so, and the next `up` keeps them', async () => {
  await query('DROP TABLE {ledger:Identifier}.sql_versions')
  const text = await readFile(file(), 'utf8')
  await writeFile(file(), text.replace('toUInt32(max(tx) % 1048576)', 'toUInt32(min(tx) % 1048576)'))
  expect((await run(`diff ${KEY}`)).stdout).toMatch(/The text of [0-9a-f]{8} is unknown/)
  await addBlocks(server, SOURCE, { from: 13, to: 14 })
  const up = await run(`up --tables ${KEY}`)
  expect(up, up.stderr).toMatchObject({ code: 0 })
  expect(await query('SELECT count() FROM {ledger:Identifier}.sql_versions')).toBe('1\n')
})
