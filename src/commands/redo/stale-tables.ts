// Owns the redo of all stale ranges: one table after the other, inputs first, each by the redo of its ranges or by a rebuild.
// Nothing else has to remember how far it came: what is not built yet is stale, or missing, and stays so.
import { BackfillError, failedError } from '../../model/errors.ts'
import { type BlockSet, blockSet, intersect, union } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import { historyOf } from '../../model/choose.ts'
import { staleBlocks } from '../../ledger/stale.ts'
import { staleSummaries } from '../../planning/stale-ranges.ts'
import { blocksIn, readTableStatuses } from '../../planning/table-status.ts'
import type { UpOptions } from '../../planning/run-options.ts'
import type { RunSummary } from '../../runner/events.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { UpHooks } from '../../runner/up.ts'
import { monotonicMs } from '../../seam/clock.ts'
import { type RebuildPlan, planRebuild, rebuild, type RebuildReport } from '../rebuild/rebuild.ts'
import { changeTables } from '../rebuild/swap.ts'
import type { RebuildOptions } from '../rebuild/workspace.ts'
import type { Connected } from '../../workspace/connect.ts'
import { changedBy, redoBlocks, type RedoRequest } from './blocks.ts'
import { factsOf, planRedo, type PlannedRedo, type RedoQuestion } from './plan.ts'
import { redo } from './redo.ts'

/** How tables with one row per key are rebuilt; their old tables are dropped once they are exchanged. */
type Rebuilds = {
  readonly ports: Connected
  readonly options: RebuildOptions
  readonly report: (report: RebuildReport) => void
}

type StaleTable = {
  readonly table: TableDefinition
  readonly request: RedoRequest
  readonly building: ReadonlyMap<string, BlockSet>
}

/** What is to be done with one table, or why nothing can be done. */
export type StaleStep =
  | { readonly kind: 'redo'; readonly table: TableDefinition; readonly plan: PlannedRedo }
  | { readonly kind: 'rebuild'; readonly table: TableDefinition; readonly plan: RebuildPlan }
  | { readonly kind: 'left'; readonly table: TableDefinition; readonly error: BackfillError }

type Wanted = {
  readonly options: UpOptions
  /** Undefined: tables with one row per key are left as they are. */
  readonly rebuilds: Rebuilds | undefined
}

/** The stale tables among the chosen ones, in the order of their dependencies. Reads only. */
async function staleTables(
  workspace: Workspace,
  { options, rebuilds }: Wanted,
): Promise<readonly StaleTable[]> {
  const statuses = await readTableStatuses(workspace, { lag: options.lag })
  const building = new Map<string, BlockSet>()
  const found: StaleTable[] = []
  for (const table of workspace.chosen) {
    const status = statuses.get(table.key)!
    if (status.target === undefined) continue
    const history = historyOf(table)
    const inputs = table.after.map((key) => changedBy({ history }, key, building.get(key) ?? []))
    const changed = blockSet(inputs.flat())
    const request = { kind: 'stale', changed } as const
    let blocks: BlockSet
    if (table.rows.kind === 'per-key') {
      const again = union(staleBlocks(status.stale), intersect(blocksIn(status.view, 'done'), changed))
      // Its rows may come from any block.
      blocks = again.length === 0 ? [] : EVERY_BLOCK
    } else {
      const facts = await factsOf(workspace.ports, status, status.target.uuid)
      const [own] = redoBlocks(facts, request, [])
      blocks = union(own!.redo, own!.also)
    }
    if (blocks.length === 0) continue
    found.push({ table, request, building: new Map(building) })
    if (table.rows.kind === 'per-block' || rebuilds !== undefined) building.set(table.key, blocks)
  }
  return found
}

const EVERY_BLOCK: BlockSet = [{ from: 0, to: Number.MAX_SAFE_INTEGER }]

/** Plans the redo of all stale ranges. Reads only. @throws BackfillError `server`, `usage` if files and servers do not fit */
export async function planStale(workspace: Workspace, wanted: Wanted): Promise<readonly StaleStep[]> {
  const steps: StaleStep[] = []
  for (const { table, request, building } of await staleTables(workspace, wanted)) {
    const one = { ...workspace, chosen: [table] }
    try {
      if (table.rows.kind === 'per-key') {
        const { ports, options } = rebuildsOf(table, wanted)
        steps.push({ kind: 'rebuild', table, plan: await planRebuild(one, ports, options) })
        continue
      }
      const plan = await planRedo(one, { ...questionOf(wanted.options), request, building })
      if (plan.report.tables.length > 0) steps.push({ kind: 'redo', table, plan })
    } catch (error) {
      steps.push({ kind: 'left', table, error: refusalOf(error) })
    }
  }
  return steps
}

/**
 * Builds the stale ranges of these tables again, each by what the ledger says when its turn comes. A table that reads one
 * that failed is left as it is. `first`: the run before, which counts in the summary and in the time.
 * @throws BackfillError `server`; what else goes wrong with a table stands in the summary
 */
export async function redoStale(
  workspace: Workspace,
  wanted: Wanted,
  hooks: UpHooks,
  first?: RunSummary,
): Promise<RunSummary> {
  const started = monotonicMs() - (first?.elapsedMs ?? 0)
  const { options, rebuilds } = wanted
  const timeLeft = () => (options.maxRuntimeMs ?? Infinity) - (monotonicMs() - started)
  const summaries = first === undefined ? [] : [first]
  const failed = [...(first?.failed ?? [])]
  for (const { table } of await staleTables(workspace, wanted)) {
    if (hooks.signal.aborted || timeLeft() <= 0) break
    const { key } = table
    if (first?.failed.some((one) => one.table === key)) continue
    const broken = table.after.filter((input) => failed.some((other) => other.table === input))
    try {
      if (broken.length > 0) throw failedError(`${key} reads ${broken.join(', ')}, which failed`)
      const left = options.maxRuntimeMs === undefined ? undefined : Math.max(1, timeLeft())
      const now = { ...wanted, options: { ...options, maxRuntimeMs: left } }
      const summary = await redoOne({ ...workspace, chosen: [table] }, now, hooks)
      if (summary === undefined) continue
      summaries.push(summary)
      failed.push(...summary.failed)
    } catch (thrown) {
      const error = refusalOf(thrown)
      const isLeft = error.kind === 'locked' ? options.lockSkip : rebuilds === undefined
      if (isLeft) hooks.report({ type: 'note', table: key, text: `stays stale: ${leftText(error)}` })
      else {
        hooks.report({ type: 'table-failed', table: key, error })
        failed.push({ table: key, error })
      }
    }
  }
  const statuses = await readTableStatuses(workspace, { lag: options.lag })
  const sum = (of: (summary: RunSummary) => number) => summaries.reduce((all, one) => all + of(one), 0)
  return {
    runId: summaries.at(-1)?.runId ?? '',
    chunks: sum(({ chunks }) => chunks),
    blocks: sum(({ blocks }) => blocks),
    seconds: sum(({ seconds }) => seconds),
    rowsWritten: sum(({ rowsWritten }) => rowsWritten),
    elapsedMs: Math.round(monotonicMs() - started),
    stale: staleSummaries(
      workspace.chosen.map(({ key }) => statuses.get(key)!),
      workspace,
    ),
    failed,
    interrupted: hooks.signal.aborted,
    outOfTime: timeLeft() <= 0,
  }
}

async function redoOne(
  workspace: Workspace,
  wanted: Wanted,
  hooks: UpHooks,
): Promise<RunSummary | undefined> {
  const table = workspace.chosen[0]!
  if (table.rows.kind === 'per-block') {
    const plan = await planRedo(workspace, { ...questionOf(wanted.options), request: { kind: 'stale' } })
    return plan.report.tables.length === 0 ? undefined : await redo(workspace, plan, wanted.options, hooks)
  }
  const { ports, options, report } = rebuildsOf(table, wanted)
  const done = await rebuild(workspace, ports, options, hooks)
  const isInPlace = done.outcome === 'swapped' || done.outcome === 'finished'
  const dropped = isInPlace && done.kept !== undefined ? [done.kept] : []
  for (const name of dropped) await changeTables(ports.target, 'dropping', name)
  report(dropped.length > 0 ? { ...done, kept: undefined, dropped } : done)
  if (done.outcome === 'different')
    throw failedError(
      `the new table of ${table.key} differs from what its SQL computes now: it was not exchanged`,
      `backfill rebuild ${table.key}`,
    )
  // A rebuild of before was killed after its exchange: what it had built may be stale by now.
  const isStale = done.outcome === 'finished' && (await staleTables(workspace, wanted)).length > 0
  return isStale ? await redoOne(workspace, wanted, hooks) : done.summary
}

export function leftText({ message, hint }: BackfillError): string {
  return hint === undefined ? message : `${message}; ${hint}`
}

function questionOf({ lag, jobs }: UpOptions): Omit<RedoQuestion, 'request'> {
  return { dependants: 'later', lag, jobs }
}

/** @throws BackfillError `failed` if tables with one row per key are left as they are */
function rebuildsOf(table: TableDefinition, { rebuilds }: Wanted): Rebuilds {
  if (rebuilds !== undefined) return rebuilds
  throw failedError(
    `${table.key} keeps one row per key over all blocks`,
    `backfill rebuild ${table.key} builds it again`,
  )
}

/** An error that concerns one table; others are thrown on. A refusal is no wrong usage: other tables may have been written. */
function refusalOf(thrown: unknown): BackfillError {
  if (!(thrown instanceof BackfillError) || thrown.kind === 'server') throw thrown
  return thrown.kind === 'usage' ? failedError(thrown.message, thrown.hint) : thrown
}
