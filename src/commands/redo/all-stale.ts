// Owns `backfill redo --stale` without a table: the plan for all stale ranges, how it looks, the question, the work.
import { EXIT } from '../../model/errors.ts'
import { confirm } from '../../session/confirm.ts'
import type { Command } from '../../session/command.ts'
import { withWorkspace } from '../../session/session.ts'
import { supervised } from '../../session/supervised-run.ts'
import { upOptions } from '../../workspace/run-options.ts'
import { rebuildOptions, rebuildPorts } from '../rebuild/command.ts'
import type { RebuildReport } from '../rebuild/rebuild.ts'
import { rebuildFields, renderRebuild, rebuildPlanFields } from '../rebuild/render.ts'
import { planStale, redoStale, leftText, type StaleStep } from './stale-tables.ts'
import { type Colors, count, duration } from '../../terminal/render/format.ts'
import { asQuestion, costLines, redoQuestionParts, tableLines } from './render.ts'

export const redoAllStale: Command = async (context) => {
  const { flags, output } = context
  const [dry, json] = [flags.has('dry-run'), flags.has('json')]
  return await withWorkspace(context, async (session) => {
    const { workspace } = session
    const report = (done: RebuildReport) =>
      json
        ? output.json(rebuildFields(done))
        : output.message(flags.has('quiet') ? [] : renderRebuild(done, output.messageColors))
    const rebuilds = { ports: await rebuildPorts(session), options: rebuildOptions(context), report }
    const wanted = { options: upOptions(context), rebuilds }
    const steps = await planStale(workspace, wanted)
    const { name } = workspace.network
    if (json) output.json(stalePlanFields(name, steps))
    else if (dry) output.result(renderStalePlan(name, steps, output.resultColors, dry))
    else output.message(renderStalePlan(name, steps, output.messageColors, dry))
    if (dry || steps.length === 0) return EXIT.ok
    await confirm(context, staleQuestion(steps))
    const again = 'backfill redo --stale'
    return await supervised(
      context,
      async (run) => run.finish(await redoStale(workspace, wanted, run)),
      again,
    )
  })
}

function renderStalePlan(
  network: string,
  steps: readonly StaleStep[],
  colors: Colors,
  dry: boolean,
): readonly string[] {
  if (steps.length === 0) return ['Nothing to redo: no range is stale.']
  const plans = steps.flatMap((step) => (step.kind === 'redo' ? step.plan.report.tables : []))
  return [
    `network ${colors.bold(network)}`,
    '',
    ...steps.flatMap((step) => stepLines(step, colors)),
    ...costLines(plans, colors),
    ...(dry ? ['', 'Nothing has been written.'] : []),
  ]
}

/** Asked after the plan was shown. */
function staleQuestion(steps: readonly StaleStep[]): string {
  const plans = steps.flatMap((step) => (step.kind === 'redo' ? step.plan.report.tables : []))
  const rebuilt = steps.flatMap(({ kind, table }) => (kind === 'rebuild' ? [table.key] : []))
  return asQuestion([
    ...redoQuestionParts(plans),
    ...(rebuilt.length > 0 ? [`rebuild ${rebuilt.join(', ')} and drop the old tables`] : []),
  ])
}

/** The object of `redo --stale --json` before the events. */
function stalePlanFields(network: string, steps: readonly StaleStep[]): object {
  return {
    event: 'plan',
    network,
    tables: steps.flatMap((step) => (step.kind === 'redo' ? step.plan.report.tables : [])),
    rebuilds: steps.flatMap((step) => (step.kind === 'rebuild' ? [rebuildPlanFields(step.plan)] : [])),
    left: steps.flatMap(({ table, ...step }) =>
      step.kind === 'left' ? [{ table: table.key, error: step.error }] : [],
    ),
  }
}

function stepLines(step: StaleStep, colors: Colors): readonly string[] {
  const name = colors.bold(step.table.key)
  if (step.kind === 'redo') return step.plan.report.tables.flatMap((table) => tableLines(table, colors))
  if (step.kind === 'left') return [`${name}  ${colors.yellow(`stays stale: ${leftText(step.error)}`)}`]
  const { missingBlocks, chunks, expectedMs } = step.plan.plan.tables[0]!
  const time = expectedMs === null ? '' : `, about ${duration(expectedMs)}`
  return [
    `${name}  rebuilt beside the old table, which is dropped after the exchange: ${count(missingBlocks, 'block')} in ${count(chunks.length, 'chunk')}${time}`,
  ]
}
