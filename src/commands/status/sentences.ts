// Owns the sentences of `status`: what is wrong, and what to type next. Pure.
import { countBlocks, formatBlockSet, type Range } from '../../model/blocks.ts'
import { holdText } from '../../ledger/steering.ts'
import { tableNames, tablesText } from '../../terminal/render/about-tables.ts'
import { count, duration, formatRanges, minute } from '../../terminal/render/format.ts'
import { staleText } from '../../terminal/render/stale.ts'
import type { StatusReport, TableReport } from './status.ts'

/** Problems, the worst first. */
export function sentences({ tables, newest }: StatusReport): readonly string[] {
  return tablesText(
    [...ODDITIES, behind(newest)].flatMap((oddity) =>
      tables.map((table) => ({ table: table.table, texts: oddity(table) })),
    ),
  )
}

type Oddity = (table: TableReport) => readonly string[]

const ODDITIES: readonly Oddity[] = [
  ({ dirty }) =>
    some(dirty, (text) => `dirty: an attempt at ${text} did not finish; rows may be partly written.`),
  ({ staleVersions, sqlHash }) =>
    staleVersions.map((version) => `stale ${formatRanges(version.blocks)}: ${staleText(version, sqlHash)}.`),
  ({ holds }) =>
    holds.map((hold) => `${holdText(hold)}: \`${`backfill resume ${hold.table}`.trim()}\` ends it.`),
  ({ lock, inProgress, table }) =>
    lock === null
      ? []
      : [
          `in progress${inProgress.length === 0 ? '' : ` ${formatRanges(inProgress)}`}: held by ${lock.host} (pid ${lock.pid}), last heartbeat ${minute(lock.heartbeat)} UTC. If that process hangs: \`backfill unlock ${table}\`.`,
        ],
  ({ incomplete }) =>
    some(
      incomplete,
      (text) => `incomplete: some sources have no rows for ${text} yet; runs once they arrive.`,
    ),
  ({ sourceGaps }) =>
    some(sourceGaps, (text) => `source gap: no source has rows for ${text}; runs if they arrive.`),
  ({ kept }) =>
    kept === null || kept.blocks.length === 0
      ? []
      : [
          `source gaps and incomplete blocks are as a run found them ${duration(kept.ageMs)} ago; the source rows around them are the same.`,
        ],
  ({ unprobed }) =>
    some(
      unprobed,
      (text) => `not looked at: ${text}; source gaps and incomplete blocks among them count as missing.`,
    ),
  ({ accepted }) => some(accepted, (text) => `accepted: ${text} counted as done without rows.`),
  ({ arrived }) =>
    some(
      arrived,
      (text) =>
        `rows have arrived in ${text}, accepted before: \`backfill accept --revoke --from ${arrived[0]!.from} --to ${arrived.at(-1)!.to}\`, then \`backfill up\`.`,
    ),
  ({ notes }) => notes,
]

/** Tables whose sources end below the newest block of the others. */
function behind(newest: number | null): Oddity {
  return (table) =>
    newest === null || table.newest === null || table.newest >= newest
      ? []
      : [
          `its sources end at block ${table.newest}, ${count(newest - table.newest, 'block')} below the newest.`,
        ]
}

function some(ranges: readonly Range[], sentence: (text: string) => string): readonly string[] {
  return ranges.length === 0
    ? []
    : [sentence(`block${countBlocks(ranges) === 1 ? '' : 's'} ${formatBlockSet(ranges)}`)]
}

/** What to type next, or that there is nothing. */
export function next(tables: readonly TableReport[]): readonly string[] {
  const absent = tables.filter(({ absences }) => absences.length > 0)
  const dirty = tables.filter((table) => table.dirty.length > 0 && !absent.includes(table))
  const open = tables.filter(
    ({ missingBlocks, state }) =>
      missingBlocks > 0 && !['in progress', 'waiting', 'dirty', 'unknown rows'].includes(state),
  )
  const stale = tables.filter((table) => table.stale.length > 0)
  const blocks = open.reduce((sum, { missingBlocks }) => sum + missingBlocks, 0)
  const lines = [
    ...[...Map.groupBy(absent, ({ absences }) => absences[0]!.state)].map(
      ([state, of]) => `Not healthy: ${tableNames(keys(of), keys(tables))}: ${state}; see above.`,
    ),
    ...(dirty.length > 0
      ? [`Next: \`backfill up ${keys(dirty).join(' ')}\` recovers the dirty ranges, or says what to do.`]
      : []),
    ...(open.length > 0
      ? [`Next: \`backfill up\` fills ${count(blocks, 'missing block')} in ${count(open.length, 'table')}.`]
      : []),
    ...(tables.some(({ state, missingBlocks }) => state === 'waiting' && missingBlocks > 0)
      ? ['Next: `backfill resume` ends the pause; nothing of these tables starts before.']
      : []),
    ...(stale.length > 0
      ? [
          ...stale
            .filter(isSql)
            .slice(0, 1)
            .map(({ table }) => `Next: \`backfill diff ${table}\` shows what changed in its SQL.`),
          `Next: \`${stale.length > 1 ? 'backfill redo --stale' : stale[0]!.hint}\` builds the stale ranges again.`,
        ]
      : []),
  ]
  if (lines.length > 0) return lines
  if (tables.some(({ lock }) => lock !== null)) return ['Missing blocks are being processed now.']
  if (tables.every(({ first }) => first === null)) return ['No table has blocks to process.']
  const waits = tables.some(({ sourceGaps, incomplete }) => sourceGaps.length + incomplete.length > 0)
  return [
    waits ? 'Nothing is missing but the source gaps and incomplete blocks above.' : 'Nothing is missing.',
  ]
}

const keys = (tables: readonly TableReport[]) => tables.map(({ table }) => table)

const isSql = ({ staleVersions }: TableReport) => staleVersions.some(({ reasons }) => reasons.includes('sql'))
