// Owns the words of the ledger as history: runs and tries as `log` shows them. Types only.
import type { EventName } from '../../clickhouse/schema.ts'
import type { Range } from '../../model/blocks.ts'

/** Who wrote events, from where, with what. */
type Author = {
  /** ClickHouse user. */
  readonly user: string
  readonly host: string
  readonly toolVersion: string
}

/** A table as an event names it. */
export type LoggedTable = {
  readonly table: string
  /** The event belongs to the table that is there now, not to one of that name that was dropped. */
  readonly present: boolean
}

type RunOutcome =
  /** All its tries ended well, or were tried again until they did. */
  | 'done'
  /** Blocks that failed in it did not get done in it. */
  | 'failed'
  /** Tries of it have not ended, and its lock is held. */
  | 'running'
  /** Tries of it never ended: it was killed, or lost the server. */
  | 'unfinished'

export type LoggedRun = Author & {
  readonly runId: string
  /** By the server's clock, ms since 1970. */
  readonly started: number
  readonly ended: number
  readonly tables: readonly LoggedTable[]
  /** Tries that ended, and tries that have not. */
  readonly chunksDone: number
  readonly chunksFailed: number
  readonly chunksOpen: number
  /** Of the chunks done. */
  readonly blocks: number
  readonly rowsRead: number
  readonly rowsWritten: number
  /** Blocks of events that are no chunks. */
  readonly accepted: number
  readonly revoked: number
  readonly cleaned: number
  readonly invalidated: number
  readonly outcome: RunOutcome
  /** The latest error of a try; empty where none failed. */
  readonly error: string
}

/** What became of a try, or what an event without a try says. */
export type LoggedState =
  | Exclude<EventName, 'started' | 'checkpoint'>
  | 'running'
  /** Started, and never ended. */
  | 'unfinished'
  /** An acceptance was taken back. */
  | 'revoked'

/** One try at a chunk, or one event that belongs to none. */
export type LoggedEvent = Author &
  LoggedTable & {
    readonly runId: string
    readonly range: Range
    readonly state: LoggedState
    /** 1 for the first try of the range in its run, 0 where the event belongs to no try. */
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
  /** Only what failed. */
  readonly errors: boolean
}
