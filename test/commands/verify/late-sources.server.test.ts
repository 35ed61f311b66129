// Owns the promises of `verify --sources`: what has changed since it was built is found once, marked, and clean once it is redone.
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import type { Catalogue } from '../../../src/model/model.ts'
import { planRedo } from '../../../src/commands/redo/plan.ts'
import { redo } from '../../../src/commands/redo/redo.ts'
import { status } from '../../../src/commands/status/status.ts'
import type { SourcesCheck } from '../../../src/commands/verify/sources.ts'
import { ledgerEvent } from '../../support/clickhouse.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { checkSources, oddities } from '../../support/verifying.ts'
import { OPTIONS, openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../../support/workspace.ts'

const SLOTS = 'block_slots_stat'
const DEPENDANT = 'accounts_alive'
const INPUTS = ['address_diffs', 'pre_6780_accounts_destructs', 'post_6780_accounts_destructs']

let server: TestServer
let catalogue: Catalogue
beforeAll(async () => {
  server = await startTestServer()
  catalogue = await readCatalogue(SQL_FOLDER)
})
afterAll(() => server?.stop())

/** Blocks 1 to 40, without 17, in chunks of ten. */
async function built(tables: readonly string[], chunk = 10): Promise<TestWorkspace> {
  const source = uniqueDatabase('source')
  await createSourceTables(server, catalogue, source)
  await addBlocks(server, source, { from: 1, to: 16 })
  await addBlocks(server, source, { from: 18, to: 40 })
  const workspace = await openTestWorkspace({ server, source, tables })
  onTestFinished(() => workspace.close())
  expect((await workspace.up({ chunk })).failed).toEqual([])
  return workspace
}

/** Writes the rows of a block again, with a newer time. */
async function rewrite({ source }: TestWorkspace, block: number): Promise<void> {
  await post(
    server,
    `INSERT INTO {source:Identifier}.canonical_execution_transaction
    SELECT * REPLACE (now() AS updated_date_time) FROM {source:Identifier}.canonical_execution_transaction
    WHERE block_number = {block:UInt64}`,
    { source, block },
  )
}

async function optimize({ source }: TestWorkspace): Promise<void> {
  for (const table of ['canonical_execution_transaction', 'canonical_execution_storage_diffs'])
    await post(server, 'OPTIMIZE TABLE {source:Identifier}.{table:Identifier} FINAL', { source, table })
}

const text = ({ table, changed, gone, before }: SourcesCheck): string =>
  [
    table,
    ...Object.entries({ changed, gone, before }).flatMap(([name, ranges]) =>
      ranges.length === 0 ? [] : [`${name} ${ranges.map(({ from, to }) => `${from}-${to}`).join()}`],
    ),
  ].join(' ')

const look = async (workspace: TestWorkspace, dryRun = false) =>
  (await checkSources(workspace, dryRun)).map(text)

/** What the ledger says of a table: `1-10 done sources-`. */
async function islands(
  { workspace: { ports, catalogue: files } }: TestWorkspace,
  key: string,
): Promise<string[]> {
  const table = files.tables.find((one) => one.key === key)!
  const { uuid } = (await ports.target.tables([table.target])).get(table.target)!
  const view = (await ports.ledger.fold(new Map([[key, uuid]]))).get(key)!
  return view.islands.map(({ from, to, state, sqlHash }) =>
    [
      `${from}-${to} ${state}`,
      ...(sqlHash === table.sqlHash ? [] : [sqlHash.replace(table.sqlHash, '')]),
    ].join(' '),
  )
}

test('rows written again and blocks added are found and marked once; merges and marks change nothing; redone, all is clean', async () => {
  const workspace = await built([SLOTS])
  expect(await look(workspace)).toEqual([SLOTS])
  await optimize(workspace)
  expect(await look(workspace)).toEqual([SLOTS])

  await rewrite(workspace, 5)
  await addBlocks(server, workspace.source, { from: 17, to: 17 })
  const found = 'changed 1-20'
  expect(await look(workspace, true)).toEqual([`${SLOTS} ${found}`])
  expect(await islands(workspace, SLOTS)).toEqual(['1-40 done'])

  expect(await look(workspace)).toEqual([`${SLOTS} ${found}`])
  expect(await islands(workspace, SLOTS)).toEqual(['1-20 done sources-', '21-40 done'])
  expect(await look(workspace)).toEqual([`${SLOTS} before 1-20`])
  // Nothing is missing, so nothing is run.
  expect(await workspace.up()).toMatchObject({ chunks: 0, failed: [] })
  await optimize(workspace)
  expect(await look(workspace)).toEqual([`${SLOTS} before 1-20`])

  // As `redo` does it: take the coverage back, run again. A try of it that died is judged by what built the rows.
  const { ports } = workspace.workspace
  const { uuid } = (await ports.target.tables([`int_${SLOTS}`])).get(`int_${SLOTS}`)!
  const dirty = [{ from: 1, to: 10 }]
  expect(await ports.ledger.attempts(SLOTS, uuid, dirty)).toMatchObject([
    { queryId: expect.stringContaining(`${SLOTS}-1-10`) },
  ])
  const lock = await ports.locks.acquire(SLOTS, () => {})
  await ports.ledger.append(
    lock,
    ledgerEvent({ event: 'invalidated', targetUuid: uuid, range: { from: 1, to: 20 } }),
  )
  await lock.release()
  expect((await workspace.up({ chunk: 10 })).failed).toEqual([])
  expect(await islands(workspace, SLOTS)).toEqual(['1-40 done'])
  expect(await look(workspace)).toEqual([SLOTS])
})

test('rows that have gone are said to have gone and not marked; their neighbours are judged by what is there', async () => {
  const workspace = await built([SLOTS])
  await post(
    server,
    'DELETE FROM {source:Identifier}.canonical_execution_storage_diffs WHERE block_number = 25',
    {
      source: workspace.source,
    },
  )
  await rewrite(workspace, 26)
  expect(await look(workspace)).toEqual([`${SLOTS} changed 21-24,26-30 gone 25-25`])
})

test('sources that have all blocks, but whose rows are older than they were, are marked, and a redo builds from them', async () => {
  const workspace = await built([SLOTS])
  const { source } = workspace
  // As from a backup: the rows of one source are there again, with older times.
  const table = 'canonical_execution_storage_diffs'
  for (const statement of [
    `CREATE TABLE ${source}.backup AS ${source}.${table}`,
    `INSERT INTO ${source}.backup SELECT * REPLACE (updated_date_time - 1 AS updated_date_time) FROM ${source}.${table}`,
    `EXCHANGE TABLES ${source}.backup AND ${source}.${table}`,
  ])
    await post(server, statement)
  expect(await look(workspace)).toEqual([`${SLOTS} changed 1-40`])
  const question = { request: { kind: 'stale' }, dependants: 'refuse', lag: 0, jobs: 1 } as const
  const plan = await planRedo(workspace.workspace, question)
  expect(plan.report.tables).toMatchObject([{ redo: [{ from: 1, to: 40 }], gone: [] }])
  const hooks = { report: () => {}, signal: new AbortController().signal }
  expect(await redo(workspace.workspace, plan, OPTIONS, hooks)).toMatchObject({ failed: [], stale: [] })
  expect(await look(workspace)).toEqual([SLOTS])
})

test('rows that went from a block that has others are not seen here, but where the rows are computed again', async () => {
  const workspace = await built([SLOTS])
  const { source } = workspace
  await addBlocks(server, source, { from: 41, to: 41 })
  await post(
    server,
    `INSERT INTO {source:Identifier}.canonical_execution_storage_diffs
     SELECT * REPLACE ('0x99' AS slot, 77 AS internal_index) FROM {source:Identifier}.canonical_execution_storage_diffs
     WHERE block_number = 41`,
    { source },
  )
  expect((await workspace.up()).failed).toEqual([])
  await post(
    server,
    `DELETE FROM {source:Identifier}.canonical_execution_storage_diffs WHERE slot = '0x99'`,
    { source },
  )
  expect(await look(workspace)).toEqual([SLOTS])
  expect(await oddities(workspace, { from: 41 })).toEqual([`${SLOTS} 41-41 different different=1`])
})

test('a part of a chunk that was redone since is judged by itself, the rest by what is left to be seen of it', async () => {
  const workspace = await built([SLOTS])
  await rewrite(workspace, 5)
  const { ports } = workspace.workspace
  const { uuid } = (await ports.target.tables([`int_${SLOTS}`])).get(`int_${SLOTS}`)!
  const lock = await ports.locks.acquire(SLOTS, () => {})
  await ports.ledger.append(
    lock,
    ledgerEvent({ event: 'invalidated', targetUuid: uuid, range: { from: 4, to: 6 } }),
  )
  await lock.release()
  expect((await workspace.up()).failed).toEqual([])
  expect(await look(workspace)).toEqual([SLOTS])
  await rewrite(workspace, 2)
  expect(await look(workspace)).toEqual([`${SLOTS} changed 1-3`])
})

test('a table that reads derived tables has no source that changes: it is stale while its input is redone, and no more when that changed no row', async () => {
  const workspace = await built([...INPUTS, DEPENDANT], 40)
  const staleDependant = async () =>
    (await status(workspace.workspace, { lag: 0 })).tables
      .find(({ table }) => table === DEPENDANT)!
      .staleVersions.map(({ reasons, blocks }) => ({ reasons, blocks }))
  await rewrite(workspace, 5)
  expect(await look(workspace)).toEqual([
    'address_diffs changed 1-40',
    'pre_6780_accounts_destructs changed 1-40',
    'post_6780_accounts_destructs',
    DEPENDANT,
  ])
  expect(await staleDependant()).toEqual([])
  const { ports } = workspace.workspace
  const { uuid } = (await ports.target.tables(['int_address_diffs'])).get('int_address_diffs')!
  const lock = await ports.locks.acquire('address_diffs', () => {})
  await ports.ledger.append(
    lock,
    ledgerEvent({ event: 'invalidated', targetUuid: uuid, range: { from: 1, to: 40 } }),
  )
  await lock.release()
  expect(await staleDependant()).toEqual([{ reasons: ['inputs'], blocks: [{ from: 1, to: 40 }] }])
  expect((await workspace.up()).failed).toEqual([])
  expect(await look(workspace)).toEqual([
    'address_diffs',
    'pre_6780_accounts_destructs before 1-40',
    'post_6780_accounts_destructs',
    DEPENDANT,
  ])
  expect(await staleDependant()).toEqual([])
  const [row] = await rowsOf<{ marks: number }>(
    server,
    `SELECT count() AS marks FROM {ledger:Identifier}.ledger WHERE startsWith(sql_hash, 'sources-') AND event = 'done'`,
    { ledger: workspace.ledger },
  )
  expect(row!.marks).toBe(2)
})

test('while another run holds the lock nothing is marked, and that is said', async () => {
  const workspace = await built([SLOTS])
  await rewrite(workspace, 5)
  const other = await openTestWorkspace({ ...workspace, server })
  onTestFinished(() => other.close())
  const lock = await other.workspace.ports.locks.acquire(SLOTS, () => {})
  const [check] = await checkSources(workspace)
  await lock.release()
  expect(check).toMatchObject({ changed: [{ from: 1, to: 10 }], notMarked: { kind: 'locked' } })
})
