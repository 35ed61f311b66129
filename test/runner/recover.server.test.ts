// Owns the promises of DESIGN's recovery table: what a half-written range becomes, for every kind of target and change.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { status } from '../../src/commands/status/status.ts'
import { blocksWhere, edited, ROW_BY_ROW } from '../support/edited.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables, SLOT_SOURCES } from '../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../support/workspace.ts'

const PER_BLOCK = 'block_slots_stat'
const PER_KEY = 'address_last_access'
const EVERY_BLOCK = blocksWhere('true')

let files: Catalogue
let server: TestServer
/** Of the running test; tests that change it make one of their own. */
let source: string
let shared: string
let target: string
let ledger: string
const open: TestWorkspace[] = []
beforeAll(async () => {
  files = await readCatalogue(SQL_FOLDER)
  server = await startTestServer()
  shared = await chain()
})
afterAll(() => server?.stop())
beforeEach(() => {
  source = shared
  target = uniqueDatabase('target')
  ledger = uniqueDatabase('ledger')
})

async function chain(tables?: readonly string[]): Promise<string> {
  const database = uniqueDatabase('source')
  await createSourceTables(server, files, database, tables)
  await addBlocks(server, database, { from: 1, to: 12, ...(tables && { tables }) })
  return database
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((workspace) => workspace.close()))
})

/** A new run's world on this test's databases, with the table's transform as it is then. */
async function runWith(
  sql: string | undefined,
  tables: readonly string[] = [PER_BLOCK],
): Promise<TestWorkspace> {
  const catalogue = edited(files, tables[0]!, { ...(sql && { sql }), settings: ROW_BY_ROW })
  const workspace = await openTestWorkspace({
    server,
    source,
    target,
    ledger,
    tables,
    catalogue,
    exclusive: true,
  })
  open.push(workspace)
  return workspace
}

const query = (statement: string) => post(server, statement, { source, target, ledger })

/** The target as a person might have made it, with another engine. */
async function createPlain(key: string): Promise<void> {
  const { ddl } = files.tables.find((table) => table.key === key)!
  await query('CREATE DATABASE {target:Identifier}')
  await query(ddl.text.replace(/ENGINE = \w+(\(\w+\))?/, 'ENGINE = MergeTree'))
}

/** Runs `up` while the target refuses block 8: blocks 1 to 7 are written, the chunk fails. */
async function failHalfWay(workspace: TestWorkspace, key: string): Promise<void> {
  const table = files.tables.find((one) => one.key === key)!.target
  await query('CREATE DATABASE IF NOT EXISTS {target:Identifier}')
  await query(files.tables.find((one) => one.key === key)!.ddl.text)
  await query(`ALTER TABLE {target:Identifier}.${table} ADD CONSTRAINT poison CHECK block_number != 8`)
  const summary = await workspace.up()
  await query(`ALTER TABLE {target:Identifier}.${table} DROP CONSTRAINT poison`)
  expect(summary.failed).toMatchObject([{ table: key, error: { code: 469, kind: 'failed' } }])
  expect((await ledgerEvents(key)).map(({ event }) => event)).toEqual(['started', 'failed'])
  expect(await query(`SELECT count() > 0 FROM {target:Identifier}.${table}`)).toBe('1\n')
}

const ledgerEvents = (key: string) =>
  rowsOf<{ event: string; range_from: number; range_to: number; sql_hash: string }>(
    server,
    'SELECT event, range_from, range_to, sql_hash FROM {ledger:Identifier}.ledger WHERE table_key = {key:String} ORDER BY epoch, seq',
    { ledger, key },
  )
const names = async (key: string) => (await ledgerEvents(key)).map(({ event }) => event)

/** Blocks of the target's rows as they stand there, duplicates included. */
const blocks = async (final = 'FINAL') =>
  (
    await rowsOf<{ block_number: number }>(
      server,
      `SELECT block_number FROM {target:Identifier}.int_block_slots_stat ${final} ORDER BY block_number`,
      { target },
    )
  ).map((row) => row.block_number)

async function deletions(): Promise<number> {
  await query('SYSTEM FLUSH LOGS query_log')
  return Number(
    await query(
      `SELECT count() FROM system.query_log WHERE query_kind = 'Delete' AND has(databases, {target:String}) AND type = 'QueryStart'`,
    ),
  )
}

const ALL = Array.from({ length: 12 }, (_, index) => index + 1)
const note = (workspace: TestWorkspace) =>
  workspace.events.flatMap((event) => (event.type === 'note' ? [event.text] : [])).join('\n')

test('same SQL, same sources, a Replacing target: the range runs again and nothing is deleted', async () => {
  await failHalfWay(await runWith(EVERY_BLOCK), PER_BLOCK)
  const next = await runWith(EVERY_BLOCK)
  expect((await next.up()).failed).toEqual([])
  expect(note(next)).toBe('runs the half-written blocks 1-12 again')
  expect(await deletions()).toBe(0)
  expect(await blocks()).toEqual(ALL)
  expect(await names(PER_BLOCK)).toEqual(['started', 'failed', 'started', 'done', 'checkpoint'])
})

test('the SQL was edited since: the rows of the old SQL are deleted first', async () => {
  await failHalfWay(await runWith(EVERY_BLOCK), PER_BLOCK)
  const next = await runWith(blocksWhere('block_number % 2 = 0'))
  expect((await next.up()).failed).toEqual([])
  expect(note(next)).toBe('has deleted the half-written blocks 1-12 (the SQL has changed since)')
  expect(await blocks()).toEqual([2, 4, 6, 8, 10, 12])
  expect(await names(PER_BLOCK)).toEqual(['started', 'failed', 'cleaned', 'started', 'done', 'checkpoint'])
})

test('source rows were written again since: the rows made from the old ones are deleted first', async () => {
  source = await chain(SLOT_SOURCES)
  await failHalfWay(await runWith(EVERY_BLOCK), PER_BLOCK)
  await query(`INSERT INTO {source:Identifier}.canonical_execution_transaction
    SELECT * REPLACE ('2026-02-02 00:00:00' AS updated_date_time, false AS success)
    FROM {source:Identifier}.canonical_execution_transaction WHERE block_number = 3`)
  const next = await runWith(EVERY_BLOCK)
  expect((await next.up()).failed).toEqual([])
  expect(note(next)).toBe('has deleted the half-written blocks 1-12 (source rows have changed since)')
  expect(await blocks()).toEqual(ALL.filter((block) => block !== 3))
})

test('a plain MergeTree of blocks: the range is deleted and runs again, and no row is there twice', async () => {
  await createPlain(PER_BLOCK)
  await failHalfWay(await runWith(EVERY_BLOCK), PER_BLOCK)
  const next = await runWith(EVERY_BLOCK)
  expect((await next.up()).failed).toEqual([])
  expect(note(next)).toBe('has deleted the half-written blocks 1-12')
  expect(await blocks('')).toEqual(ALL)
})

test('a plain MergeTree of keys: the table stops and says what fixes it, other tables go on', async () => {
  await createPlain(PER_KEY)
  await failHalfWay(await runWith(undefined, [PER_KEY]), PER_KEY)
  const next = await runWith(undefined, [PER_KEY, PER_BLOCK])
  const { failed } = await next.up()
  expect(failed).toMatchObject([{ table: PER_KEY, error: { kind: 'failed' } }])
  expect(failed[0]!.error.message).toBe(
    'address_last_access has half-written blocks 1-12, and its engine MergeTree does not replace rows',
  )
  expect(failed[0]!.error.hint).toBe('Drop the table and run backfill up: it is built again from the start')
  expect(await deletions()).toBe(0)
  expect(await blocks()).toEqual(ALL)
  await query('DROP TABLE {target:Identifier}.int_address_last_access SYNC')
  expect((await (await runWith(undefined, [PER_KEY])).up()).failed).toEqual([])
})

test('a Replacing target of keys whose SQL was edited runs again, and the range shows as stale', async () => {
  await failHalfWay(await runWith(undefined, [PER_KEY]), PER_KEY)
  const sql = `${files.tables.find(({ key }) => key === PER_KEY)!.transform.text}\nHAVING true`
  const next = await runWith(sql, [PER_KEY])
  expect((await next.up()).failed).toEqual([])
  expect(note(next)).toContain('runs blocks 1-12 again, although their old rows cannot be deleted')
  const [table] = (await status(next.workspace, { lag: 0 })).tables
  expect(table).toMatchObject({ state: 'stale', missing: [], stale: [{ from: 1, to: 12 }] })
})

test('a range that runs again over rows it cannot take back stays stale when that run dies too', async () => {
  await failHalfWay(await runWith(undefined, [PER_KEY]), PER_KEY)
  const sql = `${files.tables.find(({ key }) => key === PER_KEY)!.transform.text}\nHAVING true`
  await query(
    'ALTER TABLE {target:Identifier}.int_address_last_access ADD CONSTRAINT poison CHECK block_number != 8',
  )
  expect((await (await runWith(sql, [PER_KEY])).up()).failed).toHaveLength(1)
  await query('ALTER TABLE {target:Identifier}.int_address_last_access DROP CONSTRAINT poison')
  const last = await runWith(sql, [PER_KEY])
  expect((await last.up()).failed).toEqual([])
  expect((await status(last.workspace, { lag: 0 })).tables[0]).toMatchObject({
    state: 'stale',
    stale: [{ from: 1, to: 12 }],
  })
})

test('sources that no longer hold the whole range: refused, and nothing is deleted', async () => {
  source = await chain(SLOT_SOURCES)
  await failHalfWay(await runWith(EVERY_BLOCK), PER_BLOCK)
  const before = await blocks()
  for (const { target: name } of [{ target: 'transaction' }, { target: 'storage_diffs' }])
    await query(`DELETE FROM {source:Identifier}.canonical_execution_${name} WHERE block_number < 4`)
  const { failed } = await (await runWith(blocksWhere('block_number > 1'))).up()
  expect(failed).toMatchObject([{ table: PER_BLOCK, error: { kind: 'failed' } }])
  expect(failed[0]!.error.message).toBe(
    'the sources no longer hold blocks 1-3 of block_slots_stat: deleting would lose rows',
  )
  expect(await blocks()).toEqual(before)
  expect(await deletions()).toBe(0)
})

test('one range pruned, another only edited: the edited one does not hide that deleting would lose rows', async () => {
  source = await chain(SLOT_SOURCES)
  const first = await runWith(EVERY_BLOCK)
  await failHalfWay(first, PER_BLOCK)
  await query(
    'ALTER TABLE {target:Identifier}.int_block_slots_stat ADD CONSTRAINT poison CHECK block_number != 16',
  )
  await addBlocks(server, source, { from: 13, to: 20, tables: SLOT_SOURCES })
  await (await runWith(EVERY_BLOCK)).up({ from: 13 })
  await query('ALTER TABLE {target:Identifier}.int_block_slots_stat DROP CONSTRAINT poison')
  for (const name of ['transaction', 'storage_diffs'])
    await query(`DELETE FROM {source:Identifier}.canonical_execution_${name} WHERE block_number < 3`)
  const before = await blocks()
  const { failed } = await (await runWith(blocksWhere('block_number > 1'))).up()
  expect(failed[0]!.error.message).toContain('deleting would lose rows')
  expect(await blocks()).toEqual(before)
})

test('a try that was cut off between started and its end is recovered like one that failed', async () => {
  const first = await runWith(EVERY_BLOCK)
  await failHalfWay(first, PER_BLOCK)
  await query(`DELETE FROM {ledger:Identifier}.ledger WHERE event = 'failed'`)
  expect(await names(PER_BLOCK)).toEqual(['started'])
  const next = await runWith(blocksWhere('block_number > 2'))
  expect((await next.up()).failed).toEqual([])
  expect(await blocks()).toEqual(ALL.filter((block) => block > 2))
})
