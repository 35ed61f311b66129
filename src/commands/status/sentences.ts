// Owns the sentences of `status`: what is wrong, and what to type next. Pure.
import {
  type BlockSet,
  countBlocks,
  namedBlocks,
  namedPosition,
  rangeFlags,
  subtract,
} from '../../model/blocks.ts'
import { isUnreadable } from '../../planning/absence.ts'
import { lostBlocks } from '../../planning/stale-ranges.ts'
import type { Failure } from '../../ledger/reader.ts'
import { isWorking } from '../../lock/watch.ts'
import { holdText, isOfRun } from '../../ledger/steering.ts'
import { tableNames, tablesText } from '../../terminal/render/about-tables.ts'
import { count, duration, formatRanges, listOf, minute, amount } from '../../terminal/render/format.ts'
import { staleText } from '../../terminal/render/stale.ts'
import type { StatusReport, TableReport } from './table-report.ts'

export function sentences({ tables, newest }: StatusReport): readonly string[] {
  const found = tables.map((report) => ({
    table: report.table,
    problems: problemsOf(report, newest, tables),
  }))
  const kinds = found[0]?.problems ?? []
  return tablesText(
    kinds.flatMap((_, at) => found.map(({ table, problems }) => ({ table, texts: listOf(problems[at]) }))),
  )
}

/** Every table has as many entries, the worst first. */
function problemsOf(
  report: TableReport,
  newest: number | null,
  tables: readonly TableReport[],
): readonly (string | false | readonly string[])[] {
  const { dirty, lastFailure, staleVersions, sqlHash, holds, inProgress, notes } = report
  const { incomplete, sourceGaps, kept, unprobed, accepted, arrived } = report
  const lost = lostBlocks(staleVersions, report.first)
  return [
    dirty.length > 0 &&
      `dirty: an attempt at ${namedBlocks(dirty)} did not finish; rows may be partly written.${lastFailure === null ? '' : ` ${failureText(lastFailure)}`}`,
    staleVersions.map((version) => `stale ${formatRanges(version.blocks)}: ${staleText(version, sqlHash)}.`),
    lost.length > 0 &&
      `${namedBlocks(lost)} stay stale: what the table reads begins at ${namedPosition(report.first!)} now.`,
    holds.map((hold) =>
      isOfRun(hold)
        ? `${holdText(hold)}.`
        : `${holdText(hold)}: \`${`backfill resume ${hold.table}`.trim()}\` ends it.`,
    ),
    inProgress.length > 0 && `in progress ${formatRanges(inProgress)}.`,
    heldText(report, tables),
    incomplete.length > 0 &&
      `incomplete: some sources have no rows for ${namedBlocks(incomplete)} yet; runs once they arrive.`,
    sourceGaps.length > 0 &&
      `source gap: no source has rows for ${namedBlocks(sourceGaps)}; runs if they arrive.`,
    kept !== null &&
      kept.blocks.length > 0 &&
      `source gaps and incomplete blocks are as a run found them ${duration(kept.ageMs)} ago; the source rows around them are the same.`,
    unprobed.length > 0 &&
      `not looked at: ${namedBlocks(unprobed)}; source gaps and incomplete blocks among them count as missing.`,
    accepted.length > 0 && `accepted: ${namedBlocks(accepted)} counted as done without rows.`,
    arrived.length > 0 &&
      `rows have arrived in ${namedBlocks(arrived)}, accepted before: ${revocations(report)}, then \`backfill up\`.`,
    notes,
    newest !== null &&
      report.newest !== null &&
      report.newest < newest &&
      `the sources end at ${namedPosition(report.newest)}, ${amount(newest - report.newest, report.unit)} below the newest.`,
  ]
}

/** One for each range, so that what lies between them stays accepted; of many, the first few. */
function revocations({ table, arrived }: TableReport): string {
  const shown = arrived.slice(0, SHOWN_REVOCATIONS)
  return shown.map((range) => `\`backfill accept ${table} --revoke ${rangeFlags(range)}\``).join(', ')
}

const SHOWN_REVOCATIONS = 3

/** Once for all tables of a run. Each has a heartbeat: the newest tells whether the process lives, so it has seconds. */
function heldText({ lock }: TableReport, tables: readonly TableReport[]): string | false {
  if (lock === null) return false
  const { host, pid } = lock
  const of = tables.filter((one) => one.lock?.host === host && one.lock.pid === pid)
  const [newest = ''] = of
    .map((one) => one.lock!.heartbeat)
    .toSorted()
    .toReversed()
  const unlock = `\`backfill unlock ${keys(of).join(' ')}\``
  if (of.every((one) => !isWorking(one.lock)))
    return `held by ${host} (pid ${pid}), no heartbeat for ${Math.min(...of.map((one) => one.lock!.silentSeconds))} s: it was killed, it hangs, or it cannot write to the server. The next \`backfill up\` takes over; ${unlock} frees the lock at once.`
  return `held by ${host} (pid ${pid}), last heartbeat ${newest.slice(0, 19).replace('T', ' ')} UTC. If that process hangs: ${unlock}.`
}

/** The whole error is in `log --errors`. */
function failureText({ from, to, at, error }: Failure): string {
  const [first = ''] = error.split('\n')
  const text = first.length > SHOWN_CHARACTERS ? `${first.slice(0, SHOWN_CHARACTERS)}…` : first
  return `Last error, ${minute(at)} UTC, of ${namedBlocks([{ from, to }])} (\`backfill log --errors\`): ${text}`
}

const SHOWN_CHARACTERS = 300

export function next({ tables, sourceAges }: Pick<StatusReport, 'tables' | 'sourceAges'>): readonly string[] {
  const absent = tables.filter(({ absences }) => absences.length > 0)
  const dirty = tables.filter((table) => table.dirty.length > 0 && !absent.includes(table))
  const known = new Map<string, BlockSet>()
  const fills = new Map(tables.map((one) => [one.table, countBlocks(blocksOfUp(one, tables, known))]))
  const open = tables.filter(
    ({ table, state }) => fills.get(table)! > 0 && !['in progress', 'dirty'].includes(state),
  )
  const unreadable = keys(tables.filter(isUnreadable))
  const stale = tables.filter(
    ({ stale: blocks, staleVersions, first, after }) =>
      subtract(blocks, lostBlocks(staleVersions, first)).length > 0 &&
      !after.some((key) => unreadable.includes(key)),
  )
  const [blocks, seconds] = (['block', 'second'] as const).map((wanted) =>
    open.reduce((sum, { unit, table }) => sum + (unit === wanted ? fills.get(table)! : 0), 0),
  ) as [number, number]
  const missing = listOf(
    blocks > 0 && count(blocks, 'missing block'),
    seconds > 0 && `a missing span of ${amount(seconds, 'second')}`,
  )
  const misfits = tables.filter(({ misfit }) => misfit !== null)
  const edited = stale.find(({ staleVersions }) =>
    staleVersions.some(({ reasons }) => reasons.includes('sql')),
  )
  // A table that reads others than these waits for them for ever.
  const isShort = open.some(({ after }) => after.some((key) => !keys(tables).includes(key)))
  const fill = isShort
    ? `backfill up ${keys(open)
        .map((key) => `+${key}`)
        .join(' ')}`
    : 'backfill up'
  const [one, ...more] = stale
  const redo = more.length > 0 ? 'backfill redo --stale' : (one?.hint ?? undefined)
  const lines = listOf(
    [...Map.groupBy(absent, ({ absences }) => absences[0]!.state)].map(
      ([state, of]) => `Not healthy: ${tableNames(keys(of), keys(tables))}: ${state}; see above.`,
    ),
    misfits.length > 0 &&
      `Not healthy: ${tableNames(keys(misfits), keys(tables))}: not as the file says, so \`up\` does not write to ${misfits.length === 1 ? 'it' : 'them'}; see above.`,
    dirty.length > 0 &&
      `Next: \`backfill up ${keys(dirty).join(' ')}\` recovers the dirty ranges, or says what to do.`,
    open.length > 0 && `Next: \`${fill}\` fills ${missing.join(' and ')} in ${count(open.length, 'table')}.`,
    tables.some(
      ({ state, missingBlocks, holds }) =>
        state === 'waiting' && missingBlocks > 0 && holds.some(({ action }) => action === 'pause'),
    ) && 'Next: `backfill resume` ends the pause; nothing of these tables starts before.',
    edited && `Next: \`backfill diff ${edited.table}\` shows what changed in its SQL.`,
    redo !== undefined && `Next: \`${redo}\` builds the stale ranges again.`,
  )
  if (lines.length > 0) return lines
  if (tables.some(({ lock }) => isWorking(lock))) return ['Missing blocks are being processed now.']
  if (tables.some(({ missingBlocks }) => missingBlocks > 0)) return ['Missing blocks wait; see above.']
  if (tables.every(({ first }) => first === null)) return ['No table has blocks to process.']
  const waits = tables.some(({ sourceGaps, incomplete }) => sourceGaps.length + incomplete.length > 0)
  const age = Math.max(0, ...sourceAges.values())
  const but = waits ? ' but the source gaps and incomplete blocks above' : ''
  if (age <= OLD_SECONDS) return [`Nothing is missing${but}.`]
  return [
    `Nothing that the sources have is missing${but}. Their newest rows are ${duration(age * 1000)} old: if newer ones should be there, look at what fills the sources.`,
  ]
}

/** The missing blocks that `up` would fill now: none of a table that it leaves out, nor what an input will lack then. */
function blocksOfUp(
  report: TableReport,
  tables: readonly TableReport[],
  known: Map<string, BlockSet>,
): BlockSet {
  const { table, state, misfit, missing, after } = report
  const isLeftOut = misfit !== null || ['waiting', 'unknown rows', 'emptied'].includes(state)
  const blocks =
    known.get(table) ??
    tables
      .filter((one) => after.includes(one.table) && one.table !== table)
      .reduce<BlockSet>(
        (open, input) =>
          input.absences.some((one) => one.state.startsWith('emptied'))
            ? subtract(open, rangeOf(input))
            : subtract(open, subtract(input.missing, blocksOfUp(input, tables, known))),
        isLeftOut ? [] : missing,
      )
  known.set(table, blocks)
  return blocks
}

function rangeOf({ first, head }: TableReport): BlockSet {
  return first === null || head === null || head < first ? [] : [{ from: first, to: head }]
}

/** Sources that are older may have stopped. */
const OLD_SECONDS = 3600

const keys = (tables: readonly TableReport[]) => tables.map(({ table }) => table)
