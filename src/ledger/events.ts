// Owns the types of the ledger: its place, events to append, islands that the fold returns.
import type { Range } from '../model/blocks.ts'
import type { Digest } from '../model/digest.ts'
import type { Names, Server } from '../clickhouse/server.ts'
import type { OldestParts } from '../clickhouse/oldest-parts.ts'
import type { EventName, IslandState } from '../clickhouse/schema.ts'
import type { Found } from './attempts.ts'

export type LedgerPlace = { readonly server: Server; readonly names: Names; readonly network: string }

/** With what a row says of the program that writes it. */
export type WritingPlace = LedgerPlace & { readonly toolVersion: string }

export type Island = Range & {
  readonly state: IslandState
  readonly sqlHash: string
  /** Texts of what a done range was computed from (built-from.ts); empty if unknown, or if there is none. */
  readonly forks: string
  readonly inputs: string
}

export type LedgerView = {
  /** Disjoint, sorted by block. */
  readonly islands: readonly Island[]
  /** Events after the last checkpoint: how much the next fold has to read. */
  readonly tail: number
  /** Of the last event. */
  readonly position: Position
  /** Time of the latest chunk event, ISO 8601 UTC, by the server's clock; undefined if there is none. */
  readonly lastRun: string | undefined
  /** Rows of all digests that were ever recorded: more than the table has if ranges were built again. */
  readonly digestRows: number
  /** What the table had at its checkpoints; empty if it was never looked at. */
  readonly oldestParts: OldestParts
}

export type Attempt = Found & {
  readonly range: Range
  /** Of the lock that it was made under. */
  readonly epoch: number
  readonly queryId: string
  readonly sqlHash: string
  readonly sourceFingerprint: string
  readonly forks: string
  readonly inputs: string
  readonly user: string
}

/** Position of an event: the only order of events. */
export type Position = readonly [epoch: number, seq: number]

export function isLater([epoch, seq]: Position, [otherEpoch, otherSeq]: Position): boolean {
  return epoch > otherEpoch || (epoch === otherEpoch && seq > otherSeq)
}

/** A row of the ledger, without the columns of the server (network, user, event_time) and of the lock (epoch, seq). */
export type LedgerEvent = {
  readonly event: EventName
  readonly range: Range
  readonly targetUuid: string
  readonly sqlHash: string
  readonly runId: string
  readonly sourceFingerprint?: string
  readonly forks?: string
  readonly inputs?: string
  /** Of the range's rows after the INSERT; undefined: unknown. */
  readonly digest?: Digest | undefined
  /** 1 for the first attempt at a chunk in a run; undefined: the event belongs to none. */
  readonly attempt?: number
  readonly queryId?: string
  /** Rows that the probe found before the chunk was cut. */
  readonly rowsExpected?: number
  readonly rowsRead?: number
  readonly rowsWritten?: number
  readonly bytesRead?: number
  readonly peakMemory?: number
  readonly elapsedMs?: number
  readonly errorCode?: number
  readonly error?: string
  /** The operator declared with `--to` that the sources are complete up to here. */
  readonly forced?: boolean
}

/** The `error` of a `cleaned` event that revokes an acceptance and deletes no rows. */
export const REVOKED = 'acceptance revoked'

/** The `error` of a `done` event that only says the digest of rows that were there before. */
export const DIGEST_ONLY = 'digest only'
