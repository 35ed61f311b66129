// Owns the promises of the digests of what a redo leaves of a range.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { verifyStored } from '../../../src/commands/verify/stored.ts'
import { planRedo } from '../../../src/commands/redo/plan.ts'
import { redo } from '../../../src/commands/redo/redo.ts'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { blocksWhere } from '../../support/edited.ts'
import { EVERY, range, READERS, redone, redoScene, reportOf, TABLE } from '../../support/redo-scene.ts'
import { OPTIONS, type TestWorkspace } from '../../support/workspace.ts'

const { connectWorkspace, withReaders, withSql, withEngine, query, databases } = redoScene()

/** What `verify --stored` finds of the table: numbers of blocks, and differences. */
async function stored({ workspace, connected }: TestWorkspace) {
  const checks = await verifyStored(workspace, connected, new AbortController().signal)
  const { comparedBlocks, unknownBlocks, differences } = checks.find(({ table }) => table === TABLE)!
  return [comparedBlocks, unknownBlocks, differences.map(({ kind, from, to }) => `${kind} ${from}-${to}`)]
}

const DELETE = `ALTER TABLE {target:Identifier}.int_${TABLE} DELETE WHERE block_number`

test('rows that go from the rest of a range after a part was redone are found', async () => {
  const workspace = await connectWorkspace()
  await workspace.up({ chunk: 12 })
  await redone(workspace, range(5, 6))
  await redone(workspace, range(9, 9))
  expect(await stored(workspace)).toEqual([12, 0, []])
  await query(`${DELETE} IN (2, 10) SETTINGS mutations_sync = 2`)
  expect(await stored(workspace)).toEqual([12, 0, ['lost 1-4', 'lost 10-12']])
})

test('a redo over several ranges leaves digests of the rests of the first and the last, whatever they were computed from', async () => {
  const workspace = await connectWorkspace()
  await workspace.up({ chunk: 4, to: 8 })
  const edited = await connectWorkspace({ catalogue: withSql(`${EVERY} SETTINGS max_block_size = 1000`) })
  await edited.up({ chunk: 4 })
  await redone(edited, range(3, 10))
  await redone(edited, range(1, 1))
  expect(await stored(edited)).toEqual([12, 0, []])
  await query(`${DELETE} IN (2, 12) SETTINGS mutations_sync = 2`)
  expect(await stored(edited)).toEqual([12, 0, ['lost 2-2', 'lost 11-12']])
})

test('the rest of a range whose rows were not as recorded before a part was redone has no digest', async () => {
  const workspace = await connectWorkspace()
  await workspace.up({ chunk: 12 })
  await query(
    `ALTER TABLE {target:Identifier}.int_${TABLE} UPDATE slots_set = 99 WHERE block_number = 2 SETTINGS mutations_sync = 2`,
  )
  await redone(workspace, range(5, 6))
  expect(await stored(workspace)).toEqual([2, 10, []])
})

test('a redo of a part that changes no row makes no dependant stale', async () => {
  const catalogue = withReaders(EVERY)
  const workspace = await connectWorkspace({ catalogue, tables: READERS })
  await workspace.up({ chunk: 12 })
  const question = { request: range(5, 6), dependants: 'later', lag: 0, jobs: undefined } as const
  const plan = await planRedo({ ...workspace.workspace, chosen: [workspace.workspace.chosen[0]!] }, question)
  expect(plan.report.tables.map(({ table }) => table)).toEqual([TABLE])
  await redo(workspace.workspace, plan, OPTIONS, { report: () => {}, signal: new AbortController().signal })
  expect(await reportOf(workspace, 'slot_blocks')).toMatchObject({ state: 'up to date', stale: [] })
})

test('the log and the view of attempts do not show the digests of a rest, which are no work', async () => {
  const workspace = await connectWorkspace()
  await workspace.up({ chunk: 12 })
  await redone(workspace, range(5, 6))
  const env = environmentFor(databases().server, databases())
  const { code, stdout } = await backfillHere(['log', TABLE, '--json'], { env })
  expect(code).toBe(0)
  const { events } = JSON.parse(stdout) as { events: { event: string; from: number; to: number }[] }
  const shown = events.map(({ event, from, to }) => `${event} ${from}-${to}`)
  expect(shown).toEqual(['done 5-6', 'cleaned 5-6', 'invalidated 5-6', 'done 1-12'])
  const view = readFileSync('sql/ledger/views/attempts.sql', 'utf8')
  await query(view.replaceAll('backfill.', `${databases().ledger}.`))
  const counted = 'SELECT count() FROM {ledger:Identifier}.attempts FORMAT TSV'
  expect(Number(await query(counted))).toBe(shown.length)
})

test('where a range could only be read by a scan of the table, one scan at the end of the run reads all of them', async () => {
  const rows = 'ARRAY JOIN range(if(block_number = 1, 100000, 1000)) AS number'
  const sql = `SELECT block_number, slots_cleared, toUInt32(number) AS slots_set FROM (\n${blocksWhere('true')}\n) ${rows}`
  const engine = ') ENGINE = MergeTree ORDER BY slots_set'
  const workspace = await connectWorkspace({ catalogue: withEngine(engine, sql) })
  expect((await workspace.up({ chunk: 1, jobs: 1 })).failed).toEqual([])
  expect(await stored(workspace)).toEqual([12, 0, []])
  const chunks = `SELECT countIf(digest_columns = '') FROM {ledger:Identifier}.ledger WHERE event = 'done' AND query_id != ''`
  expect(Number(await query(chunks))).toBeGreaterThan(8)
  await query(`${DELETE} = 7 AND slots_set = 3 SETTINGS mutations_sync = 2`)
  expect(await stored(workspace)).toEqual([12, 0, ['lost 7-7']])
})
