// Owns the promises of one command for all stale ranges: inputs first, then what reads them, each as it can be built again.
import { expect, test } from 'vitest'
import { planStale, redoStale } from '../../../src/commands/redo/stale-tables.ts'
import type { RebuildReport } from '../../../src/commands/rebuild/rebuild.ts'
import type { RunSummary } from '../../../src/runner/events.ts'
import { EVEN, EVERY, planOf, READERS, redoScene, reportOf, said, STALE } from '../../support/redo-scene.ts'
import { OPTIONS, type TestWorkspace } from '../../support/workspace.ts'

const { connectWorkspace, withReaders, query, blocksOf } = redoScene()

const EVENS = [2, 4, 6, 8, 10, 12]
const OLD_TABLES = `SELECT count() FROM system.tables WHERE database = {target:String} AND name LIKE '%\\_\\_%'`

async function wantedFor(workspace: TestWorkspace, rebuilds: boolean, reports: RebuildReport[] = []) {
  const ports = workspace.connected
  const options = { up: OPTIONS, sample: 3, seed: 1, dropOld: false }
  return {
    options: OPTIONS,
    rebuilds: rebuilds
      ? { ports, options, report: (one: RebuildReport) => void reports.push(one) }
      : undefined,
  }
}

async function again(
  workspace: TestWorkspace,
  rebuilds = true,
  reports?: RebuildReport[],
): Promise<RunSummary> {
  workspace.events.length = 0
  return await redoStale(workspace.workspace, await wantedFor(workspace, rebuilds, reports), {
    report: (event) => void workspace.events.push(event),
    signal: new AbortController().signal,
  })
}

/** Three tables, each of which reads the one before, built with other SQL of the first. */
async function edited() {
  await (await connectWorkspace({ tables: READERS, catalogue: withReaders(EVERY) })).up()
  return await connectWorkspace({ tables: READERS, catalogue: withReaders(EVEN) })
}

test('all stale ranges: the edited table is redone, then those that read it; one row per key is rebuilt', async () => {
  const workspace = await edited()
  const steps = await planStale(workspace.workspace, await wantedFor(workspace, true))
  expect(
    steps.map((step) => [
      step.kind,
      step.table.key,
      step.kind === 'redo' ? step.plan.report.tables.map(({ redo, rows }) => ({ redo, rows })) : [],
    ]),
  ).toEqual([
    ['redo', READERS[0], [{ redo: [{ from: 1, to: 12 }], rows: 12 }]],
    ['redo', READERS[1], [{ redo: [{ from: 1, to: 12 }], rows: 12 }]],
    ['rebuild', READERS[2], []],
  ])
  const reports: RebuildReport[] = []
  expect(await again(workspace, true, reports)).toMatchObject({ failed: [], stale: [], interrupted: false })
  expect(reports).toMatchObject([
    { outcome: 'swapped', kept: undefined, dropped: [expect.stringContaining('__old_')] },
  ])
  expect(await blocksOf()).toEqual(EVENS)
  expect(await blocksOf('int_slot_blocks')).toEqual(EVENS)
  expect(await blocksOf('int_slot_parity')).toEqual([12])
  expect(await query(OLD_TABLES)).toBe('0\n')
  for (const key of READERS) expect(await reportOf(workspace, key)).toMatchObject({ state: 'up to date' })
  expect(await planStale(workspace.workspace, await wantedFor(workspace, true))).toEqual([])
  expect(await again(workspace)).toMatchObject({ chunks: 0, failed: [] })
})

test('without rebuilds, ranges that can be deleted are redone, and the rest names the command', async () => {
  const workspace = await edited()
  const summary = await again(workspace, false)
  expect(summary).toMatchObject({
    failed: [],
    blocks: 24,
    stale: [{ table: READERS[2], reasons: ['inputs'], hint: `backfill rebuild ${READERS[2]}` }],
  })
  expect(said(workspace, 'note').at(-1)).toBe(
    `stays stale: ${READERS[2]} keeps one row per key over all blocks; backfill rebuild ${READERS[2]} builds it again`,
  )
  expect(await blocksOf('int_slot_blocks')).toEqual(EVENS)
})

test('a table that cannot be built again is left with the reason, and so are those that read it', async () => {
  const workspace = await edited()
  await query('DELETE FROM {source:Identifier}.canonical_execution_storage_diffs WHERE true')
  const summary = await again(workspace)
  expect(summary.failed.map(({ table }) => table)).toEqual(READERS)
  expect(summary.failed[0]!.error.message).toContain('cannot be built again')
  expect(summary.failed[1]!.error.message).toBe('slot_blocks reads block_slots_stat, which failed')
  expect(await blocksOf('int_slot_blocks')).toHaveLength(12)
})

test('an old table that a person keeps is not dropped: its table is left', async () => {
  const workspace = await edited()
  await query(
    'CREATE TABLE {target:Identifier}.int_slot_parity__old_12345678 (block_number UInt32) ENGINE = Memory',
  )
  const summary = await again(workspace)
  expect(summary.failed.map(({ table, error }) => [table, error.message])).toEqual([
    [READERS[2], expect.stringContaining('is still kept')],
  ])
  expect(await query(OLD_TABLES)).toBe('1\n')
})

test('blocks whose input lacks them are not deleted', async () => {
  const workspace = await connectWorkspace({ tables: READERS, catalogue: withReaders(EVERY) })
  await workspace.up()
  await query('TRUNCATE TABLE {target:Identifier}.int_block_slots_stat')
  const reader = await connectWorkspace({ tables: ['slot_blocks'], catalogue: withReaders(EVERY) })
  await expect(planOf(reader, STALE, { cascade: true })).rejects.toThrow('block_slots_stat lacks them')
  expect(await blocksOf('int_slot_blocks')).toHaveLength(12)
})
