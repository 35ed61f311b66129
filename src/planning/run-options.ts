// Owns what a run is told: range, sizes, limits, endurance.
import type { Order } from './chunks.ts'

export type UpOptions = {
  /** Only blocks from here on. */
  readonly from: number | undefined
  /** Only blocks up to here; above the head it overrides the head and is recorded as forced. */
  readonly to: number | undefined
  /** Blocks per chunk; undefined: as many as have `chunkRows` rows, unless the transform's header says otherwise. */
  readonly chunk: number | undefined
  /** Expected rows per chunk; undefined: the default (sizing.ts), less where the past says so. */
  readonly chunkRows: number | undefined
  readonly order: Order
  /** Statements in flight over all tables, >= 1; undefined: as many as suit the server. */
  readonly jobs: number | undefined
  /** Statements in flight for one table, >= 1; undefined: as many as over all tables. */
  readonly tableJobs: number | undefined
  /** Distance kept from the newest block, in blocks. */
  readonly lag: number
  /** How long a server that does not answer is waited for before the run ends, in ms. */
  readonly giveUpMs: number
  /** After the first signal: how long running statements may take to end by themselves before they are killed, in ms. */
  readonly graceMs: number
  /** Nothing new starts after so long, in ms; undefined: no limit. */
  readonly maxRuntimeMs: number | undefined
  /** How long a lock that a living runner holds is waited for, in ms. */
  readonly lockWaitMs: number
  /** A table whose lock is held is left out without a failure. */
  readonly lockSkip: boolean
}
