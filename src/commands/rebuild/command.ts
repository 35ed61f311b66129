// Owns `backfill rebuild`.
import { EXIT, usageError } from '../../model/errors.ts'
import type { RebuildPorts } from './workspace.ts'
import type { RebuildOptions, RebuildReport } from './report.ts'
import { positiveCount, readFlag } from '../../workspace/values.ts'
import { confirm } from '../../session/confirm.ts'
import type { Command, Context } from '../../session/command.ts'
import { requireOneTable } from '../../terminal/one-table-one-range.ts'
import {
  dropQuestion,
  rebuildFields,
  rebuildPlanFields,
  renderRebuild,
  renderRebuildPlan,
  startLines,
} from './render.ts'
import { createReporter } from '../../terminal/reporter.ts'
import { failureCode } from '../../session/supervised-run.ts'
import { type Session } from '../../workspace/open.ts'
import { withWorkspace } from '../../session/session.ts'
import { interruptedCode, withSignals } from '../../terminal/signals.ts'
import { upOptions } from '../../workspace/run-options.ts'
import { verifyPorts } from '../verify/ports.ts'
import { randomBelow } from '../../seam/random.ts'

export const rebuildCommand: Command = async (context) => {
  const { output, flags } = context
  const options = rebuildOptions(context)
  if (flags.has('dry-run')) return await dryRun(context, options)
  const [json, quiet] = [flags.has('json'), flags.has('quiet')]
  const reporter = await createReporter(output, { json, quiet })
  try {
    return await withSignals(
      () =>
        reporter.print(
          'Stopping: run the same command again to continue; press Ctrl-C again to exit at once.',
        ),
      (signal) =>
        withWorkspace(context, async (session) => {
          const { rebuild, planSides } = await import('./rebuild.ts')
          const ports = await rebuildPorts(session)
          const sides = await planSides(session.workspace, ports)
          if (options.dropOld)
            await confirm(context, dropQuestion(sides, session.workspace.ports.target.database))
          if (!quiet && !json) startLines(sides).forEach(reporter.print)
          const report = await rebuild(session.workspace, ports, options, { report: reporter.report, signal })
          if (report.summary !== undefined) reporter.finish(report.summary)
          if (json) output.json(rebuildFields(report))
          else output.result(renderRebuild(report, output.resultColors))
          return signal.aborted ? interruptedCode(signal) : codeOf(report)
        }),
    )
  } catch (error) {
    reporter.abandon(error)
    throw error
  }
}

async function dryRun(context: Context, options: RebuildOptions): Promise<number> {
  const { output, flags } = context
  return await withWorkspace(context, async (session) => {
    const { planRebuild } = await import('./rebuild.ts')
    const planned = await planRebuild(session.workspace, await rebuildPorts(session), options)
    if (flags.has('json')) output.json(rebuildPlanFields(planned))
    else output.result(renderRebuildPlan(planned, options, output.resultColors))
    return EXIT.ok
  })
}

async function rebuildPorts(session: Session): Promise<RebuildPorts> {
  const { openRebuild } = await import('./tables.ts')
  return { ...(await verifyPorts(session)), rebuild: openRebuild({ server: session.connected.target }) }
}

function codeOf({ outcome, summary }: RebuildReport): number {
  if (outcome === 'different') return EXIT.different
  if (outcome !== 'incomplete') return EXIT.ok
  return (summary && failureCode(summary)) || EXIT.failed
}

function rebuildOptions({ config, flags }: Context): RebuildOptions {
  const table = requireOneTable(flags, 'rebuild')
  if (config.cluster.value !== undefined)
    throw usageError(
      '`rebuild` does not work on a cluster: no statement exchanges tables on all shards in one instant',
      `build ${table} in another database (TARGET_CLICKHOUSE_DATABASE) and switch its readers to it, or drop its local tables and run backfill up --tables ${table}`,
    )
  if (flags.has('keep') && flags.has('drop-old'))
    throw usageError('--keep and --drop-old exclude each other', 'keep one of them')
  return {
    up: upOptions({ config, flags }),
    sample: readFlag(flags, 'sample', positiveCount) ?? 10,
    seed: randomBelow(2 ** 32),
    dropOld: flags.has('drop-old'),
  }
}
