// Owns when a table is ready up to a block: complete, and not stale; and why not, in words. Pure.
import { type BlockSet, intersect } from '../../model/blocks.ts'
import { holdText } from '../../ledger/steering.ts'
import { formatRanges } from '../../terminal/render/format.ts'
import type { StatusReport, TableReport } from '../status/status.ts'

/** What `wait --json` says. */
export function readinessFields({ network, tables }: StatusReport, to: number) {
  const found = tables.map((one) => ({ table: one.table, reasons: reasonsNotReady(one, to) }))
  return { network, to, ready: found.every(({ reasons }) => reasons.length === 0), tables: found }
}

/** What is missing, and what it waits for: none if the table is ready. Source gaps do not count, as in `status`. */
export function reasonsNotReady(table: TableReport, to: number): readonly string[] {
  const upTo = (blocks: BlockSet): BlockSet => intersect(blocks, [{ from: 0, to }])
  const [missing, stale, incomplete] = [table.missing, table.stale, table.incomplete].map(upTo)
  const pause = table.holds.find(({ action }) => action === 'pause')
  const [absence] = table.absences
  const last = Math.min(to, table.limit ?? to)
  const waits =
    pause !== undefined
      ? holdText(pause)
      : table.lock !== null
        ? `a run on ${table.lock.host} works on it`
        : 'no run works on it: backfill up'
  return [
    ...(absence === undefined ? [] : [absence.text]),
    ...((table.sourceHead ?? -1) < last
      ? [
          `its sources are complete up to block ${table.sourceHead ?? '-'} (newest less --lag): waits for them`,
        ]
      : []),
    ...(missing!.length > 0 ? [`missing ${formatRanges(missing!)}: ${waits}`] : []),
    ...(incomplete!.length > 0
      ? [`incomplete ${formatRanges(incomplete!)}: some sources lack these blocks`]
      : []),
    ...(stale!.length > 0 ? [`stale ${formatRanges(stale!)}: ${table.hint}`] : []),
  ]
}
