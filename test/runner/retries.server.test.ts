// Owns the promises about a chunk that fails: split when it was too big, tried again when it passes, stopped otherwise.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { MAX_ATTEMPTS } from '../../src/clickhouse/error-codes.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { blocksWhere, edited } from '../support/edited.ts'
import { leapingClock } from '../support/simulated.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../support/workspace.ts'

const TABLE = 'block_slots_stat'
const SOURCE = uniqueDatabase('source')
const ALL = Array.from({ length: 12 }, (_, index) => index + 1)

let files: Catalogue
let server: TestServer
const open: TestWorkspace[] = []
beforeAll(async () => {
  files = await readCatalogue(SQL_FOLDER)
  server = await startTestServer()
  await createSourceTables(server, files, SOURCE)
  await addBlocks(server, SOURCE, { from: 1, to: 12 })
})
afterAll(() => server?.stop())
afterEach(async () => {
  await Promise.all(open.splice(0).map((workspace) => workspace.close()))
})

async function runWith(
  condition: string,
  settings: Record<string, string> = {},
  tables = [TABLE],
): Promise<TestWorkspace> {
  const catalogue = edited(files, TABLE, { sql: blocksWhere(condition), settings })
  const workspace = await openTestWorkspace({ server, source: SOURCE, tables, catalogue })
  open.push(workspace)
  return workspace
}

/** Throws a server's error of that code where the condition holds: ClickHouse lets a query choose the code. */
const failing = (condition: string, code: number) =>
  `throwIf(${condition}, 'told to fail', toInt16(${code})) = 0`
const CHOOSE = { allow_custom_error_code_in_throwif: '1' }
const BLOCKS_ASKED_FOR = '({to_block:UInt64} - {from_block:UInt64} + 1)'

const blocks = async ({ target }: TestWorkspace) =>
  (
    await rowsOf<{ block_number: number }>(
      server,
      'SELECT block_number FROM {target:Identifier}.int_block_slots_stat ORDER BY block_number',
      { target },
    )
  ).map((row) => row.block_number)

/** `event from-to`, in the ledger's order. */
const story = async ({ ledger }: TestWorkspace) =>
  (
    await rowsOf<{ said: string }>(
      server,
      `SELECT concat(event, ' ', range_from, '-', range_to, if(error_code = 0, '', concat(' ', error_code))) AS said
      FROM {ledger:Identifier}.ledger WHERE event != 'checkpoint' ORDER BY epoch, seq`,
      { ledger },
    )
  ).map((row) => row.said)

test('a chunk that runs out of memory is split until its parts fit', async () => {
  // 20 MB for each block of the statement.
  const hungry = `(SELECT length(arrayStringConcat(groupArray(repeat('x', 1000000)))) FROM numbers(20 * ${BLOCKS_ASKED_FOR})) > 0`
  const workspace = await runWith(hungry, { max_memory_usage: '250000000' })
  expect((await workspace.up()).failed).toEqual([])
  expect(await blocks(workspace)).toEqual(ALL)
  const said = await story(workspace)
  expect(said.slice(0, 2)).toEqual(['started 1-12', 'failed 1-12 241'])
  expect(said.filter((one) => one.startsWith('done')).length).toBeGreaterThan(1)
  expect(workspace.events.find(({ type }) => type === 'chunk-failed')).toMatchObject({
    range: { from: 1, to: 12 },
    error: { code: 241 },
  })
})

test('a block that is too big alone fails with what to change', async () => {
  const workspace = await runWith(failing('block_number = 3', 241), CHOOSE)
  const { failed } = await workspace.up({ chunk: 4 })
  expect(failed).toMatchObject([{ table: TABLE, error: { kind: 'failed', code: 241 } }])
  expect(failed[0]!.error.message).toMatch(/told to fail.* \(code 241\); block 3 alone is too big$/)
  expect(failed[0]!.error.hint).toContain('--! settings: max_memory_usage')
  expect(await story(workspace)).toEqual([
    'started 1-4',
    'failed 1-4 241',
    'started 1-2',
    'done 1-2',
    'started 3-4',
    'failed 3-4 241',
    'started 3-3',
    'failed 3-3 241',
  ])
})

test('a block that takes too long alone needs a faster transform, not more memory', async () => {
  const workspace = await runWith(failing('block_number = 3', 159), CHOOSE)
  const { failed } = await workspace.up({ chunk: 4 })
  expect(failed[0]!.error.message).toMatch(/ \(code 159\); block 3 alone takes too long$/)
  expect(failed[0]!.error.hint).toMatch(/^Make the transform of block_slots_stat faster/)
  expect(failed[0]!.error.hint).not.toContain('memory')
})

test('an error that is none of SQL is not blamed on the file', async () => {
  const over = await runWith(`(SELECT ${failing('1', 201)})`, CHOOSE)
  await expect(over.up()).rejects.toMatchObject({
    kind: 'failed',
    message: expect.stringMatching(/failed while checking .*told to fail.* \(code 201\)$/),
  })
  const wrong = await runWith(`(SELECT ${failing('1', 43)})`, CHOOSE)
  await expect(wrong.up()).rejects.toMatchObject({ kind: 'usage', hint: 'Fix the file' })
  const plain = await runWith(`(SELECT ${failing('1', 181)})`, CHOOSE)
  await expect(plain.up()).rejects.toMatchObject({ hint: expect.stringContaining('ReplacingMergeTree') })
})

test('a statement that times out is split in halves down to what is fast enough', async () => {
  const workspace = await runWith(failing(`${BLOCKS_ASKED_FOR} > 3`, 159), CHOOSE)
  expect((await workspace.up()).failed).toEqual([])
  expect(await blocks(workspace)).toEqual(ALL)
  expect(await story(workspace)).toEqual([
    'started 1-12',
    'failed 1-12 159',
    'started 1-6',
    'failed 1-6 159',
    'started 1-3',
    'done 1-3',
    'started 4-6',
    'done 4-6',
    'started 7-12',
    'failed 7-12 159',
    'started 7-9',
    'done 7-9',
    'started 10-12',
    'done 10-12',
  ])
})

test('what is half written of a chunk is deleted before its halves run, where rows would be there twice', async () => {
  const target = uniqueDatabase('target')
  await post(server, 'CREATE DATABASE {target:Identifier}', { target })
  const { ddl } = files.tables.find(({ key }) => key === TABLE)!
  await post(server, ddl.text.replace(/ENGINE = \w+/, 'ENGINE = MergeTree'), { target })
  const tooBig = failing(`block_number > 4 AND ${BLOCKS_ASKED_FOR} > 3`, 241)
  // Blocks of the chunk pass one by one: those before the fifth are written when it fails.
  const settings = {
    ...CHOOSE,
    max_threads: '1',
    max_block_size: '1',
    min_insert_block_size_rows: '1',
    optimize_read_in_order: '1',
  }
  const sql = `SELECT toUInt32(number) AS block_number, toUInt32(0) AS slots_cleared, toUInt32(1) AS slots_set
    FROM numbers({from_block:UInt64}, ${BLOCKS_ASKED_FOR}) WHERE ${tooBig.replace('block_number', 'number')}`
  const catalogue = edited(files, TABLE, { sql, settings })
  const workspace = await openTestWorkspace({ server, source: SOURCE, target, tables: [TABLE], catalogue })
  open.push(workspace)
  expect((await workspace.up()).failed).toEqual([])
  expect(await blocks(workspace)).toEqual(ALL)
  expect((await story(workspace)).slice(0, 3)).toEqual(['started 1-12', 'failed 1-12 241', 'cleaned 1-12'])
})

test('an error that passes is tried again until it has passed', async () => {
  const gate = uniqueDatabase('gate')
  await post(server, 'CREATE TABLE {source:Identifier}.{gate:Identifier} (open UInt8) ENGINE = Memory', {
    source: SOURCE,
    gate,
  })
  const workspace = await runWith(
    failing(`(SELECT count() FROM {source:Identifier}.${gate}) = 0`, 252),
    CHOOSE,
  )
  const running = workspace.up()
  while (!workspace.events.some(({ type }) => type === 'chunk-failed')) await sleep(20)
  await post(server, 'INSERT INTO {source:Identifier}.{gate:Identifier} VALUES (1)', { source: SOURCE, gate })
  expect((await running).failed).toEqual([])
  expect(await blocks(workspace)).toEqual(ALL)
  const said = await story(workspace)
  expect(said.slice(0, 2)).toEqual(['started 1-12', 'failed 1-12 252'])
  expect(said.at(-1)).toBe('done 1-12')
})

test('a server without space is waited for as one that is away, beyond the tries of other errors', async () => {
  const { sleeps } = leapingClock()
  const full = await runWith(failing('true', 243), CHOOSE)
  const { failed } = await full.up({ giveUpMs: 100_000 })
  expect(failed).toMatchObject([{ table: TABLE, error: { kind: 'failed', code: 243 } }])
  expect(failed[0]!.error.hint).toContain('backfill doctor shows the disks')
  expect((await story(full)).filter((one) => one.startsWith('failed')).length).toBeGreaterThan(MAX_ATTEMPTS)
  expect(sleeps.length).toBeGreaterThan(MAX_ATTEMPTS)
})

test('no chunk starts while less of the disk is free than was asked for', async () => {
  const workspace = await runWith('true')
  const { failed } = await workspace.up({ minFreeShare: 1, giveUpMs: 0 })
  expect(failed[0]!.error.message).toMatch(
    /^\d+(\.\d)?% of disk default is free, less than --min-free-disk 100%$/,
  )
  expect(await story(workspace)).toEqual([])
})

test('any other error stops its table at once, and only that one', async () => {
  const workspace = await runWith(failing('block_number = 7', 395), CHOOSE, [TABLE, 'address_reads'])
  const { failed } = await workspace.up({ chunk: 4 })
  expect(failed).toMatchObject([{ table: TABLE, error: { kind: 'failed', code: 395 } }])
  expect(failed[0]!.error.message).toMatch(
    /^ClickHouse \(target http:\S+\) failed while inserting blocks 5-8 of block_slots_stat \(query backfill-mainnet-\S+\): .*told to fail/,
  )
  expect((await story(workspace)).filter((one) => one.startsWith('done')).length).toBe(4)
})
