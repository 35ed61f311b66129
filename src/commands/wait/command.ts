// Owns `backfill wait`: it looks at the status again and again until the tables are ready, or the time is over.
import { EXIT, retryOf, usageError } from '../../model/errors.ts'
import { monotonicMs, sleep } from '../../seam/clock.ts'
import type { Command } from '../../session/command.ts'
import { withWorkspace } from '../../session/session.ts'
import { blockNumber, duration, readFlag } from '../../workspace/values.ts'
import { status } from '../status/status.ts'
import { reasonsNotReady } from './ready.ts'

/** Between two looks, unless less time is left. */
const LOOK_MS = 10_000

export const wait: Command = async (context) => {
  const { flags, config, output } = context
  const to = readFlag(flags, 'to', blockNumber)
  if (to === undefined)
    throw usageError('`wait` needs --to <block>', 'add the last block that the tables must have')
  const end = monotonicMs() + (readFlag(flags, 'timeout', duration) ?? 1_800_000)
  return await withWorkspace(context, async ({ workspace }) => {
    let said = ''
    for (;;) {
      const left = end - monotonicMs()
      const report = await status(workspace, { lag: config.lag.value }).catch((error: unknown) => {
        // A server that is away for a moment is waited for, too.
        if (left <= 0 || retryOf(error) === 'stop') throw error
        return undefined
      })
      const tables = report?.tables.map((one) => ({ table: one.table, reasons: reasonsNotReady(one, to) }))
      const open = tables?.filter(({ reasons }) => reasons.length > 0)
      const lines = (open ?? []).map(({ table, reasons }) => `${table}  ${reasons.join('; ')}`)
      if (tables !== undefined && (lines.length === 0 || left <= 0)) {
        const isReady = lines.length === 0
        if (flags.has('json')) output.json({ network: workspace.network.name, to, ready: isReady, tables })
        else output.result(isReady ? [`Ready up to block ${to}.`] : lines)
        return isReady ? EXIT.ok : EXIT.pending
      }
      if (open !== undefined && lines.join() !== said && !flags.has('quiet')) {
        output.message([`Waiting for ${open.map(({ table }) => table).join(', ')}:`, ...lines])
        said = lines.join()
      }
      await sleep(Math.min(LOOK_MS, Math.max(left, 0)))
    }
  })
}
