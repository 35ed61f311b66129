// Owns `backfill status`.
import { EXIT } from '../../model/errors.ts'
import type { StatusReport } from './status.ts'
import type { World } from '../../runner/world.ts'
import type { Command, Context } from '../../session/command.ts'
import { statusJson } from './render.ts'
import { renderStatus } from './render.ts'
import { withWorld } from '../../session/session.ts'

export const statusCommand: Command = async (context) =>
  await withWorld(context, async ({ world }) => {
    const report = await printStatus(context, world)
    return context.words.has('check') ? checkCode(report) : EXIT.ok
  })

export async function printStatus({ config, output, words }: Context, world: World): Promise<StatusReport> {
  const { status } = await import('./status.ts')
  const report = await status(world, { lag: config.lag.value })
  const style = { columns: output.columns, paint: output.resultPaint }
  output.result(words.has('json') ? [JSON.stringify(statusJson(report))] : renderStatus(report, style))
  return report
}

/** For monitoring: missing or dirty blocks weigh more than stale ones. Holes and held blocks are nobody's omission. */
export function checkCode({ tables }: StatusReport): number {
  if (tables.some(({ missingBlocks, dirty }) => missingBlocks > 0 || dirty.length > 0)) return EXIT.pending
  return tables.some(({ stale }) => stale.length > 0) ? EXIT.stale : EXIT.ok
}
