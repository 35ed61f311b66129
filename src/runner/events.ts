// Owns the types of a run's reports: events while it runs, a summary at its end.
import type { BackfillError } from '../model/errors.ts'
import type { WriteReport } from '../clickhouse/write.ts'
import type { Range } from '../model/blocks.ts'
import type { Unit } from '../model/model.ts'
import type { Hold } from '../ledger/steering.ts'
import type { Standstill } from '../model/standstill.ts'
import type { StaleSummary } from '../planning/stale-ranges.ts'

/** Reported in the order in which things happen; `table` is a table key. */
export type RunEvent =
  /** The first. `target` and `source`: databases with their servers; `servers`: the versions of these. */
  | {
      readonly type: 'run'
      readonly runId: string
      readonly network: string
      readonly target: string
      readonly source: string
      readonly servers: string
      readonly toolVersion: string
    }
  | { readonly type: 'created'; readonly table: string; readonly target: string }
  /** `isEmpty`: the table has no blocks here, for the reason of `text`. */
  | (AboutEvent & { readonly type: 'note'; readonly isEmpty?: true })
  | (AboutEvent & { readonly type: 'warning' })
  | {
      readonly type: 'table'
      readonly table: string
      readonly missingBlocks: number
      readonly doneBlocks: number
    }
  | (ChunkEvent & { readonly type: 'chunk-started'; readonly queryId: string })
  | (ChunkEvent & Measured & { readonly type: 'chunk-done' })
  | (ChunkEvent & { readonly type: 'chunk-failed'; readonly error: BackfillError })
  /** What the table does in this run, as far as is known: `blocks`, of its unit, in all, and `chunks` that have not started. */
  | {
      readonly type: 'expected'
      readonly table: string
      readonly blocks: number
      readonly unit: Unit
      readonly chunks: number
    }
  /** Why the table, or the whole run, stands still; undefined: it goes on. */
  | {
      readonly type: 'standstill'
      readonly table: string | undefined
      readonly standstill: Standstill | undefined
    }
  | { readonly type: 'table-failed'; readonly table: string; readonly error: BackfillError }
  /** Somebody's hold, or the load, keeps chunks from starting, of the table or (undefined) of all; said again each minute. */
  | (ThrottleEvent & { readonly type: 'throttled' })
  | (ThrottleEvent & { readonly type: 'released' })
  /** Tables that leave out the same blocks share one event. */
  | {
      readonly type: 'skipped'
      readonly tables: readonly string[]
      readonly sourceGaps: readonly Range[]
      readonly incomplete: readonly Range[]
    }
  | {
      readonly type: 'waiting'
      readonly table: string
      readonly blocks: number
      readonly unit: Unit
      readonly on: readonly string[]
      readonly standstill: Standstill | undefined
      /** The command that builds these as well, if the run was not asked for them. */
      readonly hint: string | undefined
    }

type AboutEvent = { readonly table: string | undefined; readonly text: string }

/** `hold` undefined: the load. */
type ThrottleEvent = AboutEvent & { readonly hold: Hold | undefined }

type ChunkEvent = { readonly table: string; readonly range: Range }

type Measured = Pick<WriteReport, 'rowsWritten' | 'rowsRead' | 'elapsedMs'>

export type RunSummary = {
  readonly runId: string
  readonly chunks: number
  /** Of the tables that count blocks. */
  readonly blocks: number
  /** Of the tables that count seconds. */
  readonly seconds: number
  readonly rowsWritten: number
  readonly elapsedMs: number
  /** Tables whose done ranges would be computed differently now; the run left these as they are. */
  readonly stale: readonly StaleSummary[]
  /** Tables that stopped, with their errors; empty if none failed. */
  readonly failed: readonly { readonly table: string; readonly error: BackfillError }[]
  /** A signal ended the run before everything was done. */
  readonly interrupted: boolean
  /** The time of `--max-runtime` ended before everything was done. */
  readonly outOfTime: boolean
}
