// Owns what a rebuild tells people.
import type { RunSummary } from '../../runner/events.ts'
import type { UpOptions } from '../../planning/run-options.ts'
import type { SourcesCheck } from '../verify/sources.ts'
import type { VerifyReport } from '../verify/report.ts'

export type RebuildOptions = {
  /** How the new table is filled. */
  readonly up: UpOptions
  /** Chunks of the new table that are computed again before it replaces the old one. */
  readonly sample: number
  readonly seed: number
  /** The old table is dropped at the end; an old one of an earlier rebuild is dropped, and nothing else is done. */
  readonly dropOld: boolean
}

export type RebuildReport = {
  readonly table: string
  readonly target: string
  /**
   * `swapped`: the new table is there. `finished`: it was there already, an earlier call was ended before it could say
   * so. `dropped`: only the old table of an earlier rebuild was dropped. `incomplete`: not all could be built.
   * `different`: what was built is not what is computed now. In the last two the old table is as it was.
   */
  readonly outcome: 'swapped' | 'finished' | 'dropped' | 'incomplete' | 'different'
  /** Of the filling; undefined where there was nothing to fill. */
  readonly summary: RunSummary | undefined
  readonly verification: VerifyReport | undefined
  /** Name of the old table, where it is kept; tables that were dropped. */
  readonly kept: string | undefined
  readonly dropped: readonly string[]
  /** Tables that read this one: what of them was computed from the old one. */
  readonly dependants: readonly SourcesCheck[]
}
