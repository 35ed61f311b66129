// Owns the promises of `rebuild`: the new table is what a clean run makes, nothing is lost on the way, dependants know.
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import type { Catalogue, TableDefinition } from '../../../src/model/model.ts'
import { status } from '../../../src/commands/status/status.ts'
import { ledgerEvent } from '../../support/clickhouse.ts'
import { blocksWhere, edited } from '../../support/edited.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { rebuildWorkspace } from '../../support/verifying.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../../support/workspace.ts'

const KEY = 'block_slots_stat'
const TABLE = `int_${KEY}`

let server: TestServer
let catalogue: Catalogue
beforeAll(async () => {
  server = await startTestServer()
  catalogue = await readCatalogue(SQL_FOLDER)
})
afterAll(() => server?.stop())

async function chain(): Promise<string> {
  const source = uniqueDatabase('source')
  await createSourceTables(server, catalogue, source)
  await addBlocks(server, source, { from: 1, to: 12 })
  return source
}

async function open(
  options: Partial<TestWorkspace> & { readonly source: string },
  tables = [KEY],
  files = catalogue,
) {
  const { source, target, ledger } = options
  const workspace = await openTestWorkspace({
    server,
    source,
    tables,
    catalogue: files,
    ...(target && { target }),
    ...(ledger && { ledger }),
  })
  onTestFinished(() => workspace.close())
  return workspace
}

async function built(tables = [KEY], chunk = 4): Promise<TestWorkspace> {
  const workspace = await open({ source: await chain() }, tables)
  expect((await workspace.up({ chunk })).failed).toEqual([])
  return workspace
}

/** The catalogue with another DDL and another transform for the table. */
function withTable(change: (table: TableDefinition) => TableDefinition): Catalogue {
  return {
    ...catalogue,
    tables: catalogue.tables.map((table) => (table.key === KEY ? change(table) : table)),
  }
}

async function tablesOf({ target }: TestWorkspace): Promise<string[]> {
  const rows = await rowsOf<{ name: string }>(
    server,
    'SELECT name FROM system.tables WHERE database = {target:String} AND name LIKE {like:String} ORDER BY name',
    { target, like: `${TABLE}%` },
  )
  return rows.map(({ name }) => name)
}

async function count({ target }: TestWorkspace, table = TABLE): Promise<number> {
  const [row] = await rowsOf<{ n: number }>(
    server,
    'SELECT count() AS n FROM {target:Identifier}.{table:Identifier}',
    { target, table },
  )
  return row!.n
}

async function uuidOf({ workspace }: TestWorkspace): Promise<string> {
  return (await workspace.ports.target.tables([TABLE])).get(TABLE)!.uuid
}

test('another engine and another SQL: exchanged at once, the old table kept until it is dropped, then again', async () => {
  const old = await built()
  const files = edited(
    withTable((table) => ({
      ...table,
      ddl: {
        ...table.ddl,
        text: table.ddl.text
          .replace('ReplacingMergeTree', 'MergeTree')
          .replace('ORDER BY block_number', 'ORDER BY (block_number, slots_set)'),
      },
    })),
    KEY,
    { sql: blocksWhere('block_number != 5') },
  )
  const workspace = await open(old, [KEY], files)
  const report = await rebuildWorkspace(workspace)
  expect(report).toMatchObject({
    outcome: 'swapped',
    kept: expect.stringMatching(/^int_block_slots_stat__old_/),
    dropped: [],
    dependants: [],
  })
  expect(report.verification!.tables[0]).toMatchObject({
    chunks: 3,
    ranges: [{ outcome: 'same' }, { outcome: 'same' }, { outcome: 'same' }],
  })
  expect(await count(workspace)).toBe(11)
  expect(await count(workspace, report.kept)).toBe(12)
  expect((await workspace.workspace.ports.target.tables([TABLE])).get(TABLE)!.engine).toBe('MergeTree')
  expect(await workspace.up()).toMatchObject({ chunks: 0, failed: [] })

  await expect(rebuildWorkspace(workspace)).rejects.toThrow('is still kept')
  expect(await rebuildWorkspace(workspace, { dropOld: true })).toMatchObject({
    outcome: 'dropped',
    dropped: [report.kept],
  })
  expect(await rebuildWorkspace(workspace, { dropOld: true })).toMatchObject({
    outcome: 'swapped',
    dropped: [expect.stringContaining('__old_')],
  })
  expect(await tablesOf(workspace)).toEqual([TABLE])
})

test('what was begun with another version of the file is dropped and begun again, what was begun with this one is continued', async () => {
  const old = await built()
  const other = await open(old, [KEY], edited(catalogue, KEY, { sql: blocksWhere('block_number != 5') }))
  const failing = edited(catalogue, KEY, { sql: blocksWhere("throwIf(block_number = 7, 'no') = 0") })
  const broken = await open(old, [KEY], failing)
  expect(await rebuildWorkspace(broken)).toMatchObject({
    outcome: 'incomplete',
    summary: { chunks: expect.any(Number) },
  })
  expect(await tablesOf(broken)).toEqual([TABLE, expect.stringContaining('__rebuild_')])
  expect(await count(broken)).toBe(12)
  // The same file once more goes on: block 1 to 4 are not done again.
  await rebuildWorkspace(broken)
  expect(broken.events).toContainEqual({ type: 'note', table: KEY, text: 'continuing an earlier rebuild' })
  expect(broken.events.filter((event) => event.type === 'chunk-done')).toEqual([])
  expect(await rebuildWorkspace(other)).toMatchObject({ outcome: 'swapped' })
  expect(await count(other)).toBe(11)
  expect((await tablesOf(other)).length).toBe(2)
})

test('a new table that would lack rows never takes the place of the old one: sources gone, in the middle or at the end', async () => {
  const workspace = await built()
  const { source } = workspace
  for (const block of [6, 12])
    await post(
      server,
      'DELETE FROM {source:Identifier}.canonical_execution_transaction WHERE block_number = {block:UInt64}',
      { source, block },
    )
  await expect(rebuildWorkspace(workspace)).rejects.toThrow('the sources no longer hold blocks 6, 12 of')
  expect(await tablesOf(workspace)).toEqual([TABLE])
  expect(await count(workspace)).toBe(12)
})

test('a table that holds fewer blocks than before is built again without the others, which the old one has', async () => {
  const old = await built()
  const blocks = { from: { fork: undefined, offset: 5 }, to: { fork: undefined, offset: 10 } }
  const tables = catalogue.tables.map((table) => (table.key === KEY ? { ...table, blocks } : table))
  const narrowed = await open(old, [KEY], { ...catalogue, tables })
  expect(await rebuildWorkspace(narrowed)).toMatchObject({ outcome: 'swapped' })
  expect(await count(narrowed)).toBe(6)
})

test('blocks that were done by somebody’s word, and blocks that were accepted, are so in the new table, too', async () => {
  const workspace = await open({ source: await chain() })
  expect((await workspace.up({ lag: 4 })).failed).toEqual([])
  expect((await workspace.up({ lag: 0, to: 11 })).failed).toEqual([])
  const { ports } = workspace.workspace
  const lock = await ports.locks.acquire(KEY, () => {})
  await ports.ledger.append(
    lock,
    ledgerEvent({ event: 'accepted', targetUuid: await uuidOf(workspace), range: { from: 20, to: 30 } }),
  )
  await lock.release()
  expect(await rebuildWorkspace(workspace)).toMatchObject({ outcome: 'swapped' })
  const uuid = await uuidOf(workspace)
  expect((await ports.ledger.fold(new Map([[KEY, uuid]]))).get(KEY)!.islands).toMatchObject([
    { from: 1, state: 'done' },
    { from: 20, to: 30, state: 'accepted' },
  ])
})

test('what is built and not what is computed now is not exchanged', async () => {
  const old = await built()
  // Another value each time, of which no function tells: whatever is built, a look at it finds something else.
  const sql = blocksWhere('true').replace(
    'toUInt32(0) AS slots_cleared',
    'assumeNotNull((SELECT toUInt32(sum(value) % 1000000007) FROM system.events)) AS slots_cleared',
  )
  const workspace = await open(old, [KEY], edited(catalogue, KEY, { sql }))
  expect(await rebuildWorkspace(workspace)).toMatchObject({ outcome: 'different', kept: undefined })
  expect((await tablesOf(workspace))[0]).toBe(TABLE)
  expect(await count(workspace)).toBe(12)
})

test('while a table is rebuilt its lock is held; its dependants are stale when it is done', async () => {
  const inputs = ['address_diffs', 'pre_6780_accounts_destructs', 'post_6780_accounts_destructs']
  const all = await built([...inputs, 'accounts_alive'], 12)
  const workspace = await open(all, ['address_diffs'])
  const seen: Promise<boolean | undefined>[] = []
  const report = await rebuildWorkspace(workspace, {
    chunk: 6,
    told: ({ type }) =>
      void (
        type.startsWith('chunk-') &&
        seen.push(all.workspace.ports.locks.holders().then((held) => held.get('address_diffs')?.released))
      ),
  })
  expect(new Set(await Promise.all(seen))).toEqual(new Set([false]))
  expect(report).toMatchObject({
    outcome: 'swapped',
    dependants: [
      { table: 'accounts_alive', blocks: [{ from: 1, to: 12 }], hint: 'backfill rebuild accounts_alive' },
    ],
  })
  const staleTables = async () =>
    (await status(all.workspace, { lag: 0 })).tables.flatMap(({ table, stale }) =>
      stale.length > 0 ? [table] : [],
    )
  expect(await staleTables()).toEqual(['accounts_alive'])
  // A dependant is rebuilt from what is there now, and clean.
  const dependant = await open(all, ['accounts_alive'])
  expect(await rebuildWorkspace(dependant, { chunk: 12 })).toMatchObject({ outcome: 'swapped' })
  expect(await staleTables()).toEqual([])
})
