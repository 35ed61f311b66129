// Owns `backfill up` and `backfill plan`, which is `up --dry-run`.
import { EXIT } from '../../model/errors.ts'
import type { UpOptions } from '../../planning/run-options.ts'
import type { Command, Context } from '../../session/command.ts'
import { renderPlan } from './render-plan.ts'
import { runUp } from '../../session/supervised-run.ts'
import { withWorkspace } from '../../session/session.ts'
import { upOptions } from '../../workspace/run-options.ts'

export const up: Command = async (context) => {
  const options = upOptions(context)
  return context.flags.has('dry-run') ? await plan(context, options) : await runUp(context, options)
}

async function plan(context: Context, options: UpOptions): Promise<number> {
  const { output, flags } = context
  return await withWorkspace(context, async ({ workspace }) => {
    const { planUp } = await import('../../planning/plan.ts')
    const report = await planUp(workspace, options)
    if (flags.has('json')) output.json(report)
    else output.result(renderPlan(report, output.resultColors))
    return EXIT.ok
  })
}
