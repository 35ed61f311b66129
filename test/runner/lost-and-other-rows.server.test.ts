// Owns the promises about rows that others took from a table or wrote into it: nothing is computed from a table that has
// lost rows, and a chunk is not done where rows stand that it has not written.
import { expect, test } from 'vitest'
import { blocksWhere } from '../support/edited.ts'
import { planOf, range, redone, redoScene, reportOf, TABLE } from '../support/redo-scene.ts'
import { intoTarget } from '../support/requests.ts'
import { rowsOf } from '../support/server.ts'
import { addBlocks } from '../support/small-chain.ts'

const { connectWorkspace, behindProxy, withReaders, query, blocksOf, databases } = redoScene()
const DEPENDANT = 'slot_blocks'
const INPUT = '{target:Identifier}.int_block_slots_stat'
const catalogueOf = () => withReaders(blocksWhere('true'))

/** Blocks 1 to 12 of the input in two parts, and what takes the second one away for a while. */
async function inTwoParts(catalogue = catalogueOf()) {
  const input = await connectWorkspace({ tables: [TABLE], catalogue })
  await input.up({ to: 6 })
  await query(`SYSTEM STOP MERGES ${INPUT}`)
  expect((await input.up()).failed).toEqual([])
  const { server, target } = databases()
  let name = ''
  return {
    // An attached part gets a new name.
    lose: async () => {
      const parts = await rowsOf<{ name: string }>(
        server,
        `SELECT name FROM system.parts WHERE database = {target:String} AND table = 'int_block_slots_stat' AND active
          ORDER BY min_block_number DESC`,
        { target },
      )
      name = parts[0]!.name
      await query(`ALTER TABLE ${INPUT} DETACH PART '${name}'`)
    },
    bringBack: () => query(`ALTER TABLE ${INPUT} ATTACH PART '${name}'`),
  }
}

test('a dependant waits for an input that has lost rows, and runs when they are back', async () => {
  const { lose, bringBack } = await inTwoParts()
  await lose()
  const both = await connectWorkspace({ tables: [TABLE, DEPENDANT], catalogue: catalogueOf() })
  expect(await both.up()).toMatchObject({ chunks: 0, failed: [] })
  expect(both.events).toContainEqual(
    expect.objectContaining({ type: 'waiting', table: DEPENDANT, blocks: 12, on: [TABLE] }),
  )
  expect((await reportOf(both, DEPENDANT)).notes).toEqual([
    'its blocks wait for int_block_slots_stat, which lacks rows',
  ])
  await bringBack()
  expect((await both.up()).failed).toEqual([])
  expect((await blocksOf('int_slot_blocks')).length).toBe(12)

  // What is there is not built again of less.
  await lose()
  const dependant = await connectWorkspace({ tables: [DEPENDANT], catalogue: catalogueOf() })
  await expect(planOf(dependant, range(7, 8))).rejects.toThrow('block_slots_stat lacks them')
  expect((await blocksOf('int_slot_blocks')).length).toBe(12)
})

test('an input that loses rows while a chunk reads it fails the chunk', async () => {
  const { lose, bringBack } = await inTwoParts()
  const { proxy, workspace } = await behindProxy([DEPENDANT])
  const held = proxy.hold(intoTarget(DEPENDANT), 'request')
  const running = workspace.up()
  await held.arrived
  await lose()
  await held.release()
  expect((await running).failed.map(({ error }) => error.message)).toEqual([
    'int_block_slots_stat lost rows while blocks 1-12 of slot_blocks were computed',
  ])
  await bringBack()
  expect((await workspace.up()).failed).toEqual([])
  // Its engine replaces the rows of the first attempt.
  expect(new Set(await blocksOf('int_slot_blocks')).size).toBe(12)
})

test('a table that reads itself waits for the rows that it has lost; a redo of them is no reader of less', async () => {
  const files = catalogueOf()
  const tables = files.tables.map((table) =>
    table.key === TABLE ? { ...table, sequential: 'itself' as const } : table,
  )
  const { lose } = await inTwoParts({ ...files, tables })
  await lose()
  const workspace = await connectWorkspace({ tables: [TABLE], catalogue: { ...files, tables } })
  const { server, source } = databases()
  await addBlocks(server, source, { from: 13, to: 14 })
  const { failed } = await workspace.up()
  expect(failed.map(({ error }) => error.message)).toEqual([
    expect.stringMatching(
      /has 6 rows, but the ledger recorded 12: .*`backfill verify --stored block_slots_stat`/,
    ),
  ])
  expect((await redone(workspace, range(7, 12))).failed).toEqual([])
  expect((await workspace.up()).failed).toEqual([])
  expect(await reportOf(workspace, TABLE)).toMatchObject({ state: 'up to date', doneBlocks: 14 })
})

test('of a table that has lost rows only whole recorded ranges are built again, so that the loss stays known', async () => {
  const workspace = await connectWorkspace({ tables: [TABLE], catalogue: catalogueOf() })
  expect((await workspace.up()).failed).toEqual([])
  await query(`ALTER TABLE ${INPUT} DELETE WHERE block_number <= 6 SETTINGS mutations_sync = 2`)
  await expect(planOf(workspace, range(9, 12))).rejects.toThrow(
    'blocks 1-8 were recorded together with blocks of this redo',
  )
  expect((await reportOf(workspace, TABLE)).state).toBe('emptied in part')
  expect((await redone(workspace, range(1, 12))).failed).toEqual([])
  expect(await reportOf(workspace, TABLE)).toMatchObject({ state: 'up to date', doneBlocks: 12 })
  expect((await blocksOf()).length).toBe(12)
})

test('rows that no run has written fail the chunk that meets them, and is not done', async () => {
  const workspace = await connectWorkspace({ tables: [TABLE], catalogue: catalogueOf() })
  await workspace.up({ to: 6 })
  // FINAL shows them: no row of the chunk has their key.
  await query(`INSERT INTO ${INPUT} (block_number, slots_cleared, slots_set) SELECT 7, 1, 1`)
  await query(`DELETE FROM ${databases().source}.canonical_execution_storage_diffs WHERE block_number = 7`)
  await query(`DELETE FROM ${databases().source}.canonical_execution_transaction WHERE block_number = 7`)
  const { failed } = await workspace.up()
  expect(failed.map(({ error }) => [error.message, error.hint])).toEqual([
    [
      'int_block_slots_stat has 6 rows in blocks 7-12, but only 5 were written: something else has written rows of these blocks, or the statement arrived twice',
      '`backfill redo block_slots_stat --from 7 --to 12` deletes them all and builds the blocks again',
    ],
  ])
  expect((await reportOf(workspace, TABLE)).state).toBe('dirty')
})

test('rows that no run has written are met before a table that sums adds the new ones to them', async () => {
  const { tables, ...rest } = catalogueOf()
  const summing = tables.map((table) => ({
    ...table,
    ddl: { ...table.ddl, text: table.ddl.text.replace('ReplacingMergeTree', 'SummingMergeTree') },
  }))
  const workspace = await connectWorkspace({ tables: [TABLE], catalogue: { ...rest, tables: summing } })
  expect((await workspace.up({ to: 6 })).failed).toEqual([])
  // FINAL would show one row of block 7, with the sums.
  await query(`INSERT INTO ${INPUT} (block_number, slots_cleared, slots_set) SELECT 7, 1, 1`)
  const { failed } = await workspace.up()
  expect(failed.map(({ error }) => error.message)).toEqual([
    'int_block_slots_stat has rows in blocks 7-12 that no run has written, and SummingMergeTree would add the new ones to them',
  ])
  expect((await reportOf(workspace, TABLE)).state).toBe('dirty')
  expect((await workspace.up()).failed).toEqual([])
})
