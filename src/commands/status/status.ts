// Owns the status report: the status of each table, a probe of its missing blocks, and one state per table.
import { countBlocks, intersect, type Range, watermark } from '../../model/blocks.ts'
import type { LockInfo } from '../../lock/comment.ts'
import { hintOf, staleBlocks } from '../../ledger/stale.ts'
import { type StaleReport, staleReports } from '../../planning/stale-reports.ts'
import {
  blocksIn,
  tableWarnings,
  emptyInputsNote,
  readTableStatuses,
  type TableStatus,
} from '../../planning/table-status.ts'
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
      const report = reportOf(tableStatus, {
        database: workspace.ports.target.database,
        probeBlocks: availabilities.get(key)!,
        lock: locks.get(key),
        staleVersions: await staleReports(workspace, tableStatus),
      })
      return { ...report, state: stateOf(report, tableStatus.target !== undefined) }
    }),
  )
  return { network: workspace.network.name, tables }
}

/**
 * Limits the time of `status`: after the probe has seen this many rows of missing blocks, the rest counts as missing.
 * Empty blocks cost nothing, so a source gap is always seen completely.
 */
const STATUS_ROWS = 200_000_000

type Seen = {
  readonly database: string
  readonly probeBlocks: Availability
  readonly lock: LockInfo | undefined
  readonly staleVersions: readonly StaleReport[]
}

/** Ranges are sorted and disjoint; null is unknown. */
function reportOf(tableStatus: TableStatus, { database, probeBlocks, lock, staleVersions }: Seen) {
  const { table, bounds, target, view, covered, dirty } = tableStatus
  const expected: readonly Range[] = bounds.expected === undefined ? [] : [bounds.expected]
  const { runnable: missing, sourceGaps, incomplete } = probeBlocks
  const done = intersect(covered, expected)
  const first = bounds.expected?.from ?? null
  return {
    table: table.key,
    target: `${database}.${table.target}`,
    /** What `first`, `head` and all ranges count. */
    unit: table.unit,
    first,
    head: bounds.expected?.to ?? null,
    watermark: (first === null ? undefined : watermark(covered, first)) ?? null,
    /** Done or accepted. */
    covered,
    /** Source gaps and incomplete blocks that a user marked as expected: they count as done. */
    accepted: blocksIn(view, 'accepted'),
    /** Expected and not done, without source gaps and incomplete blocks; includes dirty ranges. */
    missing,
    missingBlocks: countBlocks(missing),
    /** Of [first, head], without source gaps and incomplete blocks. */
    doneBlocks: countBlocks(done),
    expectedBlocks: countBlocks(done) + countBlocks(missing),
    sourceGaps,
    incomplete,
    dirty,
    stale: staleBlocks(tableStatus.stale),
    /** The same by version and reasons; the one with the most blocks comes first. */
    staleVersions,
    /** Of the SQL that the file holds now. */
    sqlHash: table.sqlHash,
    /** The command that builds stale ranges again. */
    hint: hintOf(table),
    rows: target?.rows ?? null,
    lastRun: view?.lastRun ?? null,
    lock: lock === undefined || lock.released ? null : lock,
    /** Sentences that explain the state, such as an empty source or a lag larger than the chain. */
    notes: [bounds.note, ...tableWarnings(tableStatus), emptyInputsNote(tableStatus)].filter(
      (note) => note !== undefined,
    ),
  }
}

function stateOf(report: ReturnType<typeof reportOf>, exists: boolean): TableState {
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
  /** Done ranges would be computed differently now. */
  | 'stale'
  /** The target table does not exist. */
  | 'not created'
  /** The sources have no blocks for this table (yet). */
  | 'no source rows'

export type TableReport = ReturnType<typeof reportOf> & { readonly state: TableState }

export type StatusReport = { readonly network: string; readonly tables: readonly TableReport[] }
