// Owns the promises about ranges whose forks, limits or inputs are others now: what is stale, and what makes it right.
import { expect, test } from 'vitest'
import type { Catalogue } from '../../src/model/model.ts'
import { blocksWhere } from '../support/edited.ts'
import { planOf, range, redone, redoScene, reportOf, STALE, TABLE } from '../support/redo-scene.ts'
import { rowsOf } from '../support/server.ts'
import { addBlocks } from '../support/small-chain.ts'
import { sinceDencun, usingDencun, withDencun } from '../support/changed-files.ts'
import type { TestWorkspace } from '../support/workspace.ts'

const { connectWorkspace, withSql, withReaders, query, blocksOf, databases } = redoScene()

const staleOf = async (workspace: TestWorkspace, key = TABLE) =>
  (await reportOf(workspace, key)).staleVersions.map(
    ({ reasons, blocks }) => `${reasons.join()} ${blocks.map(({ from, to }) => `${from}-${to}`).join()}`,
  )
const blocks = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

test('a fork that moves makes the blocks between its old and its new number stale, and redo computes these only', async () => {
  const files = usingDencun(withSql(blocksWhere('block_number >= {dencun:UInt64}')), TABLE)
  await (await connectWorkspace({ catalogue: withDencun(files, 4) })).up({ chunk: 5 })
  expect(await blocksOf()).toEqual(blocks(4, 12))
  const moved = await connectWorkspace({ catalogue: withDencun(files, 9) })
  expect(await staleOf(moved)).toEqual(['forks 4-8'])
  expect(await moved.up()).toMatchObject({
    chunks: 0,
    stale: [{ table: TABLE, blocks: 5, reasons: ['forks'], hint: `backfill redo ${TABLE} --stale` }],
  })
  expect(await redone(moved, STALE)).toMatchObject({ blocks: 5, failed: [] })
  expect(await blocksOf()).toEqual(blocks(9, 12))
  expect(await staleOf(moved)).toEqual([])
  // Moved back, only the ranges that were computed with the other number since are stale again.
  expect(await staleOf(await connectWorkspace({ catalogue: withDencun(files, 6) }))).toEqual(['forks 6-8'])
})

test('a fork that is used in another way than to compare blocks makes every block stale', async () => {
  const files = usingDencun(withSql(blocksWhere('(block_number - {dencun:UInt64}) % 2 = 0')), TABLE)
  await (await connectWorkspace({ catalogue: withDencun(files, 4) })).up()
  expect(await staleOf(await connectWorkspace({ catalogue: withDencun(files, 5) }))).toEqual(['forks 1-12'])
})

test('blocks outside of the limits of today are stale; redo deletes their rows and computes none again', async () => {
  const files = sinceDencun(withSql(blocksWhere('true')), TABLE)
  await (await connectWorkspace({ catalogue: withDencun(files, 4) })).up({ chunk: 5 })
  const moved = await connectWorkspace({ catalogue: withDencun(files, 9) })
  const report = await reportOf(moved)
  expect(report).toMatchObject({ state: 'stale', first: 9, missing: [], stale: [{ from: 4, to: 8 }] })
  expect(await staleOf(moved)).toEqual(['limits 4-8'])
  // Even where the sources hold the blocks no more: nothing is to be computed from them.
  await query('DELETE FROM {source:Identifier}.canonical_execution_transaction WHERE block_number < 7')
  expect((await planOf(moved, STALE)).report.tables).toMatchObject([
    { redo: [{ from: 4, to: 8 }], outside: [{ from: 4, to: 8 }], rows: 5 },
  ])
  expect(await redone(moved, STALE)).toMatchObject({ chunks: 0, failed: [] })
  expect(await blocksOf()).toEqual(blocks(9, 12))
  expect(await reportOf(moved)).toMatchObject({ state: 'up to date', stale: [], dirty: [] })
})

const movedTo = (catalogue: Catalogue, dencun: number) => withDencun(sinceDencun(catalogue, TABLE), dencun)

test('what was computed from rows outside of an input’s limits is stale once these are deleted', async () => {
  const tables = [TABLE, 'slot_blocks']
  const files = withReaders(blocksWhere('true'))
  await (await connectWorkspace({ tables, catalogue: movedTo(files, 4) })).up()
  const workspace = await connectWorkspace({ tables, catalogue: movedTo(files, 9) })
  const dependant = await connectWorkspace({ tables: ['slot_blocks'], catalogue: movedTo(files, 9) })
  expect((await redone(dependant, range(5, 6))).failed).toEqual([])
  expect(await blocksOf('int_slot_blocks')).toEqual(blocks(4, 12))
  const input = await connectWorkspace({ catalogue: movedTo(withSql(blocksWhere('true')), 9) })
  expect((await redone(input, STALE)).failed).toEqual([])
  expect(await staleOf(workspace, 'slot_blocks')).toEqual(['inputs 4-8'])
})

test('a table that holds more blocks now makes its dependants stale there, before they are filled and after', async () => {
  const tables = [TABLE, 'other', 'slot_blocks']
  const base = withReaders(blocksWhere('true'))
  const input = base.tables.find(({ key }) => key === TABLE)!
  const other = {
    ...input,
    key: 'other',
    target: 'int_other',
    ddl: { ...input.ddl, text: input.ddl.text.replace('int_block_slots_stat', 'int_other') },
  }
  const files = sinceDencun(
    {
      ...base,
      tables: base.tables.flatMap((table) =>
        table.key === 'slot_blocks' ? [other, { ...table, after: [TABLE, 'other'] }] : [table],
      ),
    },
    TABLE,
  )
  await (await connectWorkspace({ tables, catalogue: withDencun(files, 6) })).up({ chunk: 3 })
  const widened = await connectWorkspace({ tables, catalogue: withDencun(files, 3) })
  expect(await staleOf(widened, 'slot_blocks')).toEqual(['inputs 3-5'])
  expect((await widened.up()).failed).toEqual([])
  expect(await blocksOf()).toEqual(blocks(3, 12))
  expect(await staleOf(widened, 'slot_blocks')).toEqual(['inputs 3-5'])
  const dependant = await connectWorkspace({ tables: ['slot_blocks'], catalogue: withDencun(files, 3) })
  expect(await redone(dependant, STALE)).toMatchObject({ blocks: 3, failed: [] })
  expect(await staleOf(widened, 'slot_blocks')).toEqual([])
})

test('what was computed from a table is stale once that is redone, replaced, emptied or gone', async () => {
  const tables = [TABLE, 'slot_blocks']
  const catalogue = withReaders(blocksWhere('true'))
  const workspace = await connectWorkspace({ tables, catalogue })
  const dependant = await connectWorkspace({ tables: ['slot_blocks'], catalogue })
  await workspace.up({ chunk: 4 })
  expect(await staleOf(workspace, 'slot_blocks')).toEqual([])

  const input = await connectWorkspace({ tables: [TABLE], catalogue })
  await query('ALTER TABLE {target:Identifier}.int_block_slots_stat DELETE WHERE block_number = 5')
  expect(
    (await redone(input, { kind: 'range', range: { from: 5, to: 8 } }, { cascade: true })).failed,
  ).toEqual([])
  expect(await staleOf(workspace, 'slot_blocks')).toEqual([])

  const { target } = databases()
  const exchange = () => query(`EXCHANGE TABLES ${target}.copy AND ${target}.int_block_slots_stat`)
  await query(`CREATE TABLE ${target}.copy AS ${target}.int_block_slots_stat`)
  await exchange()
  expect(await staleOf(workspace, 'slot_blocks')).toEqual(['inputs 1-12'])
  await exchange()
  expect(await staleOf(workspace, 'slot_blocks')).toEqual([])

  await query('TRUNCATE TABLE {target:Identifier}.int_block_slots_stat')
  expect(await staleOf(workspace, 'slot_blocks')).toEqual(['inputs 1-12'])
  await query('DROP TABLE {target:Identifier}.int_block_slots_stat')
  expect(await staleOf(dependant, 'slot_blocks')).toEqual(['inputs 1-12'])
  expect((await workspace.up()).failed).toEqual([])
  expect(await staleOf(workspace, 'slot_blocks')).toEqual(['inputs 1-12'])
  expect(await redone(dependant, STALE)).toMatchObject({ blocks: 12, failed: [] })
  expect(await staleOf(workspace, 'slot_blocks')).toEqual([])
})

test('at the end of a run all ranges of a dependant are one island, and only what changed since, or may have changed, is marked', async () => {
  const tables = [TABLE, 'slot_blocks']
  const catalogue = withReaders(blocksWhere('true'))
  const workspace = await connectWorkspace({ tables, catalogue })
  await workspace.up({ chunk: 2 })
  const { server, ledger } = databases()
  const islands = () =>
    rowsOf<{ island: string; inputs: string }>(
      server,
      `SELECT concat(toString(one.1), '-', toString(one.2), if(startsWith(one.4, 'inputs-'), ' inputs', ' done')) AS island,
        one.6 AS inputs FROM (
        SELECT islands FROM {ledger:Identifier}.ledger WHERE table_key = 'slot_blocks' AND event = 'checkpoint'
        ORDER BY epoch DESC, seq DESC LIMIT 1) ARRAY JOIN islands AS one`,
      { ledger },
    )
  const before = await islands()
  expect(before.map(({ island }) => island)).toEqual(['1-12 done'])
  // The last event of the input when it was read: six chunks of two events.
  expect(before[0]!.inputs).toMatch(/^block_slots_stat=[0-9a-f-]{36}@1\.12$/)

  const { ports } = workspace.workspace
  const { uuid } = (await ports.target.tables(['int_block_slots_stat'])).get('int_block_slots_stat')!
  const redoneAgain = async (from: number, to: number) => {
    const lock = await ports.locks.acquire(TABLE, () => {})
    const request = { blocks: [{ from, to }], targetUuid: uuid, runId: 'r', sqlHash: '' }
    await ports.ledger.appendEach(lock, { event: 'invalidated', ...request })
    await lock.release()
    expect((await workspace.up()).failed).toEqual([])
  }
  // The same rows as before, of the same chunk or of two.
  await redoneAgain(3, 4)
  await redoneAgain(7, 10)
  expect(await staleOf(workspace, 'slot_blocks')).toEqual([])
  // A part of a chunk: what rows it had, and what rows the rest has, is not known.
  await redoneAgain(4, 4)
  expect(await staleOf(workspace, 'slot_blocks')).toEqual(['inputs 3-4'])
  // The next run of the dependant moves all others on.
  const { source } = databases()
  await addBlocks(server, source, { from: 13, to: 13 })
  expect((await workspace.up()).failed).toEqual([])
  const after = await islands()
  expect(after.map(({ island }) => island)).toEqual(['1-2 done', '3-4 inputs', '5-13 done'])
  expect(after[0]!.inputs).toBe(after[2]!.inputs)
  expect(after[0]!.inputs).not.toBe(before[0]!.inputs)
  expect(await staleOf(workspace, 'slot_blocks')).toEqual(['inputs 3-4'])
})
