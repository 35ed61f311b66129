// Owns the shape of the status report, which the library, `status --json` and all that shows a status read; and the state of a table in it.
import { type Range, countBlocks } from '../../model/blocks.ts'
import type { Unit } from '../../model/model.ts'
import type { Standstill } from '../../model/standstill.ts'
import { type SeenLock, isWorking } from '../../lock/watch.ts'
import type { Failure } from '../../ledger/reader.ts'
import { type Hold, holdText, isOfRun, isStop } from '../../ledger/steering.ts'
import type { Absence, AbsenceState } from '../../planning/absence.ts'
import type { Availability } from '../../planning/probe.ts'
import type { StaleReport } from '../../planning/stale-ranges.ts'
import type { TableStatus } from '../../planning/table-status.ts'

/** Ranges are sorted and disjoint; null is unknown. */
export type TableReport = {
  readonly table: string
  readonly target: string
  readonly targetUuid: string | null
  readonly after: readonly string[]
  readonly unit: Unit
  readonly first: number | null
  readonly head: number | null
  /** The newest block that all of its sources have. */
  readonly newest: number | null
  readonly watermark: number | null
  readonly covered: readonly Range[]
  readonly accepted: readonly Range[]
  readonly arrived: readonly Range[]
  /** Expected and not done, without source gaps and incomplete blocks; includes dirty ranges. */
  readonly missing: readonly Range[]
  readonly missingBlocks: number
  readonly doneBlocks: number
  readonly expectedBlocks: number
  readonly sourceGaps: readonly Range[]
  readonly incomplete: Availability['incomplete']
  /** Missing blocks whose sources were not looked at, because those before have many rows. */
  readonly unprobed: readonly Range[]
  /** Source gaps and incomplete blocks that a run found earlier, and whose source rows are still the same. */
  readonly kept: NonNullable<Availability['kept']> | null
  /** Attempts that have not ended: of the run that holds the lock, else of a dead one. */
  readonly inProgress: readonly Range[]
  readonly dirty: readonly Range[]
  /** The last error of an attempt at the dirty blocks; null: it was killed, or lost its server. */
  readonly lastFailure: Failure | null
  /** Time for the missing blocks that were looked at, one chunk after the other, as long as the last chunks took; null: not known. */
  readonly expectedMs: number | null
  readonly stale: readonly Range[]
  readonly staleVersions: readonly StaleReport[]
  readonly sqlHash: string
  /** The command that builds what is stale again; null where nothing is. */
  readonly hint: string | null
  /** In active parts; null: not known. */
  readonly rows: number | null
  readonly mayMerge: boolean
  readonly lastRun: string | null
  readonly eventsSinceCheckpoint: number
  readonly lock: SeenLock | null
  readonly holds: readonly Hold[]
  /** Up to where the sources are taken as complete; null without rows. */
  readonly sourceHead: number | null
  readonly limit: number | null
  readonly standstill: Standstill | null
  readonly absences: readonly Absence[]
  /** Why `up` does not write to the table: it, one that it reads with FINAL, or a local table of a cluster is not as its file says; or its newest blocks came from another source database. */
  readonly misfit: string | null
  /** Sentences that explain the state, such as an empty source or a lag larger than the chain. */
  readonly notes: readonly string[]
  readonly state: TableState
}

export type StatusReport = {
  readonly network: string
  /** Of the table whose sources reach furthest; null if no source has rows. */
  readonly head: number | null
  readonly newest: number | null
  /** Age of the newest rows of each source that shows the end of the chain, in seconds. */
  readonly sourceAges: ReadonlyMap<string, number>
  readonly lag: number
  readonly otherNetworks: readonly string[] | undefined
  /** The networks that a command takes; no part of the JSON. */
  readonly namedNetworks: readonly string[]
  readonly tables: readonly TableReport[]
}

/** Why nothing more of a table is done now; null if a run would do more. */
export function standstillOf(
  { lock, holds, missing, incomplete }: Pick<TableReport, 'lock' | 'holds' | 'missing' | 'incomplete'>,
  { inputs: { newest } }: TableStatus['bounds'],
): Standstill | null {
  // What a run says of itself is nearer than a pause, and both than its lock, which it keeps meanwhile.
  const stop = holds.find(isOfRun) ?? holds.find(isStop)
  if (stop !== undefined && missing.length > 0)
    return { reason: isOfRun(stop) ? stop.action : 'paused', found: holdText(stop) }
  if (lock !== null && isWorking(lock)) return { reason: 'lock', host: lock.host, pid: lock.pid }
  if (missing.length > 0) return null
  const [first] = incomplete
  if (first !== undefined) return { reason: 'incomplete', block: first.from, blocks: countBlocks(incomplete) }
  return newest === undefined ? null : { reason: 'source', block: newest }
}

export function stateOf(report: Omit<TableReport, 'state'>, exists: boolean): TableState {
  if (!exists) return 'not created'
  if (report.missingBlocks > 0 && report.holds.some(isStop)) return 'waiting'
  if (isWorking(report.lock)) return 'in progress'
  if (report.dirty.length > 0) return 'dirty'
  const [absence] = report.absences
  if (absence !== undefined) return absence.state
  // The notes say why: the lag or its limits leave no block.
  if (report.first === null) return 'waiting'
  if (report.missingBlocks > 0) return 'missing'
  if (report.stale.length > 0) return 'stale'
  return report.incomplete.length > 0 ? 'waiting' : 'up to date'
}

export type TableState =
  /** Every block that the sources have up to the head is done; source gaps are listed separately. */
  | 'up to date'
  /** Paused, or a run of it is held back, or only incomplete blocks are left, or no block is expected yet: the notes say why. */
  | 'waiting'
  /** Blocks are missing and no run works on them. */
  | 'missing'
  /** A runner holds the lock, and gives signs. */
  | 'in progress'
  /** A range may be half written. */
  | 'dirty'
  /** Done ranges would be computed differently now. */
  | 'stale'
  /** The target table does not exist. */
  | 'not created'
  | AbsenceState
