// Owns the ledger's words: events as they are appended, islands as the fold returns them.
import type { Range } from '../model/blocks.ts'
import type { EventName, IslandState } from '../clickhouse/schema.ts'

export type Island = Range & { readonly state: IslandState; readonly sqlHash: string }

/** Where an event stands: the only order there is. */
export type Position = readonly [epoch: number, seq: number]

export function isLater([epoch, seq]: Position, [otherEpoch, otherSeq]: Position): boolean {
  return epoch > otherEpoch || (epoch === otherEpoch && seq > otherSeq)
}

/** One row of the ledger, without what the server adds (network, user, event_time) and what the lock adds (epoch, seq). */
export type LedgerEvent = {
  readonly event: EventName
  readonly range: Range
  readonly targetUuid: string
  readonly sqlHash: string
  readonly sourceFingerprint: string
  /** 1 for the first try of a chunk in a run. */
  readonly attempt: number
  readonly runId: string
  readonly queryId: string
  /** Rows that the probe found before the chunk was cut; 0 where it was not asked. */
  readonly rowsExpected: number
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly bytesRead: number
  readonly peakMemory: number
  readonly elapsedMs: number
  readonly errorCode: number
  readonly error: string
  /** The operator said by `--to` that the sources are complete up to here. */
  readonly forced: boolean
}

/** Of an event that no statement led to. */
export const NOTHING_MEASURED = {
  rowsRead: 0,
  rowsWritten: 0,
  bytesRead: 0,
  peakMemory: 0,
  elapsedMs: 0,
  errorCode: 0,
  error: '',
} as const

/** Of an event that is about no try at a chunk. */
export const NO_TRY = {
  ...NOTHING_MEASURED,
  sourceFingerprint: '',
  attempt: 0,
  queryId: '',
  rowsExpected: 0,
  forced: false,
} as const

/** What `error` of a `cleaned` says where an acceptance was taken back, and no row was deleted. */
export const REVOKED = 'acceptance revoked'
