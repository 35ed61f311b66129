// Owns the promises about tables that change under a run: a chunk that may have read or written another table is not
// done, and nothing is computed from a table that lacks rows.
import { expect, test } from 'vitest'
import { assertNotEmptied } from '../../src/runner/chunk-checks.ts'
import { addNewcomers } from '../support/changed-files.ts'
import { blocksWhere } from '../support/edited.ts'
import { planOf, range, redoScene, reportOf, TABLE } from '../support/redo-scene.ts'
import { intoTarget } from '../support/requests.ts'
import { rowsOf } from '../support/server.ts'
import { addBlocks } from '../support/small-chain.ts'

const { connectWorkspace, behindProxy, withReaders, withSql, query, blocksOf, databases } = redoScene()
const DEPENDANT = 'slot_blocks'

/** A run of the dependant whose INSERT has been executed and not answered when `meanwhile` happens. */
async function during(meanwhile: () => Promise<unknown>) {
  const catalogue = withReaders(blocksWhere('true'))
  expect((await (await connectWorkspace({ catalogue })).up()).failed).toEqual([])
  const { proxy, workspace } = await behindProxy([DEPENDANT])
  const held = proxy.hold(intoTarget(DEPENDANT), 'answer')
  const running = workspace.up()
  await held.arrived
  await meanwhile()
  await held.release()
  return { workspace, failed: (await running).failed }
}

const INPUT = '{target:Identifier}.int_block_slots_stat'

test('an input that is replaced while a chunk reads it fails the chunk', async () => {
  const { workspace, failed } = await during(async () => {
    const { target } = databases()
    await query(`CREATE TABLE ${target}.copy AS ${target}.int_block_slots_stat`)
    await query(`CREATE OR REPLACE TABLE ${target}.int_block_slots_stat AS ${target}.copy`)
  })
  expect(failed.map(({ error }) => error.message)).toEqual([
    'int_block_slots_stat was replaced while blocks 1-12 of slot_blocks were computed',
  ])
  expect(await reportOf(workspace, DEPENDANT)).toMatchObject({ doneBlocks: 0, state: 'dirty' })
  // It comes right with the input.
  const both = await connectWorkspace({
    tables: [TABLE, DEPENDANT],
    catalogue: withReaders(blocksWhere('true')),
  })
  expect((await both.up()).failed).toEqual([])
  expect((await blocksOf('int_slot_blocks')).length).toBe(12)
})

test('an input that is emptied while a chunk reads it fails the chunk', async () => {
  const { failed } = await during(() => query(`TRUNCATE TABLE ${INPUT}`))
  expect(failed.map(({ error }) => error.message)).toEqual([
    'int_block_slots_stat was emptied while blocks 1-12 of slot_blocks were computed',
  ])
})

test('a source that is emptied or exchanged while a chunk reads it fails the chunk, and it comes right with the source', async () => {
  const { source } = databases()
  const { proxy, workspace } = await behindProxy([TABLE])
  const tables = ['canonical_execution_storage_diffs', 'canonical_execution_transaction']
  const swap = async () => {
    for (const name of tables) await query(`EXCHANGE TABLES ${source}.${name} AND ${source}.empty_${name}`)
  }
  for (const name of tables) await query(`CREATE TABLE ${source}.empty_${name} AS ${source}.${name}`)
  const held = proxy.hold(intoTarget(TABLE), 'request')
  const running = workspace.up()
  await held.arrived
  await swap()
  await held.release()
  expect((await running).failed.map(({ error }) => error.message)).toEqual([
    expect.stringMatching(/ lost rows while blocks 1-12 of block_slots_stat were computed$/),
  ])
  await swap()
  expect((await workspace.up()).failed).toEqual([])
  expect((await reportOf(workspace, TABLE)).missing).toEqual([])
})

test('a source that is emptied between the chunks of a run fails the next one', async () => {
  const { source } = databases()
  const { proxy, workspace } = await behindProxy([TABLE])
  const held = proxy.hold(intoTarget(TABLE), 'answer')
  const running = workspace.up({ chunk: 4, jobs: 1 })
  await held.arrived
  for (const name of ['canonical_execution_storage_diffs', 'canonical_execution_transaction'])
    await query(`TRUNCATE TABLE ${source}.${name}`)
  await held.release()
  expect((await running).failed.map(({ error }) => error.message)).toEqual([
    expect.stringMatching(/ lost rows while blocks 5-8 of block_slots_stat were computed$/),
  ])
})

test('a target that is replaced under a run fails the chunk', async () => {
  const { failed } = await during(async () => {
    const { target } = databases()
    await query(`CREATE TABLE ${target}.copy AS ${target}.int_slot_blocks`)
    await query(`EXCHANGE TABLES ${target}.copy AND ${target}.int_slot_blocks`)
  })
  expect(failed.map(({ error }) => error.message)).toEqual([
    'int_slot_blocks was replaced while blocks 1-12 of slot_blocks were computed',
  ])
})

test('a chunk whose target gets a narrower column meanwhile is not done: an INSERT casts to it without a word', async () => {
  const { target } = databases()
  const { proxy, workspace } = await behindProxy([TABLE])
  await workspace.up({ to: 4 })
  const held = proxy.hold(intoTarget(TABLE), 'request')
  const running = workspace.up()
  await held.arrived
  await query(`ALTER TABLE ${target}.int_block_slots_stat MODIFY COLUMN slots_set UInt8`)
  await held.release()
  expect((await running).failed.map(({ error }) => error.message)).toEqual([
    'column slots_set of int_block_slots_stat was altered while blocks 5-12 of block_slots_stat were computed',
  ])
  expect((await reportOf(workspace, TABLE)).state).toBe('dirty')
})

test('a dependant waits for an input that was emptied, and runs when it is built again', async () => {
  const catalogue = withReaders(blocksWhere('true'))
  await (await connectWorkspace({ catalogue })).up()
  await query(`TRUNCATE TABLE ${INPUT}`)
  const both = await connectWorkspace({ tables: [TABLE, DEPENDANT], catalogue })
  expect(await both.up()).toMatchObject({ chunks: 0, failed: [] })
  expect(both.events).toContainEqual(
    expect.objectContaining({ type: 'waiting', table: DEPENDANT, blocks: 12, on: [TABLE] }),
  )
  expect((await reportOf(both, DEPENDANT)).notes).toEqual([
    'its blocks wait for int_block_slots_stat, which is empty',
  ])
  await query(`DROP TABLE ${INPUT}`)
  expect((await both.up()).failed).toEqual([])
  expect((await blocksOf('int_slot_blocks')).length).toBe(12)
})

test('a dependant waits for an input of which a TTL has taken all rows, and what it has itself stays', async () => {
  const catalogue = withReaders(blocksWhere('true'))
  await (await connectWorkspace({ catalogue })).up()
  const both = await connectWorkspace({ tables: [TABLE, DEPENDANT], catalogue })
  expect((await both.up({ to: 6 })).failed).toEqual([])
  await query(`ALTER TABLE ${INPUT} MODIFY TTL toDateTime(block_number) + INTERVAL 1 DAY`)
  await query(`OPTIMIZE TABLE ${INPUT} FINAL`)
  expect(await both.up()).toMatchObject({ chunks: 0, failed: [] })
  expect((await reportOf(both, TABLE)).state).toBe('up to date')
  expect(await reportOf(both, DEPENDANT)).toMatchObject({
    doneBlocks: 6,
    stale: [],
    notes: ['its blocks wait for int_block_slots_stat, which is empty'],
  })
})

test('a table of one row per key of which a TTL has taken all rows gets new ones', async () => {
  const catalogue = addNewcomers(withSql(blocksWhere('true')))
  const workspace = await connectWorkspace({ tables: ['first_blocks'], catalogue })
  expect((await workspace.up({ to: 6 })).failed).toEqual([])
  const first = '{target:Identifier}.int_first_blocks'
  await query(`ALTER TABLE ${first} MODIFY TTL toDateTime(block_number) + INTERVAL 1 DAY`)
  await query(`OPTIMIZE TABLE ${first} FINAL`)
  expect((await workspace.up()).failed).toEqual([])
  expect(await reportOf(workspace, 'first_blocks')).toMatchObject({ state: 'up to date', doneBlocks: 12 })
})

test('nothing is written into a table that was emptied, by up or by redo: it would hide that the other rows are lost', async () => {
  const catalogue = addNewcomers(withSql(blocksWhere('true')))
  const workspace = await connectWorkspace({ tables: ['first_blocks', 'newcomers'], catalogue })
  expect((await workspace.up()).failed).toEqual([])
  const { server, source } = databases()
  await query('TRUNCATE TABLE {target:Identifier}.int_first_blocks')
  await addBlocks(server, source, { from: 13, to: 14 })
  const { failed } = await workspace.up()
  expect(failed.map(({ table }) => table)).toEqual(['first_blocks'])
  expect(failed[0]!.error.message).toMatch(
    /was it truncated\? Type DROP TABLE \S+, then `backfill up first_blocks` builds it again$/,
  )
  expect((await reportOf(workspace, 'first_blocks')).state).toBe('emptied')
  expect((await reportOf(workspace, 'newcomers')).doneBlocks).toBe(12)

  await query('TRUNCATE TABLE {target:Identifier}.int_newcomers')
  const dependant = await connectWorkspace({ tables: ['newcomers'], catalogue })
  await expect(planOf(dependant, range(1, 2))).rejects.toThrow('was it truncated?')
  for (const table of ['first_blocks', 'newcomers'])
    await query(`DROP TABLE {target:Identifier}.int_${table}`)
  expect((await workspace.up()).failed).toEqual([])
  expect(await reportOf(workspace, 'newcomers')).toMatchObject({ state: 'up to date', doneBlocks: 14 })
})

test('a table of one row per key that is emptied between the chunks of a run gets no more rows, and counts as emptied', async () => {
  const catalogue = addNewcomers(withSql(blocksWhere('true')))
  const { proxy, workspace } = await behindProxy(['first_blocks'], catalogue)
  const held = proxy.hold(intoTarget('first_blocks'), 'answer')
  const running = workspace.up({ chunk: 4, jobs: 1 })
  await held.arrived
  await query('TRUNCATE TABLE {target:Identifier}.int_first_blocks')
  await held.release()
  expect((await running).failed.map(({ error }) => error.message)).toEqual([
    expect.stringMatching(/int_first_blocks is empty, but the ledger says that rows were written$/),
  ])
  expect((await reportOf(workspace, 'first_blocks')).absences).toMatchObject([{ state: 'emptied' }])
})

test('a run that stood still while its successor wrote the first rows of a table does not say that it was emptied', async () => {
  const catalogue = addNewcomers(withSql(blocksWhere('true')))
  const workspace = await connectWorkspace({ tables: ['first_blocks'], catalogue })
  await workspace.up({ to: 0 })
  const { target, ledger } = workspace.workspace.ports
  const [table] = workspace.workspace.chosen
  const { uuid } = (await target.identities([table!.target])).get(table!.target)!
  let successor: ReturnType<typeof workspace.up> | undefined
  const identities = async (names: readonly string[]) => {
    const seen = await target.identities(names)
    await (successor ??= workspace.up())
    return seen
  }
  await assertNotEmptied({ ledger, target: { ...target, identities } }, table!, uuid)
  expect((await successor)?.failed).toEqual([])
  expect((await ledger.written(table!.key, uuid)).rowsWritten).toBeGreaterThan(0)
})

test.each(['oldest', 'newest'] as const)(
  'one row per key is read only as far as every block is there, %s first',
  async (order) => {
    const catalogue = addNewcomers(withSql(blocksWhere('true')))
    const workspace = await connectWorkspace({ tables: ['first_blocks', 'newcomers'], catalogue })
    const options = { order, chunk: 2, jobs: 4, tableJobs: 3 }
    // The blocks below 7 are missing, so what is first there is not known yet.
    expect((await workspace.up({ ...options, from: 7 })).failed).toEqual([])
    expect(await blocksOf('int_newcomers')).toEqual([])
    expect(workspace.events).toContainEqual(
      expect.objectContaining({ type: 'waiting', table: 'newcomers', blocks: 6, on: ['first_blocks'] }),
    )
    expect((await workspace.up(options)).failed).toEqual([])
    expect(await blocksOf('int_newcomers')).toEqual([1, 2, 3, 4, 5])
    const { server, target } = databases()
    const [row] = await rowsOf<{ n: number }>(
      server,
      'SELECT toUInt32(sum(n)) AS n FROM {target:Identifier}.int_newcomers FINAL',
      { target },
    )
    expect(row!.n).toBe(5)
    expect((await reportOf(workspace, 'newcomers')).stale).toEqual([])
  },
)
