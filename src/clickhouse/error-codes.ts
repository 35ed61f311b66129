// Owns what an error code of ClickHouse means for the work: retry it, split the chunk, or stop the table.
import type { ErrorKind, RetryDecision } from '../model/errors.ts'

/** Errors of a statement that was too big for its limits. */
const TOO_BIG: ReadonlySet<number> = new Set([
  159, // TIMEOUT_EXCEEDED
  160, // TOO_SLOW
  241, // MEMORY_LIMIT_EXCEEDED
])

/** Transient errors. */
const PASSING: ReadonlySet<number> = new Set([
  198, // DNS_ERROR
  202, // TOO_MANY_SIMULTANEOUS_QUERIES
  203, // NO_FREE_CONNECTION
  209, // SOCKET_TIMEOUT
  210, // NETWORK_ERROR
  225, // NO_ZOOKEEPER
  236, // ABORTED: the server is shutting down
  242, // TABLE_IS_READ_ONLY
  243, // NOT_ENOUGH_SPACE
  252, // TOO_MANY_PARTS
  279, // ALL_CONNECTION_TRIES_FAILED
  285, // TOO_FEW_LIVE_REPLICAS
  286, // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
  319, // UNKNOWN_STATUS_OF_INSERT
  394, // QUERY_WAS_CANCELLED
  425, // SYSTEM_ERROR
  439, // CANNOT_SCHEDULE_TASK
  473, // DEADLOCK_AVOIDED
  745, // SERVER_OVERLOADED
  999, // KEEPER_EXCEPTION
])

/**
 * @param code of ClickHouse. A login that is refused during a run was accepted before: there are too many sessions, or
 *   its password is being changed. The run waits for it as for an unreachable server.
 */
export function retryDecision(kind: ErrorKind, code: number): RetryDecision {
  if (kind === 'server') return 'reconnect'
  if (kind !== 'failed') return 'stop'
  if (TOO_BIG.has(code)) return 'split'
  return PASSING.has(code) ? 'retry' : 'stop'
}

/** Attempts at one range before the table stops. */
export const MAX_ATTEMPTS = 6

/**
 * Wait before the next attempt in ms: doubling from one second to thirty, minus up to half of it by `chance` in [0, 1),
 * so that runners that failed together do not retry together.
 */
export function backoffMs(attempt: number, chance: number): number {
  const full = Math.min(30_000, 1_000 * 2 ** (attempt - 1))
  return Math.round(full * (1 - chance / 2))
}
