// Owns `backfill wait`: it looks at the status again and again until the tables are ready, or the time is over.
import { EXIT, retryOf, usageError } from '../../model/errors.ts'
import { monotonicMs, sleep } from '../../seam/clock.ts'
import type { Command } from '../../session/command.ts'
import { withWorkspace } from '../../session/session.ts'
import { blockNumber, duration, readFlag } from '../../workspace/values.ts'
import { status } from '../status/status.ts'
import { readinessFields } from './ready.ts'

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
      const found = report && readinessFields(report, to)
      const open = found?.tables.filter(({ reasons }) => reasons.length > 0)
      const lines = (open ?? []).map(({ table, reasons }) => `${table}  ${reasons.join('; ')}`)
      if (found !== undefined && (found.ready || left <= 0)) {
        if (flags.has('json')) output.json(found)
        else output.result(found.ready ? [`Ready up to block ${to}.`] : lines)
        return found.ready ? EXIT.ok : EXIT.pending
      }
      if (open !== undefined && lines.join() !== said && !flags.has('quiet')) {
        output.message([`Waiting for ${open.map(({ table }) => table).join(', ')}:`, ...lines])
        said = lines.join()
      }
      await sleep(Math.min(LOOK_MS, Math.max(left, 0)))
    }
  })
}
