// Owns `backfill status`.
import { EXIT, usageError } from '../../model/errors.ts'
import type { StatusReport } from './status.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { Command, Context } from '../../session/command.ts'
import { duration } from '../../terminal/render/format.ts'
import { renderStatus, statusFields } from './render.ts'
import { withWorkspace } from '../../session/session.ts'
import type { Session } from '../../workspace/open.ts'
import { toolVersion } from '../../workspace/tool-version.ts'
import { oneOf, readFlag } from '../../workspace/values.ts'
import { evaluateHealth, readTolerances, verdictLine } from './verdict.ts'

export const statusCommand: Command = async (context) => {
  const { config, flags, output } = context
  const tolerances = readTolerances(flags)
  const format = readFlag(flags, 'format', oneOf(['text', 'prometheus']))
  const other = ['json', 'check'].find((name) => flags.has(name))
  if (format === 'prometheus' && other !== undefined)
    throw usageError(`--format prometheus and --${other} exclude each other`, 'keep one of them')
  return await withWorkspace(context, async (session) => {
    const { workspace, connected } = session
    if (format === 'prometheus') {
      output.result(await metricsOf(session, config.lag.value))
      return EXIT.ok
    }
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

/** The lines of `--format prometheus`. */
async function metricsOf({ workspace, connected }: Session, lag: number): Promise<readonly string[]> {
  const [{ status }, { openAges }, { readLastRuns }, { metricsLines }] = await Promise.all([
    import('./status.ts'),
    import('../../sources/ages.ts'),
    import('./last-runs.ts'),
    import('./metrics.ts'),
  ])
  const network = workspace.network.name
  const sources = [...new Set(workspace.chosen.flatMap((table) => table.sources))]
  const [report, extents] = await Promise.all([
    status(workspace, { lag }),
    workspace.ports.source.extents(sources),
  ])
  const blocks = new Map([...extents].map(([source, { to }]) => [source, to]))
  const ages = await openAges({ server: connected.source, network }).newest(blocks)
  const newest = [...blocks].map(([source, block]) => ({ source, block, age: ages.get(source) }))
  const present = report.tables.flatMap(({ table, targetUuid }) =>
    targetUuid === null ? [] : [[table, targetUuid] as const],
  )
  const held = report.tables.flatMap(({ table, lock }) =>
    lock === null ? [] : [[table, lock.epoch] as const],
  )
  const runs =
    (await workspace.ports.target.ledgerState()) === 'absent'
      ? []
      : await readLastRuns(
          { server: connected.target, names: connected.names, network },
          { present: new Map(present), held: new Map(held) },
        )
  return metricsLines({ report, runs, newest, version: toolVersion() })
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
