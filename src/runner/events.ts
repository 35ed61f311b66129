// Owns what the runner tells people: events while it runs, a summary at its end, a report of where tables stand.
import type { BackfillError } from '../model/errors.ts'
import type { Range } from '../model/model.ts'
import type { LockInfo } from '../lock/lock-port.ts'
import type { Order } from '../planning/chunks.ts'
import type { StaleVersion } from '../ledger/stale-versions.ts'
import type { BuiltAt } from '../ledger/versions-port.ts'

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

/** Told in the order in which things happen; `table` is a table key. */
export type RunEvent =
  | { readonly type: 'created'; readonly table: string; readonly target: string }
  | { readonly type: 'note'; readonly table: string | undefined; readonly text: string }
  | { readonly type: 'warning'; readonly table: string | undefined; readonly text: string }
  | {
      readonly type: 'table'
      readonly table: string
      readonly missingBlocks: number
      readonly doneBlocks: number
    }
  | {
      readonly type: 'chunk-started'
      readonly table: string
      readonly range: Range
      readonly queryId: string
    }
  | {
      readonly type: 'chunk-done'
      readonly table: string
      readonly range: Range
      readonly rowsWritten: number
      readonly rowsRead: number
      readonly elapsedMs: number
    }
  | {
      readonly type: 'chunk-failed'
      readonly table: string
      readonly range: Range
      readonly error: BackfillError
    }
  | { readonly type: 'table-failed'; readonly table: string; readonly error: BackfillError }
  /** Tables that leave out the same blocks share one event. */
  | {
      readonly type: 'skipped'
      readonly tables: readonly string[]
      readonly holes: readonly Range[]
      readonly held: readonly Range[]
    }
  | {
      readonly type: 'waiting'
      readonly table: string
      readonly blocks: number
      readonly on: readonly string[]
    }

export type RunSummary = {
  readonly runId: string
  readonly chunks: number
  readonly blocks: number
  readonly rowsWritten: number
  readonly elapsedMs: number
  /** Table keys that stopped, with why; empty means that all went well. */
  readonly failed: readonly { readonly table: string; readonly error: BackfillError }[]
  /** A signal ended the run before everything was done. */
  readonly interrupted: boolean
  /** The time of `--max-runtime` was up before everything was done. */
  readonly outOfTime: boolean
}

export type TableState =
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

/** Stale ranges by what built them. */
export type StaleReport = StaleVersion & {
  /** When they were built, by the server's clock; null where no event says so. */
  readonly built: BuiltAt | null
}

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

/** One chunk that `up` would run now, with the reason. */
export type PlannedChunk = Range & {
  readonly table: string
  readonly reason: string
  /** Rows that the probe found in the sources. */
  readonly expectedRows: number
  /** By what earlier chunks took; null where there are none. */
  readonly expectedMs: number | null
}

export type PlanReport = {
  readonly network: string
  readonly jobs: number
  readonly tables: readonly {
    readonly table: string
    readonly missingBlocks: number
    readonly expectedRows: number
    /** Of all chunks one after the other; null where no chunk of the table has run yet. */
    readonly expectedMs: number | null
    readonly chunks: readonly PlannedChunk[]
    readonly holes: readonly Range[]
    readonly held: readonly Range[]
    /** Ranges that stop the table until they are recovered. */
    readonly dirty: readonly Range[]
    readonly create: boolean
    readonly notes: readonly string[]
  }[]
}
