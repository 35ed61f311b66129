// Owns the promises of `redo` about what it leaves: blocks without source rows, rows that cannot be deleted, views.
import pc from 'picocolors'
import { expect, test } from 'vitest'
import { startLines } from '../../../src/commands/rebuild/render.ts'
import { readSides } from '../../../src/commands/rebuild/swap.ts'
import { renderRedo } from '../../../src/commands/redo/render.ts'
import { redo } from '../../../src/commands/redo/redo.ts'
import { EVEN, planOf, range, redone, redoScene, reportOf, TABLE } from '../../support/redo-scene.ts'
import { OPTIONS } from '../../support/workspace.ts'

const { connectWorkspace, withSql, withEngine, query, blocksOf, databases } = redoScene()

const ALL = Array.from({ length: 12 }, (_, index) => index + 1)

test('blocks whose neighbours were pruned from the source are redone; those without source rows stay, and are named', async () => {
  await (await connectWorkspace()).up()
  const workspace = await connectWorkspace({ catalogue: withSql(EVEN) })
  await query(
    'DELETE FROM {source:Identifier}.canonical_execution_storage_diffs WHERE block_number IN (5, 9)',
  )
  const plan = await planOf(workspace, range(4, 6))
  expect(plan.report.tables).toMatchObject([
    {
      redo: [
        { from: 4, to: 4 },
        { from: 6, to: 6 },
      ],
      gone: [{ from: 5, to: 5 }],
    },
  ])
  expect(
    renderRedo(plan.report, range(4, 6), { dry: true, colors: pc.createColors(false) }).join(),
  ).toContain('5 (1 block) stay as they are: the sources no longer hold them')
  const hooks = { report: () => {}, signal: new AbortController().signal }
  expect(await redo(workspace.workspace, plan, OPTIONS, hooks)).toMatchObject({ failed: [] })
  expect(await blocksOf()).toEqual(ALL)
  expect(await reportOf(workspace)).toMatchObject({ dirty: [], covered: [{ from: 1, to: 12 }] })
})

test.each([
  [') ENGINE = Log', 'the engine Log has no DELETE'],
  [') ENGINE = Memory', 'the engine Memory has no DELETE'],
  [
    ', PROJECTION p (SELECT slots_set, count() GROUP BY slots_set)) ENGINE = MergeTree ORDER BY block_number',
    'it has a projection, and its setting lightweight_mutation_projection_mode',
  ],
])('where rows cannot be deleted redo refuses before anything is recorded: %s', async (engine, why) => {
  const workspace = await connectWorkspace({ catalogue: withEngine(engine) })
  expect((await workspace.up()).failed).toEqual([])
  await expect(redone(workspace, range(5, 6))).rejects.toMatchObject({
    kind: 'usage',
    message: expect.stringContaining(`the rows of int_${TABLE} cannot be deleted: ${why}`),
    hint: `backfill rebuild ${TABLE} builds a new table beside the old one`,
  })
  expect((await reportOf(workspace)).missingBlocks).toBe(0)
})

test('materialized views that read a table are named by redo and rebuild, and the rows of a chunk are the table’s own', async () => {
  const workspace = await connectWorkspace()
  await workspace.up({ to: 0 })
  const { target } = databases()
  await query(
    `CREATE MATERIALIZED VIEW {target:Identifier}.taken ENGINE = MergeTree ORDER BY block_number
      AS SELECT block_number FROM ${target}.int_${TABLE}`,
  )
  expect((await workspace.up()).rowsWritten).toBe(12)
  const { report } = await planOf(workspace, range(5, 6))
  const style = { dry: true, colors: pc.createColors(false) }
  expect(renderRedo(report, range(5, 6), style).join('\n')).toContain(
    `the materialized view reads it: ${target}.taken: nothing is deleted there, and the rows that are built again arrive once more`,
  )
  const { connected, workspace: inside } = workspace
  const [, line] = startLines(await readSides(inside, connected.target, inside.chosen[0]!))
  expect(line).toContain(`${target}.taken (materialized) reads int_${TABLE}`)
})
