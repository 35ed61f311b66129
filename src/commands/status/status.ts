// Owns the status report: the status of each table, a probe of its missing blocks, and one state per table.
import type { Unit } from '../../model/model.ts'
import { countBlocks, intersect, type Range, watermark } from '../../model/blocks.ts'
import type { LockInfo } from '../../lock/comment.ts'
import { hintOf } from '../../ledger/stale.ts'
import { type StaleReport, staleReports } from '../../planning/stale-reports.ts'
import { blocksIn, emptiedNote, readTableStatuses, type TableStatus } from '../../planning/table-status.ts'
import { type Availability, probeAll } from '../../planning/probe.ts'
import type { Workspace } from '../../runner/workspace.ts'

/** The status of every chosen table. Reads only; `lag` in blocks. @throws BackfillError `server` */
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
 * Limits the time of `status`: after the probe has seen this many rows of missing blocks, the rest counts as missing.
 * Empty blocks cost nothing, so a source gap is always seen completely.
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
  /** Every block that the sources have up to the head is done; source gaps are listed separately. */
  | 'up to date'
  /** Only incomplete blocks are left: they run once the rows arrive. */
  | 'waiting'
  /** Blocks are missing and no run works on them. */
  | 'missing'
  /** A live runner holds the lock. */
  | 'in progress'
  /** A range may be half written. */
  | 'dirty'
  /** Built by other SQL than the file's current SQL. */
  | 'stale'
  /** The target table does not exist. */
  | 'not created'
  /** The sources have no blocks for this table (yet). */
  | 'no source rows'

/** The status of one table. Ranges are sorted and disjoint; null if unknown. */
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
  /** Source gaps and incomplete blocks that a user marked as expected: they count as done. */
  readonly accepted: readonly Range[]
  /** Expected and not done, without source gaps and incomplete blocks; includes dirty ranges. */
  readonly missing: readonly Range[]
  readonly missingBlocks: number
  /** Done blocks of [first, head], without source gaps and incomplete blocks. */
  readonly doneBlocks: number
  /** Blocks of [first, head], without source gaps and incomplete blocks: doneBlocks + missingBlocks. */
  readonly expectedBlocks: number
  readonly sourceGaps: readonly Range[]
  readonly incomplete: readonly Range[]
  readonly dirty: readonly Range[]
  readonly stale: readonly Range[]
  /** The same by version; the version with the most blocks comes first. */
  readonly staleVersions: readonly StaleReport[]
  /** Of the SQL that the file holds now. */
  readonly sqlHash: string
  /** The command that builds stale ranges again. */
  readonly hint: string
  readonly rows: number | null
  readonly lastRun: string | null
  readonly state: TableState
  readonly lock: LockInfo | null
  /** Sentences that explain the state, such as an empty source or a lag larger than the chain. */
  readonly notes: readonly string[]
}

export type StatusReport = { readonly network: string; readonly tables: readonly TableReport[] }
