// Owns `backfill status`.
import { EXIT } from '../../model/errors.ts'
import type { StatusReport } from './status.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { Command, Context } from '../../session/command.ts'
import { duration } from '../../terminal/render/format.ts'
import { renderStatus, statusFields } from './render.ts'
import { withWorkspace } from '../../session/session.ts'
import { evaluateHealth, readTolerances, verdictLine } from './verdict.ts'

export const statusCommand: Command = async (context) => {
  const { config, flags, output } = context
  const tolerances = readTolerances(flags)
  return await withWorkspace(context, async ({ workspace, connected }) => {
    if (!flags.has('check')) {
      await printStatus(context, workspace)
      return EXIT.ok
    }
    const [{ status }, { openAges }] = await Promise.all([
      import('./status.ts'),
      import('../../sources/ages.ts'),
    ])
    const ages = openAges({ server: connected.source, network: workspace.network.name })
    const { maxSourceAge } = tolerances
    const report = await status(workspace, {
      lag: config.lag.value,
      ...(maxSourceAge !== undefined && {
        oldSources: async (newest) =>
          new Map(
            [...(await ages.newest(newest))]
              .filter(([, age]) => age > maxSourceAge)
              .map(([source, age]) => [
                source,
                `the newest row of ${source} is ${duration(age * 1000)} old, older than --max-source-age`,
              ]),
          ),
      }),
    })
    const verdict = await evaluateHealth(workspace, report, { ages, tolerances })
    if (flags.has('json')) output.json({ ...statusFields(report), check: verdict })
    else print(context, report)
    output.message([verdictLine(verdict)].filter((line) => line !== undefined))
    return verdict.exit
  })
}

export async function printStatus(context: Context, workspace: Workspace): Promise<void> {
  const { status } = await import('./status.ts')
  const report = await status(workspace, { lag: context.config.lag.value })
  if (context.flags.has('json')) context.output.json(statusFields(report))
  else print(context, report)
}

function print({ output }: Context, report: StatusReport): void {
  output.result(renderStatus(report, { columns: output.columns, colors: output.resultColors }))
}
