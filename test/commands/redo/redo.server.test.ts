// Owns the promises of `redo`, and of what a table says of the SQL that built it.
import { expect, test } from 'vitest'
import type { Catalogue } from '../../../src/model/model.ts'
import { shortHash } from '../../../src/ledger/stale.ts'
import { redo } from '../../../src/commands/redo/redo.ts'
import { contentOf } from '../../support/audit.ts'
import { blocksWhere } from '../../support/edited.ts'
import { rowsOf } from '../../support/server.ts'
import { addBlocks } from '../../support/small-chain.ts'
import {
  EVEN,
  EVERY,
  range,
  READERS,
  redone,
  redoScene,
  STALE,
  TABLE,
  planOf,
  reportOf,
  said,
} from '../../support/redo-scene.ts'
import { OPTIONS } from '../../support/workspace.ts'

const { connectWorkspace, withSql, withReaders, query, blocksOf, databases } = redoScene()

const hashOf = (catalogue: Catalogue) => catalogue.tables.find(({ key }) => key === TABLE)!.sqlHash
const ALL = Array.from({ length: 12 }, (_, index) => index + 1)

test('edited SQL: the old ranges are stale, `up` says that they stay, and redo --stale builds exactly them again', async () => {
  const [old, now] = [withSql(EVERY), withSql(EVEN)]
  await (await connectWorkspace({ catalogue: old })).up({ to: 6 })
  const workspace = await connectWorkspace({ catalogue: now })
  await workspace.up({ to: 9 })
  expect(said(workspace, 'warning')).toEqual([
    `missing blocks are built with the SQL of the file (${shortHash(hashOf(now))}); blocks 1-6 stay as older SQL (${shortHash(hashOf(old))}) built them: backfill redo block_slots_stat --stale builds them again`,
  ])
  await workspace.up()
  expect(said(workspace, 'warning')).toEqual([])
  expect(said(workspace, 'note').join()).toContain('blocks 1-6 stay as older SQL')
  await workspace.up()
  expect(said(workspace, 'note')).toEqual([])
  expect(await blocksOf()).toEqual([1, 2, 3, 4, 5, 6, 8, 10, 12])
  expect(await reportOf(workspace)).toMatchObject({
    state: 'stale',
    sqlHash: hashOf(now),
    hint: 'backfill redo block_slots_stat --stale',
    staleVersions: [
      {
        hash: hashOf(old),
        reasons: ['sql'],
        blocks: [{ from: 1, to: 6 }],
        built: { from: expect.stringMatching(/^\d{4}-.*Z$/) },
      },
    ],
  })

  expect((await planOf(workspace, STALE)).report.tables).toMatchObject([
    { table: TABLE, deletes: true, redo: [{ from: 1, to: 6 }], also: [], rows: 6, tableRows: 9 },
  ])
  expect(await redone(workspace, STALE)).toMatchObject({ failed: [], blocks: 6 })
  expect(await blocksOf()).toEqual([2, 4, 6, 8, 10, 12])
  expect(await reportOf(workspace)).toMatchObject({ state: 'up to date', stale: [], staleVersions: [] })
  expect((await planOf(workspace, STALE)).report.tables).toEqual([])
})

test('the text behind each hash is kept once, whoever locks the table, and never without work', async () => {
  const workspace = await connectWorkspace()
  await workspace.up({ to: 6, chunk: 2 })
  await workspace.up()
  await (await connectWorkspace({ catalogue: withSql(EVEN) })).up()
  await addBlocks(databases().server, databases().source, { from: 13, to: 14 })
  const commented = { ...withSql(EVERY) }
  const tables = commented.tables.map((table) =>
    table.key === TABLE ? { ...table, rawText: `-- why\n${table.rawText}`, rawHash: 'raw' } : table,
  )
  await (await connectWorkspace({ catalogue: { ...commented, tables } })).up()
  expect(await query('SELECT count() FROM {ledger:Identifier}.sql_versions')).toBe('2\n')
  const texts = await workspace.workspace.ports.versions.texts(TABLE)
  expect(texts.map(({ text, rawHash }) => [text, rawHash === 'raw'])).toEqual([
    [EVERY, false],
    [`-- why\n${EVERY}`, true],
  ])
  expect(texts[0]).toMatchObject({ file: expect.stringContaining('block_slots_stat.sql') })
  expect(texts[0]!.sqlHash).toBe(texts[1]!.sqlHash)
})

test('rows of a range go though neither SQL nor sources have changed, and rows of other ranges stay', async () => {
  const workspace = await connectWorkspace()
  await workspace.up({ chunk: 5 })
  await query(
    'INSERT INTO {target:Identifier}.int_block_slots_stat (block_number, slots_set) VALUES (2, 9), (7, 9)',
  )
  await query('OPTIMIZE TABLE {target:Identifier}.int_block_slots_stat FINAL')
  await query('INSERT INTO {target:Identifier}.int_block_slots_stat (block_number, slots_set) VALUES (99, 9)')
  expect(await redone(workspace, range(4, 8))).toMatchObject({ failed: [], blocks: 5 })
  const nines =
    'SELECT arraySort(groupArray(block_number)) FROM {target:Identifier}.int_block_slots_stat WHERE slots_set = 9'
  expect(await query(nines)).toBe('[2,99]\n')
  expect(await blocksOf()).toEqual([...ALL, 99])
  expect(await reportOf(workspace)).toMatchObject({ covered: [{ from: 1, to: 12 }], dirty: [] })
})

test('what was built above the head of today is built again all the same', async () => {
  const workspace = await connectWorkspace()
  await workspace.up()
  expect(await redone(workspace, range(10, 12), { lag: 8 })).toMatchObject({ failed: [], blocks: 3 })
  expect(await blocksOf()).toEqual(ALL)
})

test('what an earlier redo has deleted and not built again is finished by the next, whichever it is', async () => {
  const workspace = await connectWorkspace()
  await workspace.up()
  const { ports } = workspace.workspace
  const targetUuid = (await ports.target.tables(['int_block_slots_stat'])).get('int_block_slots_stat')!.uuid
  for (const request of [STALE, range(4, 6)]) {
    const lock = await ports.locks.acquire(TABLE, () => {})
    const event = { targetUuid, range: { from: 4, to: 6 }, sqlHash: 'x', runId: 'dead' }
    for (const name of ['invalidated', 'cleaned'] as const)
      await ports.ledger.append(lock, { ...event, event: name })
    await lock.release()
    await query('DELETE FROM {target:Identifier}.int_block_slots_stat WHERE block_number BETWEEN 4 AND 6')
    expect(await redone(workspace, request)).toMatchObject({ failed: [], blocks: 3 })
    expect(await blocksOf()).toEqual(ALL)
  }
})

test('a range deletes and builds again what a dead run left in it', async () => {
  const workspace = await connectWorkspace()
  await workspace.up({ to: 6 })
  await query(
    'ALTER TABLE {target:Identifier}.int_block_slots_stat ADD CONSTRAINT poison CHECK block_number != 9',
  )
  expect((await workspace.up()).failed).toHaveLength(1)
  await query('ALTER TABLE {target:Identifier}.int_block_slots_stat DROP CONSTRAINT poison')
  expect(await redone(workspace, range(7, 12))).toMatchObject({ failed: [], blocks: 6 })
  expect(said(workspace, 'note')).toEqual(['has deleted blocks 7-12, to build them again'])
  expect(await blocksOf()).toEqual(ALL)
})

test('tables that read the blocks: refused with the words to type; --cascade builds them again, too', async () => {
  await (await connectWorkspace({ tables: READERS, catalogue: withReaders(EVERY) })).up()
  const all = await connectWorkspace({ tables: READERS, catalogue: withReaders(EVEN) })
  const workspace = await connectWorkspace({ catalogue: withReaders(EVEN) })
  const before = await contentOf(databases().server, databases().target, 'int_block_slots_stat')
  await expect(planOf(workspace, STALE)).rejects.toMatchObject({
    message:
      'slot_blocks (1-12), slot_parity (1-12) were built from these blocks of block_slots_stat and would keep their old rows',
    hint: 'backfill redo block_slots_stat --stale --cascade builds them again, too',
  })
  expect(await contentOf(databases().server, databases().target, 'int_block_slots_stat')).toBe(before)
  expect((await planOf(workspace, STALE, { cascade: true })).report.tables).toMatchObject([
    { table: TABLE, deletes: true, rows: 12 },
    { table: 'slot_blocks', deletes: true, rows: 12 },
    { table: 'slot_parity', deletes: false, rows: 0 },
  ])
  expect(await redone(workspace, STALE, { cascade: true })).toMatchObject({ failed: [] })
  expect(await blocksOf()).toEqual([2, 4, 6, 8, 10, 12])
  expect(await blocksOf('int_slot_blocks')).toEqual([2, 4, 6, 8, 10, 12])
  expect(await reportOf(all, 'slot_blocks')).toMatchObject({ state: 'up to date' })
  // Its row of the odd blocks cannot be taken back: it must not pass for up to date.
  expect(await reportOf(all, 'slot_parity')).toMatchObject({
    state: 'stale',
    hint: 'backfill rebuild slot_parity',
    staleVersions: [{ reasons: ['mixed'], blocks: [{ from: 1, to: 12 }] }],
  })
})

test('a table that began to read the blocks after the plan was made is not left behind', async () => {
  const catalogue = withReaders(EVERY)
  const workspace = await connectWorkspace({ catalogue })
  await workspace.up()
  const readers = await connectWorkspace({ tables: READERS, catalogue })
  await readers.up({ to: 0 })
  const plan = await planOf(workspace, range(4, 6))
  await readers.up()
  const hooks = { report: () => {}, signal: new AbortController().signal }
  await expect(redo(workspace.workspace, plan, OPTIONS, hooks)).rejects.toThrow(
    'slot_blocks (4-6), slot_parity (4-6) were built from these blocks',
  )
  expect(await reportOf(workspace)).toMatchObject({ covered: [{ from: 1, to: 12 }], dirty: [] })
})

test('per-key tables are refused, with the hint', async () => {
  const workspace = await connectWorkspace({ tables: ['address_last_access'], catalogue: databases().files })
  await workspace.up()
  await expect(planOf(workspace, range(1, 2))).rejects.toMatchObject({
    kind: 'usage',
    message: expect.stringContaining('address_last_access keeps one row per key'),
    hint: 'backfill rebuild address_last_access builds a new table beside the old one',
  })
})

test('what could not be built again is not deleted: pruned sources, sources that disagree, blocks that are not expected', async () => {
  const workspace = await connectWorkspace()
  await workspace.up({ chunk: 1 })
  await query('DELETE FROM {source:Identifier}.canonical_execution_storage_diffs WHERE block_number = 5')
  await expect(planOf(workspace, range(5, 5))).rejects.toThrow(
    'block 5 of block_slots_stat cannot be built again: the sources no longer hold them; nothing was changed',
  )
  // As many blocks as before, but the rows of one are those of a day ago: loaded again from a backup, they can be computed again.
  const transactions = '{source:Identifier}.canonical_execution_transaction'
  await query(
    `INSERT INTO ${transactions} SELECT * REPLACE ('2025-12-31 00:00:00' AS updated_date_time)
    FROM ${transactions} WHERE block_number = 11`,
  )
  await query(
    `DELETE FROM ${transactions} WHERE block_number = 11 AND updated_date_time > '2025-12-31 00:00:00'`,
  )
  expect(
    await rowsOf(
      databases().server,
      `SELECT toUInt8(uniqExact(block_number)) AS blocks FROM ${transactions}`,
      {
        source: databases().source,
      },
    ),
  ).toEqual([{ blocks: 12 }])
  expect((await planOf(workspace, range(11, 11))).report.tables).toMatchObject([{ gone: [] }])
  await query('DELETE FROM {source:Identifier}.canonical_execution_transaction WHERE block_number < 3')
  await expect(planOf(workspace, range(1, 2))).rejects.toThrow(
    'blocks 1-2 of block_slots_stat cannot be built again: what block_slots_stat reads has blocks 3-12 now; nothing was changed',
  )
  expect(await blocksOf()).toEqual(ALL)
  expect(await reportOf(workspace)).toMatchObject({ dirty: [] })
})

test('SQL that the server rejects stops a redo before anything is touched; a lock that is held, too', async () => {
  await (await connectWorkspace()).up()
  const wrong = await connectWorkspace({ catalogue: withSql(blocksWhere('no_such_column = 1')) })
  await expect(planOf(wrong, STALE)).rejects.toThrow('no_such_column')
  const events = await query('SELECT count() FROM {ledger:Identifier}.ledger')
  const workspace = await connectWorkspace({ catalogue: withSql(EVEN), exclusive: false })
  const lock = await workspace.workspace.ports.locks.acquire(TABLE, () => {})
  const hooks = { report: () => {}, signal: new AbortController().signal }
  await expect(
    redo(workspace.workspace, await planOf(workspace, STALE), OPTIONS, hooks),
  ).rejects.toMatchObject({
    kind: 'locked',
  })
  await lock.release()
  expect(await query('SELECT count() FROM {ledger:Identifier}.ledger')).toBe(events)
})
