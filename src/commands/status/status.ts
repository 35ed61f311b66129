// Owns the report of where tables stand: standings and a probe of what is missing, judged in one word per table.
import type { Unit } from '../../model/model.ts'
import { countBlocks, intersect, type Range, watermark } from '../../model/blocks.ts'
import type { LockInfo } from '../../lock/comment.ts'
import { hintOf } from '../../ledger/stale.ts'
import { type StaleReport, staleReports } from '../../planning/stale-reports.ts'
import { blocksIn, emptiedNote, readTableStatuses, type TableStatus } from '../../planning/table-status.ts'
import { type Availability, probeAll } from '../../planning/probe.ts'
import type { Workspace } from '../../runner/workspace.ts'

/** Where every chosen table stands. Reads only; `lag` in blocks. @throws BackfillError `server` */
export async function status(workspace: Workspace, { lag }: { readonly lag: number }): Promise<StatusReport> {
  const [tableStatuses, locks] = await Promise.all([
    readTableStatuses(workspace, { lag, forcedHead: undefined }),
    workspace.ports.locks.holders(),
  ])
  const availabilities = await probeAll(workspace, tableStatuses, STATUS_ROWS)
  const tables = await Promise.all(
    workspace.chosen.map(async ({ key }) => {
      const tableStatus = tableStatuses.get(key)!
      const stale = await staleReports(workspace, tableStatus)
      return reportOf(tableStatus, { probeBlocks: availabilities.get(key)!, lock: locks.get(key), stale })
    }),
  )
  return {
    network: workspace.network.name,
    tables: tables.map((report) => ({
      ...report,
      target: `${workspace.ports.target.database}.${report.target}`,
    })),
  }
}

/**
 * A status is wanted now: once so many rows of missing blocks have been looked at, the table has hardly begun, and the
 * rest counts as missing. Empty blocks cost nothing, so that a source gap is seen whole however long it is.
 */
const STATUS_ROWS = 200_000_000

type Seen = {
  readonly probeBlocks: Availability
  readonly lock: LockInfo | undefined
  readonly stale: readonly StaleReport[]
}

function reportOf(tableStatus: TableStatus, { probeBlocks, lock, stale: staleVersions }: Seen): TableReport {
  const { table, bounds, target, view, covered, dirty } = tableStatus
  const expected: readonly Range[] = bounds.expected === undefined ? [] : [bounds.expected]
  const { runnable: missing, sourceGaps, incomplete } = probeBlocks
  const done = intersect(covered, expected)
  const stale = (view?.islands ?? []).filter(
    ({ state, sqlHash }) => state === 'done' && sqlHash !== table.sqlHash,
  )
  const first = bounds.expected?.from ?? null
  const report = {
    table: table.key,
    target: table.target,
    unit: table.unit,
    first,
    head: bounds.expected?.to ?? null,
    watermark: (first === null ? undefined : watermark(covered, first)) ?? null,
    covered,
    accepted: blocksIn(view, 'accepted'),
    missing,
    missingBlocks: countBlocks(missing),
    doneBlocks: countBlocks(done),
    expectedBlocks: countBlocks(done) + countBlocks(missing),
    sourceGaps,
    incomplete,
    dirty,
    stale: stale.map(({ from, to }) => ({ from, to })),
    staleVersions,
    sqlHash: table.sqlHash,
    hint: hintOf(table),
    rows: target?.rows ?? null,
    lastRun: view?.lastRun ?? null,
    lock: lock === undefined || lock.released ? null : lock,
    notes: [bounds.note, emptiedNote(tableStatus)].filter((note) => note !== undefined),
  }
  return { ...report, state: stateOf(report, target !== undefined) }
}

function stateOf(report: Omit<TableReport, 'state'>, exists: boolean): TableState {
  if (!exists) return 'not created'
  if (report.lock !== null) return 'in progress'
  if (report.dirty.length > 0) return 'dirty'
  if (report.first === null) return 'no source rows'
  if (report.missingBlocks > 0) return 'missing'
  if (report.stale.length > 0) return 'stale'
  return report.incomplete.length > 0 ? 'waiting' : 'up to date'
}

type TableState =
  /** Every block up to the head that the sources have is done; source gaps are named beside it. */
  | 'up to date'
  /** All that is left are incomplete blocks: they run once the sources agree. */
  | 'waiting'
  /** Blocks are missing and nobody works on them. */
  | 'missing'
  /** A live runner holds the lock. */
  | 'in progress'
  /** A range may be half written. */
  | 'dirty'
  /** Built by other SQL than the file now holds. */
  | 'stale'
  /** The target table does not exist. */
  | 'not created'
  /** The sources have no blocks for this table (yet). */
  | 'no source rows'

/** Where one table stands. Ranges are sorted and disjoint; null where unknown. */
export type TableReport = {
  readonly table: string
  readonly target: string
  /** What `first`, `head` and all ranges count. */
  readonly unit: Unit
  readonly first: number | null
  readonly head: number | null
  readonly watermark: number | null
  /** Done or accepted. */
  readonly covered: readonly Range[]
  /** Source gaps and incomplete blocks that somebody declared to be as they should be: they count as done. */
  readonly accepted: readonly Range[]
  /** Owed and not done, without source gaps and incomplete blocks; dirty ranges are among them. */
  readonly missing: readonly Range[]
  readonly missingBlocks: number
  /** Done blocks of [first, head], source gaps and incomplete blocks left out. */
  readonly doneBlocks: number
  /** Blocks of [first, head], source gaps and incomplete blocks left out: doneBlocks + missingBlocks. */
  readonly expectedBlocks: number
  readonly sourceGaps: readonly Range[]
  readonly incomplete: readonly Range[]
  readonly dirty: readonly Range[]
  readonly stale: readonly Range[]
  /** The same by version, what has the most blocks first. */
  readonly staleVersions: readonly StaleReport[]
  /** Of the SQL that the file holds now. */
  readonly sqlHash: string
  /** The command that builds stale ranges again. */
  readonly hint: string
  readonly rows: number | null
  readonly lastRun: string | null
  readonly state: TableState
  readonly lock: LockInfo | null
  /** Sentences that explain the state: an empty source, nothing left below the lag. */
  readonly notes: readonly string[]
}

export type StatusReport = { readonly network: string; readonly tables: readonly TableReport[] }
