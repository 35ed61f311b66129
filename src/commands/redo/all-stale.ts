// Owns `backfill redo --stale` without a table: the plan for all stale ranges, the question, the work.
import { EXIT } from '../../model/errors.ts'
import { confirm } from '../../session/confirm.ts'
import type { Command } from '../../session/command.ts'
import { withWorkspace } from '../../session/session.ts'
import { supervised } from '../../session/supervised-run.ts'
import { upOptions } from '../../workspace/run-options.ts'
import { rebuildOptions, rebuildPorts } from '../rebuild/command.ts'
import type { RebuildReport } from '../rebuild/rebuild.ts'
import { rebuildFields, renderRebuild } from '../rebuild/render.ts'
import { renderStalePlan, stalePlanFields, staleQuestion } from './render-stale.ts'
import { planStale, redoStale } from './stale-tables.ts'

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
