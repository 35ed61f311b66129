// Owns the redo of ranges: their coverage is taken away first, under the locks, and the run loop does the rest. What
// is killed on the way is a dirty range, which any later run deletes and builds again.
import type { Lock } from '../../lock/lock.ts'
import { intersect, union } from '../../model/blocks.ts'
import type { RedoBlocks } from './blocks.ts'
import { pickBlocks, type PlannedRedo, readAgain } from './plan.ts'
import { assertNoDependants } from './refusals.ts'
import type { RunSummary } from '../../runner/events.ts'
import type { UpOptions } from '../../planning/run-options.ts'
import { up, type UpHooks } from '../../runner/up.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { randomId } from '../../seam/random.ts'

/**
 * Does what was planned, as far as it still is to be done.
 *
 * Before anything is deleted, `invalidated` is recorded for the blocks, those of the dependants first: from then on
 * they count as half written, and no run builds upon them. `up` deletes them as it deletes what a dead run has left.
 * @throws BackfillError as `up`; `locked` where a run works on one of the tables; `usage` where a table that reads the
 *   blocks has come in between
 */
export async function redo(
  workspace: Workspace,
  plan: PlannedRedo,
  options: UpOptions,
  hooks: UpHooks,
): Promise<RunSummary> {
  const locks = new Map<string, Lock>()
  const release = async (keys: readonly string[]) => {
    for (const key of keys) {
      await locks.get(key)?.release()
      locks.delete(key)
    }
  }
  try {
    // All of them, also those that have nothing to redo: until the coverage is gone they could build upon it.
    for (const { key } of plan.tables) {
      const note = (text: string) => hooks.report({ type: 'note', table: key, text })
      locks.set(key, await workspace.ports.locks.acquire(key, note, options.lockWaitMs))
    }
    const blocks = await confirmedBlocks(workspace, plan)
    await invalidate(workspace, { plan, blocks, locks, options, hooks })
    const concerned = blocks.filter((one) => one.redo.length + one.also.length > 0).map(({ key }) => key)
    await release(plan.tables.map(({ key }) => key).filter((key) => !concerned.includes(key)))
    return await up(
      { ...workspace, chosen: plan.tables.filter(({ key }) => concerned.includes(key)) },
      { ...options, from: undefined, to: undefined },
      hooks,
      {
        head: plan.report.head,
        locks,
        blocks: new Map(blocks.map(({ key, redo: again, also }) => [key, union(again, also)])),
      },
    )
  } finally {
    await release([...locks.keys()])
  }
}

/** What is to be done by the ledger as it is under the locks; of the named table no more than was planned. */
async function confirmedBlocks(workspace: Workspace, plan: PlannedRedo): Promise<readonly RedoBlocks[]> {
  const { tables, question, report } = plan
  const [table] = tables
  const planned = report.tables.find(({ table: key }) => key === table!.key)?.redo ?? []
  const tableStatuses = await readAgain(workspace, plan)
  const blocks = await pickBlocks(workspace, { ...plan, tableStatuses })
  const [own, ...dependants] = blocks.map((one) => ({ ...one, redo: intersect(one.redo, planned) }))
  if (!question.cascade) assertNoDependants(table!, dependants, question.typed)
  return [own!, ...dependants]
}

type Invalidation = {
  readonly plan: PlannedRedo
  readonly blocks: readonly RedoBlocks[]
  readonly locks: ReadonlyMap<string, Lock>
  readonly options: UpOptions
  readonly hooks: UpHooks
}

async function invalidate(
  { ports }: Workspace,
  { plan, blocks, locks, options, hooks }: Invalidation,
): Promise<void> {
  const runId = randomId()
  const retryPolicy = { giveUpMs: options.giveUpMs, signal: hooks.signal }
  for (const { key, redo: again } of blocks.toReversed())
    await ports.ledger.appendEach(
      locks.get(key)!,
      {
        event: 'invalidated',
        blocks: again,
        targetUuid: plan.uuids.get(key)!,
        runId,
        sqlHash: plan.tables.find((table) => table.key === key)!.sqlHash,
      },
      retryPolicy,
    )
}
