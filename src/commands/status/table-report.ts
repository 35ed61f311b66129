// Owns the shape of the status report, which the library, `status --json` and all that shows a status read.
import type { Range } from '../../model/blocks.ts'
import type { Unit } from '../../model/model.ts'
import type { Standstill } from '../../model/standstill.ts'
import type { SeenLock } from '../../lock/watch.ts'
import type { Failure } from '../../ledger/reader.ts'
import type { Hold } from '../../ledger/steering.ts'
import type { Absence } from '../../planning/absence.ts'
import type { Availability } from '../../planning/probe.ts'
import type { StaleReport } from '../../planning/stale-ranges.ts'
import type { TableState } from './state.ts'

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
  /** Why `up` leaves the table out: it, or one that it reads with FINAL, is not as its file says. */
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
