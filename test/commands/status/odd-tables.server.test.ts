// Owns the promises of `status` about tables that are not what the ledger says, emptied or left half written, and about
// those that promise to be fresh.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { environmentFor } from '../../support/cli.ts'
import { editedFolder } from '../../support/edited-folder.ts'
import { backfillInside } from '../../support/inside.ts'
import { post, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER } from '../../support/workspace.ts'

let server: TestServer
const catalogue = await readCatalogue(SQL_FOLDER)
const tables = ['block_slots_stat']
const source = uniqueDatabase('source')
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, catalogue, source)
  await addBlocks(server, source, { from: 1, to: 20 })
})
afterAll(() => server?.stop())

/** Databases in which a run has done blocks 1-20, of each test's own. */
let databases: { readonly source: string; readonly target: string; readonly ledger: string }
beforeEach(async () => {
  databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const workspace = await openTestWorkspace({ server, ...databases, tables, catalogue })
  await workspace.up({ chunk: 10 })
  await workspace.close()
})

const run = (words: string) =>
  backfillInside(
    [...words.split(' '), ...(words.includes('--tables') ? [] : ['--tables', 'block_slots_stat'])],
    {
      ...environmentFor(server, databases),
      BACKFILL_LAG: '0',
    },
  )
const say = (statement: string) =>
  post(server, statement, { target: databases.target, ledger: databases.ledger })

test('a table that was truncated is named, with what builds it again', async () => {
  expect((await run('status')).stdout).not.toContain('is empty')
  await say('TRUNCATE TABLE {target:Identifier}.int_block_slots_stat')
  expect((await run('status')).stdout).toContain(
    'int_block_slots_stat is empty, but the ledger says that rows were written: was it truncated? DROP TABLE makes backfill build it again',
  )
  await say('DROP TABLE {target:Identifier}.int_block_slots_stat')
  expect((await run('up')).code).toBe(0)
  expect((await run('status')).stdout).not.toContain('is empty')
})

test('a range that a dead run left half written is named, fails --check, and the next up heals it', async () => {
  await say(
    `INSERT INTO {ledger:Identifier}.ledger (network, table_key, epoch, seq, event, range_from, range_to, target_uuid, sql_hash, query_id, user, event_time)
    SELECT network, table_key, max(epoch), max(seq) + 1, 'started', 5, 9, any(target_uuid), anyIf(sql_hash, event = 'done'), 'gone', currentUser(), now64(6)
    FROM {ledger:Identifier}.ledger WHERE table_key = 'block_slots_stat' GROUP BY network, table_key`,
  )
  const dirty = await run('status --check')
  expect(dirty.code).toBe(3)
  expect(dirty.stdout).toContain('dirty: an attempt at blocks 5-9 did not finish')
  expect(dirty.stdout).toContain('Next: `backfill up --tables block_slots_stat` recovers the dirty ranges')
  expect((await run('up')).code).toBe(0)
  expect((await run('status --check')).code).toBe(0)
})

const promise = (text: string) => text.replace('--! rows:', '--! fresh: 5m\n--! rows:')

test('a transform may promise to be fresher: it is late then, the others are not', async () => {
  const folder = editedFolder('transforms/block_slots_stat.sql', promise)
  const both = `--tables block_slots_stat,address_reads --sql ${folder}`
  expect((await run(`up ${both}`)).code).toBe(0)
  await addBlocks(server, source, { from: 21, to: 23, at: 'now() - 600' })
  const { code, stdout } = await run(`status --check --json ${both}`)
  const { check } = JSON.parse(stdout) as { check: { reasons: readonly { table: string; text: string }[] } }
  expect([code, check.reasons]).toEqual([
    3,
    [{ table: 'block_slots_stat', exit: 3, text: '3 missing blocks' }],
  ])
  // A promise holds beside --max-behind.
  expect((await run(`status --check --max-behind 5 ${both}`)).code).toBe(3)
})
