// Owns `backfill up` and `backfill plan`, which is `up --dry-run`.
import { chooseTables } from '../../model/choose.ts'
import { EXIT, usageError } from '../../model/errors.ts'
import { holdText } from '../../ledger/steering.ts'
import type { UpOptions } from '../../planning/run-options.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { Command, Context } from '../../session/command.ts'
import { type RunHooks, runUp } from '../../session/supervised-run.ts'
import { withWorkspace } from '../../session/session.ts'
import { upOptions } from '../../workspace/run-options.ts'
import type { PlanReport } from '../../planning/plan.ts'
import { count, duration, formatRanges, formatRange, type Colors } from '../../terminal/render/format.ts'
import { staleLines } from '../../terminal/render/stale.ts'

export const up: Command = async (context) => {
  const options = upOptions(context)
  if (context.flags.has('dry-run')) return await showPlan(context, options)
  if (options.redoStale && (options.from ?? options.to) !== undefined)
    throw usageError('--redo-stale builds all stale ranges again', 'leave out --from and --to')
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

/** @throws BackfillError `usage` for a table that is not in the run, or whose rows cannot be deleted by range */
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
    const report = await planUp(workspace, options)
    if (flags.has('json')) output.json(report)
    else output.result(renderPlan(report, output.resultColors))
    return EXIT.ok
  })
}

const SHOWN = 8

export function renderPlan(plan: PlanReport, colors: Colors): readonly string[] {
  const { network, tables, stale, steering } = plan
  const left = staleLines(stale)
  const chunks = tables.reduce((sum, table) => sum + table.chunks.length, 0)
  return [
    `network ${colors.bold(network)}`,
    ...tables.flatMap((table) => tableLines(table, colors)),
    '',
    ...left.map((line) => colors.yellow(line)),
    ...steering.map((hold) => colors.yellow(`${hold.table || 'all tables'}  ${holdText(hold)}`)),
    ...(chunks === 0 && left.length === 0 ? ['Nothing to do.'] : []),
    ...(chunks > 0
      ? [
          `Next: \`backfill up\` will run ${count(chunks, 'chunk')}${timeText(plan)}. Nothing has been written.`,
        ]
      : []),
  ]
}

function tableLines(table: PlanReport['tables'][number], colors: Colors): readonly string[] {
  const { chunks, sourceGaps, incomplete, kept, dirty } = table
  const work = chunks.length === 0 ? 'nothing to run' : count(chunks.length, 'chunk')
  const rowEstimate = chunks.length === 0 ? '' : `, ${costText(table)}`
  const missing =
    table.missingBlocks === 0 ? 'no block missing' : `${count(table.missingBlocks, 'block')} missing`
  const facts = [
    ...(table.create ? ['the table is created first'] : []),
    ...(dirty.length > 0 ? [`dirty ${formatRanges(dirty)}: recovered and run again`] : []),
    ...(sourceGaps.length > 0 ? [`source gap ${formatRanges(sourceGaps)}: left out`] : []),
    ...(incomplete.length > 0 ? [`incomplete ${formatRanges(incomplete)}: left out`] : []),
    ...(kept === null ? [] : [`${formatRanges(kept.blocks)}: as a run found ${duration(kept.ageMs)} ago`]),
    ...table.notes,
  ]
  const rest = chunks.length - SHOWN
  return [
    '',
    `${colors.bold(table.table)}  ${work}, ${missing}${rowEstimate}`,
    ...facts.map((fact) => `  ${colors.yellow(fact)}`),
    ...chunks
      .slice(0, SHOWN)
      .map((chunk) => `  ${formatRange(chunk)}  ${costText(chunk)}  ${colors.dim(chunk.reason)}`),
    ...(rest > 0
      ? [colors.dim(`  and ${count(rest, 'more chunk')} up to block ${chunks.at(-1)?.to} (--json has all)`)]
      : []),
  ]
}

type Cost = { readonly expectedRows: number; readonly expectedMs: number | null }

function costText({ expectedRows, expectedMs }: Cost): string {
  const rows = `about ${count(expectedRows, 'source row')}`
  return expectedMs === null ? rows : `${rows}, ${duration(expectedMs)}`
}

/** Divides by the number of jobs: the measured times already include the effect of parallel statements. */
function timeText({ tables, jobs }: PlanReport): string {
  const busy = tables.filter(({ chunks }) => chunks.length > 0)
  const unknown = busy.filter(({ expectedMs }) => expectedMs === null)
  const ms = busy.reduce((sum, { expectedMs }) => sum + (expectedMs ?? 0), 0) / jobs
  if (unknown.length === busy.length) return ' (no timings yet)'
  const without =
    unknown.length === 0
      ? ''
      : ` (${unknown.map(({ table }) => table).join(', ')} not included: no timings yet)`
  return `, ${jobs} at a time, in about ${duration(ms)}${without}`
}
