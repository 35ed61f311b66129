// Owns the promise that a table which is replaced between the first look at it and its lock gets no row and no event of
// what was planned for the other: a rebuild may have ended meanwhile.
import { expect, test } from 'vitest'
import { planAdoption } from '../../src/commands/adopt/plan.ts'
import { adopt, whileLocked } from '../../src/commands/adopt/record.ts'
import { redo } from '../../src/commands/redo/redo.ts'
import { planOf, range, redoScene, reportOf, TABLE } from '../support/redo-scene.ts'
import { addBlocks } from '../support/small-chain.ts'
import { rebuildWorkspace } from '../support/verifying.ts'
import { OPTIONS } from '../support/workspace.ts'

const { connectWorkspace, behindProxy, query, blocksOf, databases } = redoScene()
const ALL = Array.from({ length: 16 }, (_, index) => index + 1)
const REPLACED = `int_${TABLE} was replaced before ${TABLE} was locked: nothing of it was written`

/** A table of twelve blocks, and four more in the source. */
async function begun() {
  const workspace = await connectWorkspace()
  expect((await workspace.up()).failed).toEqual([])
  const { server, source } = databases()
  await addBlocks(server, source, { from: 13, to: 16 })
  return workspace
}

test('a run whose table is rebuilt before it is locked writes nothing into the new one and says so; the next run goes on', async () => {
  const workspace = await begun()
  const { proxy, workspace: late } = await behindProxy([TABLE])
  const held = proxy.hold(({ statement }) => statement.includes('max(`epoch`) as `epoch`'), 'request')
  const running = late.up()
  await held.arrived
  expect((await rebuildWorkspace(workspace)).outcome).toBe('swapped')
  await held.release()
  expect((await running).failed.map(({ error }) => error.message)).toEqual([REPLACED])
  expect((await late.up()).failed).toEqual([])
  expect(await blocksOf()).toEqual(ALL)
})

test('a redo whose table is rebuilt after its plan marks nothing and deletes nothing', async () => {
  const workspace = await begun()
  const plan = await planOf(workspace, range(1, 4))
  expect((await rebuildWorkspace(workspace)).outcome).toBe('swapped')
  const hooks = { report: () => {}, signal: new AbortController().signal }
  await expect(redo(workspace.workspace, plan, OPTIONS, hooks)).rejects.toThrow(REPLACED)
  expect(await reportOf(workspace)).toMatchObject({ state: 'up to date', doneBlocks: 16 })
})

test('an adoption of a table that is replaced after the comparison records nothing', async () => {
  const { workspace, connected } = await begun()
  const { target } = databases()
  const copy = async () => {
    await query(`CREATE TABLE ${target}.copy AS ${target}.int_${TABLE}`)
    await query(`INSERT INTO ${target}.copy SELECT * FROM ${target}.int_${TABLE}`)
    await query(`EXCHANGE TABLES ${target}.copy AND ${target}.int_${TABLE}`)
    await query(`DROP TABLE ${target}.copy SYNC`)
  }
  await copy()
  const options = { ...OPTIONS, sample: 2, seed: 1, fromUuid: undefined, dryRun: false }
  const hooks = { report: () => {}, signal: new AbortController().signal }
  const adopting = whileLocked(
    workspace,
    () => {},
    async (lock) => {
      const adoption = await planAdoption(workspace, connected, options, hooks)
      await copy()
      await adopt(workspace, adoption, options, lock)
    },
  )
  await expect(adopting).rejects.toThrow(REPLACED)
})
