// Owns the report of where tables stand: standings and a survey of what is missing, judged in one word per table.
import { countBlocks, intersect, type Range, watermark } from '../../model/blocks.ts'
import type { LockInfo } from '../../lock/comment.ts'
import { cureOf } from '../../ledger/stale.ts'
import { type StaleReport, staleReports } from '../../planning/stale-reports.ts'
import { blocksIn, emptiedNote, readStandings, type Standing } from '../../planning/table-status.ts'
import { type Survey, surveyAll } from '../../planning/survey.ts'
import type { World } from '../../runner/world.ts'

/** Where every chosen table stands. Reads only; `lag` in blocks. @throws BackfillError `server` */
export async function status(world: World, { lag }: { readonly lag: number }): Promise<StatusReport> {
  const [standings, locks] = await Promise.all([
    readStandings(world, { lag, forcedHead: undefined }),
    world.ports.locks.holders(),
  ])
  const surveys = await surveyAll(world, standings, STATUS_ROWS)
  const tables = await Promise.all(
    world.chosen.map(async ({ key }) => {
      const standing = standings.get(key)!
      const stale = await staleReports(world, standing)
      return reportOf(standing, { survey: surveys.get(key)!, lock: locks.get(key), stale })
    }),
  )
  return {
    network: world.network.name,
    tables: tables.map((report) => ({
      ...report,
      target: `${world.ports.target.database}.${report.target}`,
    })),
  }
}

/**
 * A status is wanted now: once so many rows of missing blocks have been looked at, the table has hardly begun, and the
 * rest counts as missing. Empty blocks cost nothing, so that a hole is seen whole however long it is.
 */
const STATUS_ROWS = 200_000_000

type Seen = {
  readonly survey: Survey
  readonly lock: LockInfo | undefined
  readonly stale: readonly StaleReport[]
}

function reportOf(standing: Standing, { survey, lock, stale: staleVersions }: Seen): TableReport {
  const { table, bounds, target, view, covered, dirty } = standing
  const owed: readonly Range[] = bounds.owed === undefined ? [] : [bounds.owed]
  const { runnable: missing, holes, held } = survey
  const done = intersect(covered, owed)
  const stale = (view?.islands ?? []).filter(
    ({ state, sqlHash }) => state === 'done' && sqlHash !== table.sqlHash,
  )
  const first = bounds.owed?.from ?? null
  const report = {
    table: table.key,
    target: table.target,
    first,
    head: bounds.owed?.to ?? null,
    watermark: (first === null ? undefined : watermark(covered, first)) ?? null,
    covered,
    accepted: blocksIn(view, 'accepted'),
    missing,
    missingBlocks: countBlocks(missing),
    doneBlocks: countBlocks(done),
    owedBlocks: countBlocks(done) + countBlocks(missing),
    holes,
    held,
    dirty,
    stale: stale.map(({ from, to, sqlHash }) => ({ from, to, sqlHash })),
    staleVersions,
    sqlHash: table.sqlHash,
    cure: cureOf(table),
    rows: target?.rows ?? null,
    lastRun: view?.lastRun ?? null,
    lock: lock === undefined || lock.released ? null : lock,
    notes: [bounds.note, emptiedNote(standing)].filter((note) => note !== undefined),
  }
  return { ...report, state: stateOf(report, target !== undefined) }
}

function stateOf(report: Omit<TableReport, 'state'>, exists: boolean): TableState {
  if (!exists) return 'not created'
  if (report.lock !== null) return 'running'
  if (report.dirty.length > 0) return 'dirty'
  if (report.first === null) return 'no blocks'
  if (report.missingBlocks > 0) return 'behind'
  if (report.stale.length > 0) return 'stale'
  return report.holes.length > 0 || report.held.length > 0 ? 'blocked' : 'up to date'
}

type TableState =
  /** Every block up to the head is done. */
  | 'up to date'
  /** Nothing is left but holes or held blocks. */
  | 'blocked'
  /** Blocks are missing and nobody works on them. */
  | 'behind'
  /** Blocks are missing and a live runner holds the lock. */
  | 'running'
  /** A range may be half written. */
  | 'dirty'
  /** Built by other SQL than the file now holds. */
  | 'stale'
  /** The target table does not exist. */
  | 'not created'
  /** The sources have no blocks for this table (yet). */
  | 'no blocks'

type StaleRange = Range & { readonly sqlHash: string }

/** Where one table stands. Ranges are sorted and disjoint; null where unknown. */
export type TableReport = {
  readonly table: string
  readonly target: string
  readonly first: number | null
  readonly head: number | null
  readonly watermark: number | null
  /** Done or accepted. */
  readonly covered: readonly Range[]
  /** Holes and held blocks that somebody declared to be as they should be: they count as done. */
  readonly accepted: readonly Range[]
  /** Owed and not done, without holes and held blocks; dirty ranges are among them. */
  readonly missing: readonly Range[]
  readonly missingBlocks: number
  /** Done blocks of [first, head], holes and held blocks left out. */
  readonly doneBlocks: number
  /** Blocks of [first, head], holes and held blocks left out: doneBlocks + missingBlocks. */
  readonly owedBlocks: number
  readonly holes: readonly Range[]
  readonly held: readonly Range[]
  readonly dirty: readonly Range[]
  readonly stale: readonly StaleRange[]
  /** The same by version, what has the most blocks first. */
  readonly staleVersions: readonly StaleReport[]
  /** Of the SQL that the file holds now. */
  readonly sqlHash: string
  /** The command that builds stale ranges again. */
  readonly cure: string
  readonly rows: number | null
  readonly lastRun: string | null
  readonly state: TableState
  readonly lock: LockInfo | null
  /** Sentences that explain the state: an empty source, nothing left below the lag. */
  readonly notes: readonly string[]
}

export type StatusReport = { readonly network: string; readonly tables: readonly TableReport[] }
