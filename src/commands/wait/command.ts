// Owns `backfill wait`: it looks at the status again and again until the tables are ready, or the time is over.
import { EXIT, retryOf, usageError } from '../../model/errors.ts'
import { monotonicMs, sleep } from '../../seam/clock.ts'
import { type Command, withWorkspace } from '../../session/session.ts'
import { blockNumber, duration, readFlag } from '../../workspace/values.ts'
import { status } from '../status/status.ts'
import type { StatusReport, TableReport } from '../status/table-report.ts'
import { type BlockSet, intersect, namedPosition, subtract } from '../../model/blocks.ts'
import { lostBlocks } from '../../planning/stale-ranges.ts'
import { isWorking } from '../../lock/watch.ts'
import { holdText, isStop } from '../../ledger/steering.ts'
import { formatRanges, listOf } from '../../terminal/render/format.ts'

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
      const found = report && readinessFields(report, to, output.carry)
      const open = found?.tables.filter(({ reasons }) => reasons.length > 0)
      const lines = (open ?? []).map(({ table, reasons }) => `${table}  ${reasons.join('; ')}`)
      if (found !== undefined && (found.ready || left <= 0)) {
        output.answer(found, found.ready ? [`Ready up to ${namedPosition(to)}.`] : lines)
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

/** `carry` adds the flags that were typed to the commands in the reasons. */
export function readinessFields(
  { network, tables }: StatusReport,
  to: number,
  carry: (text: string) => string,
) {
  const found = tables.map((one) => ({ table: one.table, reasons: reasonsNotReady(one, to).map(carry) }))
  return { network, to, ready: found.every(({ reasons }) => reasons.length === 0), tables: found }
}

/** What is missing, and what it waits for: none if the table is ready. Source gaps do not count, as in `status`. */
export function reasonsNotReady(table: TableReport, to: number): readonly string[] {
  const upTo = (blocks: BlockSet): BlockSet => intersect(blocks, [{ from: 0, to }])
  const lost = lostBlocks(table.staleVersions, table.first)
  const open = subtract(table.stale, lost)
  const [missing, stale, kept, incomplete] = [table.missing, open, lost, table.incomplete].map(upTo)
  const stop = table.holds.find(isStop)
  const [absence] = table.absences
  const last = Math.min(to, table.limit ?? to)
  const waits =
    stop !== undefined
      ? holdText(stop)
      : isWorking(table.lock)
        ? `a run on ${table.lock!.host} works on it`
        : // Alone, a table would wait for what it reads.
          `no run works on it: \`backfill up ${table.after.length > 0 ? '+' : ''}${table.table}\``
  return listOf(
    absence?.text,
    table.misfit !== null && `\`up\` does not write to it: ${table.misfit}`,
    (table.sourceHead ?? -1) < last &&
      `its sources are complete up to ${table.sourceHead === null ? 'block -' : namedPosition(table.sourceHead)} (newest less --lag): waits for them`,
    missing!.length > 0 && `missing ${formatRanges(missing!)}: ${waits}`,
    incomplete!.length > 0 && `incomplete ${formatRanges(incomplete!)}: some sources lack these blocks`,
    stale!.length > 0 && `stale ${formatRanges(stale!)}: \`${table.hint}\``,
    kept!.length > 0 &&
      `stale ${formatRanges(kept!)}: cannot be built again, for what the table reads begins at ${namedPosition(table.first!)} now`,
  )
}
