// Owns the options and the report of a rebuild. Types only.
import type { RunSummary } from '../../runner/events.ts'
import type { UpOptions } from '../../planning/run-options.ts'
import type { SourcesCheck } from '../verify/sources.ts'
import type { VerifyReport } from '../verify/report.ts'

export type RebuildOptions = {
  /** Options of the run that fills the new table. */
  readonly up: UpOptions
  /** Number of chunks of the new table that are verified before it replaces the old one. */
  readonly sample: number
  readonly seed: number
  /** Drop the old table at the end. If an earlier rebuild kept an old table, drop that one and do nothing else. */
  readonly dropOld: boolean
}

export type RebuildReport = {
  readonly table: string
  readonly target: string
  /**
   * `swapped`: the new table is in place. `finished`: it was already in place, because an earlier call was killed after
   * the exchange. `dropped`: only the old table of an earlier rebuild was dropped. `incomplete`: some blocks could not
   * be built. `different`: the new table differs from a new computation. In the last two the old table is unchanged.
   */
  readonly outcome: 'swapped' | 'finished' | 'dropped' | 'incomplete' | 'different'
  /** Summary of the run that filled the new table; undefined if there was none. */
  readonly summary: RunSummary | undefined
  readonly verification: VerifyReport | undefined
  /** Name of the old table, if it is kept. */
  readonly kept: string | undefined
  readonly dropped: readonly string[]
  /** Tables that read this one: their ranges computed from the old table. */
  readonly dependants: readonly SourcesCheck[]
}
