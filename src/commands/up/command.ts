// Owns `backfill up` and `backfill plan`, which is `up --dry-run`.
import { isWorking, type SeenLock } from '../../lock/watch.ts'
import type { BlockSet } from '../../model/blocks.ts'
import { chooseTables } from '../../model/choose.ts'
import { EXIT, usageError } from '../../model/errors.ts'
import type { UpOptions } from '../../planning/run-options.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { type Command, type Context, withWorkspace } from '../../session/session.ts'
import { type RunHooks, runUp } from '../../session/supervised-run.ts'
import { formatRanges } from '../../terminal/render/format.ts'
import { upOptions } from '../../workspace/run-options.ts'
import { renderPlan } from './render-plan.ts'

export const up: Command = async (context) => {
  const options = upOptions(context)
  if (context.flags.has('dry-run')) return await showPlan(context, options)
  return await runUp(context, options, {
    ready: async ({ workspace }) => assertRecomputable(workspace, options.recompute),
    ...(options.redoStale && { continued: redoStaleAfter(options) }),
  })
}

/** Builds what `up` has found stale again, in the time that it has left. */
const redoStaleAfter =
  (options: UpOptions): NonNullable<RunHooks['continued']> =>
  async ({ workspace }, summary, run) => {
    if (summary.stale.length === 0 || summary.interrupted || summary.outOfTime) return summary
    const { redoStale } = await import('../redo/stale-tables.ts')
    return await redoStale(workspace, { options, rebuilds: undefined }, run, summary)
  }

function assertRecomputable({ chosen, ports: { executor } }: Workspace, keys: readonly string[]): void {
  if (keys.length === 0) return
  for (const { key, rows } of chooseTables({ tables: chosen }, keys))
    if (rows.kind === 'per-key')
      throw usageError(
        `--recompute: ${key} keeps one row per key over all blocks: the rows of a range cannot be deleted`,
        `backfill rebuild ${key} builds a new table beside the old one`,
      )
  if (executor.noDeletes !== undefined)
    throw usageError(`--recompute deletes rows, and ${executor.noDeletes}`)
}

async function showPlan(context: Context, options: UpOptions): Promise<number> {
  const { output, flags } = context
  return await withWorkspace(context, async ({ workspace }) => {
    const { planUp } = await import('../../planning/plan.ts')
    const { ENOUGH_ROWS } = await import('../../planning/row-estimates.ts')
    const [plan, locks] = await Promise.all([
      planUp(workspace, options, flags.has('chunks') ? Infinity : ENOUGH_ROWS),
      workspace.ports.locks.holders(),
    ])
    // As in `status`: what a run works on is not dirty.
    const tables = plan.tables.map((table) => {
      const lock = locks.get(table.table)
      if (lock?.released !== false || !isWorking(lock)) return table
      return { ...table, dirty: [], notes: [...table.notes, workedOn(lock, table.dirty)] }
    })
    const report = { ...plan, tables }
    const style = { ...output, colors: output.resultColors, chunks: flags.has('chunks') }
    output.answer(report, renderPlan(report, style))
    return EXIT.ok
  })
}

function workedOn({ host, pid }: SeenLock, blocks: BlockSet): string {
  return `${blocks.length === 0 ? '' : `in progress ${formatRanges(blocks)}: `}a run on ${host} (pid ${pid}) works on it`
}
