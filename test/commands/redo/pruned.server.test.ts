// Owns the promise that a redo works on the blocks whose source rows are there, and leaves the others.
import { expect, test } from 'vitest'
import { redo } from '../../../src/commands/redo/redo.ts'
import { EVEN, planOf, range, redoScene, reportOf } from '../../support/redo-scene.ts'
import { OPTIONS } from '../../support/workspace.ts'

const { connectWorkspace, withSql, query, blocksOf } = redoScene()

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
  const hooks = { report: () => {}, signal: new AbortController().signal }
  expect(await redo(workspace.workspace, plan, OPTIONS, hooks)).toMatchObject({ failed: [] })
  expect(await blocksOf()).toEqual(ALL)
  expect(await reportOf(workspace)).toMatchObject({ dirty: [], covered: [{ from: 1, to: 12 }] })
})
