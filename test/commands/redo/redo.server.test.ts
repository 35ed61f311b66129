// Owns the promises of `redo`, and of what a table says of the SQL that built it.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { NO_TRY } from '../../../src/ledger/events.ts'
import type { Catalogue } from '../../../src/model/model.ts'
import type { RedoRequest } from '../../../src/commands/redo/blocks.ts'
import { shortHash } from '../../../src/ledger/stale.ts'
import { planRedo } from '../../../src/commands/redo/plan.ts'
import { redo } from '../../../src/commands/redo/redo.ts'
import type { RunSummary } from '../../../src/runner/events.ts'
import { status } from '../../../src/commands/status/status.ts'
import { contentOf } from '../../support/audit.ts'
import { addReaders, blocksWhere, edited } from '../../support/edited.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { openTestWorld, OPTIONS, SQL_FOLDER, type TestWorld } from '../../support/world.ts'

const TABLE = 'block_slots_stat'
const EVEN = blocksWhere('block_number % 2 = 0')
const EVERY = blocksWhere('true')

let files: Catalogue
let server: TestServer
let source: string
let target: string
let ledger: string
const open: TestWorld[] = []
beforeAll(async () => {
  files = await readCatalogue(SQL_FOLDER)
  server = await startTestServer()
})
afterAll(() => server?.stop())
beforeEach(async () => {
  source = uniqueDatabase('source')
  target = uniqueDatabase('target')
  ledger = uniqueDatabase('ledger')
  await createSourceTables(server, files, source)
  await addBlocks(server, source, { from: 1, to: 12 })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((world) => world.close()))
})

type WorldOptions = { readonly tables?: readonly string[]; readonly catalogue?: Catalogue }

async function openWorld({ tables = [TABLE], catalogue = withSql(EVERY) }: WorldOptions = {}) {
  const world = await openTestWorld({ server, source, target, ledger, tables, catalogue, alone: true })
  open.push(world)
  return world
}

const withSql = (sql: string) => edited(files, TABLE, { sql })

const withReaders = (sql: string) => addReaders(withSql(sql))
const READERS = [TABLE, 'slot_blocks', 'slot_parity']

type Asked = { readonly cascade?: boolean; readonly lag?: number }

const planOf = (world: TestWorld, request: RedoRequest, { cascade = false, lag = 0 }: Asked = {}) =>
  planRedo(world.world, { request, cascade, lag, typed: `--${request.kind}` })

async function redone(world: TestWorld, request: RedoRequest, asked: Asked = {}): Promise<RunSummary> {
  const plan = await planOf(world, request, asked)
  world.events.length = 0
  const hooks = {
    report: (event: TestWorld['events'][number]) => void world.events.push(event),
    signal: new AbortController().signal,
  }
  return await redo(world.world, plan, { ...OPTIONS, lag: asked.lag ?? 0, chunk: 3 }, hooks)
}

const STALE: RedoRequest = { kind: 'stale' }
const DIRTY: RedoRequest = { kind: 'dirty' }
const range = (from: number, to: number): RedoRequest => ({ kind: 'range', range: { from, to } })

const query = (statement: string) => post(server, statement, { source, target, ledger })
const blocksOf = async (table = 'int_block_slots_stat') =>
  (
    await rowsOf<{ block_number: number }>(
      server,
      `SELECT block_number FROM {target:Identifier}.${table} ORDER BY block_number`,
      { target },
    )
  ).map((row) => row.block_number)
const reportOf = async (world: TestWorld, key = TABLE) =>
  (await status(world.world, { lag: 0 })).tables.find(({ table }) => table === key)!
const said = (world: TestWorld, type: 'note' | 'warning') =>
  world.events.flatMap((event) => (event.type === type ? [event.text] : []))
const ALL = Array.from({ length: 12 }, (_, index) => index + 1)

test('edited SQL: the old ranges are stale, `up` says that they stay, and redo --stale builds exactly them again', async () => {
  const [old, now] = [withSql(EVERY), withSql(EVEN)]
  const hashOf = (catalogue: Catalogue) => catalogue.tables.find(({ key }) => key === TABLE)!.sqlHash
  await (await openWorld({ catalogue: old })).up({ to: 6 })
  const world = await openWorld({ catalogue: now })
  await world.up({ to: 9 })
  expect(said(world, 'warning')).toEqual([
    `missing blocks are built with the SQL of the file (${shortHash(hashOf(now))}); blocks 1-6 stay as older SQL (${shortHash(hashOf(old))}) built them: backfill redo block_slots_stat --stale builds them again`,
  ])
  await world.up()
  expect(said(world, 'warning')).toEqual([])
  expect(said(world, 'note').join()).toContain('blocks 1-6 stay as older SQL')
  await world.up()
  expect(said(world, 'note')).toEqual([])
  expect(await blocksOf()).toEqual([1, 2, 3, 4, 5, 6, 8, 10, 12])
  expect(await reportOf(world)).toMatchObject({
    state: 'stale',
    sqlHash: hashOf(now),
    cure: 'backfill redo block_slots_stat --stale',
    staleVersions: [
      {
        hash: hashOf(old),
        edited: true,
        reason: undefined,
        blocks: [{ from: 1, to: 6 }],
        built: { from: expect.stringMatching(/^\d{4}-.*Z$/) },
      },
    ],
  })

  expect((await planOf(world, STALE)).report.tables).toMatchObject([
    { table: TABLE, deletes: true, redo: [{ from: 1, to: 6 }], also: [], rows: 6, tableRows: 9 },
  ])
  expect(await redone(world, STALE)).toMatchObject({ failed: [], blocks: 6 })
  expect(await blocksOf()).toEqual([2, 4, 6, 8, 10, 12])
  expect(await reportOf(world)).toMatchObject({ state: 'up to date', stale: [], staleVersions: [] })
  expect((await planOf(world, STALE)).report.tables).toEqual([])
})

test('the text behind each hash is kept once, whoever locks the table, and never without work', async () => {
  const world = await openWorld()
  await world.up({ to: 6, chunk: 2 })
  await world.up()
  await (await openWorld({ catalogue: withSql(EVEN) })).up()
  await addBlocks(server, source, { from: 13, to: 14 })
  const commented = { ...withSql(EVERY) }
  const tables = commented.tables.map((table) =>
    table.key === TABLE ? { ...table, rawText: `-- why\n${table.rawText}`, rawHash: 'raw' } : table,
  )
  await (await openWorld({ catalogue: { ...commented, tables } })).up()
  expect(await query('SELECT count() FROM {ledger:Identifier}.sql_texts')).toBe('2\n')
  const texts = await world.world.ports.versions.texts(TABLE)
  expect(texts.map(({ text, rawHash }) => [text, rawHash === 'raw'])).toEqual([
    [EVERY, false],
    [`-- why\n${EVERY}`, true],
  ])
  expect(texts[0]).toMatchObject({ file: expect.stringContaining('block_slots_stat.sql') })
  expect(texts[0]!.sqlHash).toBe(texts[1]!.sqlHash)
})

test('rows of a range go though neither SQL nor sources have changed, and rows of other ranges stay', async () => {
  const world = await openWorld()
  await world.up({ chunk: 5 })
  await query(
    'INSERT INTO {target:Identifier}.int_block_slots_stat (block_number, slots_set) VALUES (2, 9), (7, 9)',
  )
  await query('OPTIMIZE TABLE {target:Identifier}.int_block_slots_stat FINAL')
  await query('INSERT INTO {target:Identifier}.int_block_slots_stat (block_number, slots_set) VALUES (99, 9)')
  expect(await redone(world, range(4, 8))).toMatchObject({ failed: [], blocks: 5 })
  const nines =
    'SELECT arraySort(groupArray(block_number)) FROM {target:Identifier}.int_block_slots_stat WHERE slots_set = 9'
  expect(await query(nines)).toBe('[2,99]\n')
  expect(await blocksOf()).toEqual([...ALL, 99])
  expect(await reportOf(world)).toMatchObject({ covered: [{ from: 1, to: 12 }], dirty: [] })
})

test('what was built above the head of today is built again all the same', async () => {
  const world = await openWorld()
  await world.up()
  expect(await redone(world, range(10, 12), { lag: 8 })).toMatchObject({ failed: [], blocks: 3 })
  expect(await blocksOf()).toEqual(ALL)
})

test('what an earlier redo has deleted and not built again is finished by the next, whichever it is', async () => {
  const world = await openWorld()
  await world.up()
  const { ports } = world.world
  const targetUuid = (await ports.target.tables(['int_block_slots_stat'])).get('int_block_slots_stat')!.uuid
  for (const request of [STALE, DIRTY, range(4, 6)]) {
    const lock = await ports.locks.acquire(TABLE, () => {})
    const event = { ...NO_TRY, targetUuid, range: { from: 4, to: 6 }, sqlHash: 'x', runId: 'dead' }
    for (const name of ['invalidated', 'cleaned'] as const)
      await ports.ledger.append(lock, { ...event, event: name })
    await lock.release()
    await query('DELETE FROM {target:Identifier}.int_block_slots_stat WHERE block_number BETWEEN 4 AND 6')
    expect(await redone(world, request)).toMatchObject({ failed: [], blocks: 3 })
    expect(await blocksOf()).toEqual(ALL)
  }
})

test('--dirty deletes and builds again what a dead run left, and nothing else', async () => {
  const world = await openWorld()
  await world.up({ to: 6 })
  await query(
    'ALTER TABLE {target:Identifier}.int_block_slots_stat ADD CONSTRAINT poison CHECK block_number != 9',
  )
  expect((await world.up()).failed).toHaveLength(1)
  await query('ALTER TABLE {target:Identifier}.int_block_slots_stat DROP CONSTRAINT poison')
  expect(await redone(world, DIRTY)).toMatchObject({ failed: [], blocks: 6 })
  expect(said(world, 'note')).toEqual(['has deleted blocks 7-12, to build them again'])
  expect(await blocksOf()).toEqual(ALL)
})

test('tables that read the blocks: refused with the words to type; --cascade builds them again, too', async () => {
  await (await openWorld({ tables: READERS, catalogue: withReaders(EVERY) })).up()
  const all = await openWorld({ tables: READERS, catalogue: withReaders(EVEN) })
  const world = await openWorld({ catalogue: withReaders(EVEN) })
  const before = await contentOf(server, target, 'int_block_slots_stat')
  await expect(planOf(world, STALE)).rejects.toMatchObject({
    message:
      'slot_blocks (1-12), slot_parity (1-12) were built from these blocks of block_slots_stat and would keep their old rows',
    hint: 'backfill redo block_slots_stat --stale --cascade builds them again, too',
  })
  expect(await contentOf(server, target, 'int_block_slots_stat')).toBe(before)
  expect((await planOf(world, STALE, { cascade: true })).report.tables).toMatchObject([
    { table: TABLE, deletes: true, rows: 12 },
    { table: 'slot_blocks', deletes: true, rows: 12 },
    { table: 'slot_parity', deletes: false, rows: 0 },
  ])
  expect(await redone(world, STALE, { cascade: true })).toMatchObject({ failed: [] })
  expect(await blocksOf()).toEqual([2, 4, 6, 8, 10, 12])
  expect(await blocksOf('int_slot_blocks')).toEqual([2, 4, 6, 8, 10, 12])
  expect(await reportOf(all, 'slot_blocks')).toMatchObject({ state: 'up to date' })
  // Its row of the odd blocks cannot be taken back: it must not pass for up to date.
  expect(await reportOf(all, 'slot_parity')).toMatchObject({
    state: 'stale',
    cure: 'backfill rebuild slot_parity',
    staleVersions: [{ reason: 'mixed', edited: false, blocks: [{ from: 1, to: 12 }] }],
  })
})

test('a table that began to read the blocks after the plan was made is not left behind', async () => {
  const catalogue = withReaders(EVERY)
  const world = await openWorld({ catalogue })
  await world.up()
  const readers = await openWorld({ tables: READERS, catalogue })
  await readers.up({ to: 0 })
  const plan = await planOf(world, range(4, 6))
  await readers.up()
  const hooks = { report: () => {}, signal: new AbortController().signal }
  await expect(redo(world.world, plan, OPTIONS, hooks)).rejects.toThrow(
    'slot_blocks (4-6), slot_parity (4-6) were built from these blocks',
  )
  expect(await reportOf(world)).toMatchObject({ covered: [{ from: 1, to: 12 }], dirty: [] })
})

test('per-key tables are refused, with the cure', async () => {
  const world = await openWorld({ tables: ['address_last_access'], catalogue: files })
  await world.up()
  await expect(planOf(world, range(1, 2))).rejects.toMatchObject({
    kind: 'usage',
    message: expect.stringContaining('address_last_access keeps one row per key'),
    hint: 'backfill rebuild address_last_access builds the whole table anew beside the old one',
  })
})

test('what could not be built again is not deleted: pruned sources, sources that disagree, blocks that are not owed', async () => {
  const world = await openWorld()
  await world.up()
  await query('DELETE FROM {source:Identifier}.canonical_execution_storage_diffs WHERE block_number = 5')
  await expect(planOf(world, range(4, 6))).rejects.toThrow(
    'blocks 4-6 of block_slots_stat could not be built again: the sources no longer hold all of them; nothing was changed',
  )
  await query('DELETE FROM {source:Identifier}.canonical_execution_transaction WHERE block_number < 3')
  await expect(planOf(world, range(1, 3))).rejects.toThrow(
    "blocks 1-2 of block_slots_stat could not be built again: the table's blocks are 3-12 now; nothing was changed",
  )
  expect(await blocksOf()).toEqual(ALL)
  expect(await reportOf(world)).toMatchObject({ dirty: [] })
})

test('SQL that the server rejects stops a redo before anything is touched; a lock that is held, too', async () => {
  await (await openWorld()).up()
  const wrong = await openWorld({ catalogue: withSql(blocksWhere('no_such_column = 1')) })
  await expect(planOf(wrong, STALE)).rejects.toThrow('no_such_column')
  const events = await query('SELECT count() FROM {ledger:Identifier}.ledger')
  const world = await openTestWorld({
    server,
    source,
    target,
    ledger,
    tables: [TABLE],
    catalogue: withSql(EVEN),
  })
  open.push(world)
  const lock = await world.world.ports.locks.acquire(TABLE, () => {})
  const hooks = { report: () => {}, signal: new AbortController().signal }
  await expect(redo(world.world, await planOf(world, STALE), OPTIONS, hooks)).rejects.toMatchObject({
    kind: 'locked',
  })
  await lock.release()
  expect(await query('SELECT count() FROM {ledger:Identifier}.ledger')).toBe(events)
})
