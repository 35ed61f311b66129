// Owns the types of the ledger's history: runs and attempts as `log` shows them.
import type { EventName } from '../../clickhouse/schema.ts'
import type { Range } from '../../model/blocks.ts'

/** The author of events: user, host and version. */
type Author = {
  /** ClickHouse user. */
  readonly user: string
  readonly host: string
  readonly toolVersion: string
}

/** A table as an event names it. */
export type LoggedTable = {
  readonly table: string
  /** Whether the event belongs to the existing table, not to a dropped table of that name. */
  readonly present: boolean
}

type RunOutcome =
  /** All its attempts succeeded, some after retries. */
  | 'done'
  /** Some blocks failed and were not done later in the run. */
  | 'failed'
  /** Attempts have not ended, and its lock is held. */
  | 'running'
  /** Attempts never ended: the run was killed, or lost the server. */
  | 'unfinished'

export type LoggedRun = Author & {
  readonly runId: string
  /** By the server's clock, ms since 1970. */
  readonly started: number
  readonly ended: number
  readonly tables: readonly LoggedTable[]
  /** Attempts that ended, and attempts that have not. */
  readonly chunksDone: number
  readonly chunksFailed: number
  readonly chunksOpen: number
  /** Of the chunks done. */
  readonly blocks: number
  readonly rowsRead: number
  readonly rowsWritten: number
  /** Blocks of events that do not belong to chunks. */
  readonly accepted: number
  readonly revoked: number
  readonly cleaned: number
  readonly invalidated: number
  readonly outcome: RunOutcome
  /** The latest error of an attempt; empty if none failed. */
  readonly error: string
}

/** The outcome of an attempt, or the event's name if it belongs to no attempt. */
export type LoggedState =
  | Exclude<EventName, 'started' | 'checkpoint'>
  | 'running'
  /** Started, and never ended. */
  | 'unfinished'
  /** An acceptance was revoked. */
  | 'revoked'

/** One attempt at a chunk, or one event that belongs to no attempt. */
export type LoggedEvent = Author &
  LoggedTable & {
    readonly runId: string
    readonly range: Range
    readonly state: LoggedState
    /** 1 for the first attempt at the range in its run, 0 if the event belongs to no attempt. */
    readonly attempt: number
    /** When it ended, by the server's clock, ms since 1970. */
    readonly at: number
    readonly elapsedMs: number
    readonly rowsRead: number
    readonly rowsWritten: number
    readonly peakMemory: number
    readonly errorCode: number
    readonly error: string
    readonly sqlHash: string
    readonly queryId: string
  }

export type LogQuestion = {
  /** Only this table; undefined: all of the network. */
  readonly table: string | undefined
  /** The most lines. */
  readonly limit: number
  /** Only failures. */
  readonly errors: boolean
}
