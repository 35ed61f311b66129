// Owns the redo of ranges: it removes their coverage under the locks, then the run loop builds them. If it is killed,
// the ranges are dirty, and any later run deletes and builds them again.
import type { Lock } from '../../lock/lock.ts'
import { intersect, subtract, union } from '../../model/blocks.ts'
import { pickBlocks, type PlannedRedo } from './plan.ts'
import { recordRest } from './rest.ts'
import { readTableStatuses } from '../../planning/table-status.ts'
import { assertNoDependants } from './refusals.ts'
import type { RunSummary } from '../../runner/events.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { UpOptions } from '../../planning/run-options.ts'
import { assertSameTable } from '../../runner/same-table.ts'
import { up, type UpHooks } from '../../runner/up.ts'
import { takeLock } from '../../ledger/run-reports.ts'
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
  const { ports } = workspace
  const locks = new Map<string, Lock>()
  const runId = randomId()
  try {
    // All tables, even without blocks to redo: until the coverage is removed they could read the old rows.
    // In the order of keys, as `up`: so two that wait never wait for each other.
    const tables = plan.tables.map((table) => table.key).toSorted()
    for (const key of tables) {
      const note = (text: string) => hooks.report({ type: 'note', table: key, text })
      const taking = { key, tables, runId, command: 'redo', waitMs: options.lockWaitMs, note }
      locks.set(key, await takeLock(ports, taking))
    }
    const { blocks, tableStatuses } = await confirmedBlocks(workspace, plan)
    const retryPolicy = { giveUpMs: options.giveUpMs, signal: hooks.signal }
    for (const { key, redo: again } of blocks.toReversed()) {
      const { sqlHash } = plan.tables.find((table) => table.key === key)!
      const lock = locks.get(key)!
      await recordRest(ports, tableStatuses.get(key)!, { blocks: again, lock, runId, retryPolicy })
      const declared = { blocks: again, targetUuid: plan.uuids.get(key)!, runId, sqlHash }
      await ports.ledger.appendEach(lock, { event: 'invalidated', ...declared }, retryPolicy)
    }
    const concerned = new Map(
      blocks
        .map(({ key, redo: again, also }) => [key, union(again, also)] as const)
        .filter(([, all]) => all.length > 0),
    )
    for (const [key, lock] of locks) {
      if (concerned.has(key)) continue
      await lock.release()
      locks.delete(key)
    }
    return await up(
      { ...workspace, chosen: plan.tables.filter(({ key }) => concerned.has(key)) },
      { ...options, from: undefined, to: undefined },
      hooks,
      { head: plan.report.head, locks, blocks: concerned },
    )
  } finally {
    for (const lock of locks.values()) await lock.release()
  }
}

/** The blocks to redo by the ledger as read under the locks; for the named table at most the planned blocks. */
async function confirmedBlocks(workspace: Workspace, plan: PlannedRedo) {
  const { tables, question, report } = plan
  const [table] = tables
  const of = (key: string) => report.tables.find((one) => one.table === key)
  const planned = of(table!.key)?.redo ?? []
  // Read again, because other runs may have worked since the plan.
  const now = await readTableStatuses(
    { ...workspace, chosen: tables },
    { lag: question.lag, forcedHead: report.head },
  )
  for (const {
    table: { key, target },
    target: present,
  } of now.values())
    assertSameTable({ key, target }, plan.uuids.get(key), new Map(present && [[target, present]]))
  const blocks = await pickBlocks(workspace, plan, now)
  const [own, ...dependants] = blocks.map((one) => ({
    ...one,
    redo: subtract(intersect(one.redo, planned), of(one.key)?.gone ?? []),
  }))
  if (question.dependants === 'refuse') assertNoDependants(table!, dependants, question.request)
  return { blocks: [own!, ...dependants], tableStatuses: now }
}
