// Owns `backfill rebuild`.
import { EXIT } from '../../model/errors.ts'
import type { RebuildOptions } from './workspace.ts'
import { positiveCount, readFlag } from '../../workspace/values.ts'
import { confirm } from '../../session/confirm.ts'
import { type Command, type Context, withWorkspace } from '../../session/session.ts'
import { requireOneTable } from '../../terminal/one-table-one-range.ts'
import {
  dropQuestion,
  rebuildFields,
  rebuildPlanFields,
  renderRebuild,
  renderRebuildPlan,
  startLines,
} from './render.ts'
import { type Supervised, supervised } from '../../session/supervised-run.ts'
import type { Session } from '../../workspace/open.ts'
import { interruptedCode } from '../../terminal/signals.ts'
import { upOptions } from '../../workspace/run-options.ts'
import { randomBelow } from '../../seam/random.ts'

export const rebuildCommand: Command = async (context) => {
  const { output, flags } = context
  const table = requireOneTable(flags, 'rebuild')
  const options = rebuildOptions(context)
  if (flags.has('dry-run')) return await dryRun(context, options)
  const work = async (session: Session, run: Supervised): Promise<number> => {
    const { workspace } = session
    const [{ rebuild }, { readSides }] = await Promise.all([import('./rebuild.ts'), import('./swap.ts')])
    const ports = session.connected
    const sides = await readSides(workspace, ports.target, workspace.chosen[0]!)
    if (options.dropOld) await confirm(context, dropQuestion(sides, workspace.ports.target.database))
    if (!flags.has('quiet') && !flags.has('json')) output.message(startLines(sides))
    const report = await rebuild(workspace, ports, options, run)
    const code = report.summary === undefined ? EXIT.ok : run.finish(report.summary)
    if (flags.has('json')) output.json(rebuildFields(report))
    else if (!flags.has('quiet') || report.outcome === 'different')
      output.result(renderRebuild(report, output.resultColors))
    if (run.signal.aborted) return interruptedCode(run.signal)
    if (report.outcome === 'different') return EXIT.different
    return report.outcome === 'incomplete' ? code || EXIT.failed : EXIT.ok
  }
  return await supervised(
    context,
    (run) => withWorkspace(context, (session) => work(session, run)),
    `backfill rebuild ${table}`,
  )
}

async function dryRun(context: Context, options: RebuildOptions): Promise<number> {
  const { output } = context
  return await withWorkspace(context, async (session) => {
    const { planRebuild } = await import('./rebuild.ts')
    const planned = await planRebuild(session.workspace, session.connected, options)
    output.answer(rebuildPlanFields(planned), renderRebuildPlan(planned, options, output.resultColors))
    return EXIT.ok
  })
}

export function rebuildOptions({ config, flags }: Context): RebuildOptions {
  return {
    up: upOptions({ config, flags }),
    sample: readFlag(flags, 'sample', positiveCount) ?? 10,
    seed: randomBelow(2 ** 32),
    dropOld: flags.has('drop-old'),
  }
}
