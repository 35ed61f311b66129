// Owns the redo of ranges: it removes their coverage under the locks, then the run loop builds them. If it is killed,
// the ranges are dirty, and any later run deletes and builds them again.
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
 * Executes the plan, as far as its work is still pending.
 *
 * Before anything is deleted, `invalidated` is recorded for the blocks, dependants first: from then on they count as
 * half written, and no run reads them. `up` deletes them as it deletes the rows of a dead run.
 * @throws BackfillError as `up`; `locked` if a run works on one of the tables; `usage` if a dependant has built from
 *   the blocks since the plan
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
    // All tables, even without blocks to redo: until the coverage is removed they could read the old rows.
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

/** The blocks to redo by the ledger as read under the locks; for the named table at most the planned blocks. */
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
