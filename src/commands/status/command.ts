// Owns `backfill status`.
import { EXIT } from '../../model/errors.ts'
import type { StatusReport } from './status.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { Command, Context } from '../../session/command.ts'
import { renderStatus, statusFields } from './render.ts'
import { withWorkspace } from '../../session/session.ts'

export const statusCommand: Command = async (context) =>
  await withWorkspace(context, async ({ workspace }) => {
    const report = await printStatus(context, workspace)
    return context.flags.has('check') ? checkCode(report) : EXIT.ok
  })

export async function printStatus(
  { config, output, flags }: Context,
  workspace: Workspace,
): Promise<StatusReport> {
  const { status } = await import('./status.ts')
  const report = await status(workspace, { lag: config.lag.value })
  if (flags.has('json')) output.json(statusFields(report))
  else output.result(renderStatus(report, { columns: output.columns, colors: output.resultColors }))
  return report
}

/** For monitoring: missing or dirty blocks outweigh stale ones. Source gaps and incomplete blocks do not count. */
export function checkCode({ tables }: StatusReport): number {
  if (tables.some(({ missingBlocks, dirty }) => missingBlocks > 0 || dirty.length > 0)) return EXIT.pending
  return tables.some(({ stale }) => stale.length > 0) ? EXIT.stale : EXIT.ok
}
