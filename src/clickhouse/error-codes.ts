// Owns what an error code of ClickHouse means for the work: retry it, split the chunk, or stop the table.
import type { BackfillError, ErrorKind, RetryDecision } from '../model/errors.ts'

/** Each line lists codes of ClickHouse with their names. */
export function codes(...lines: readonly string[]): ReadonlySet<number> {
  return new Set(lines.flatMap((line) => line.split(', ').map((one) => Number.parseInt(one))))
}

const TOO_BIG = codes('159 TIMEOUT_EXCEEDED, 160 TOO_SLOW, 241 MEMORY_LIMIT_EXCEEDED')

export const TOO_MANY_PARTS = 252
export const NOT_ENOUGH_SPACE = 243

const PASSING = codes(
  '198 DNS_ERROR, 202 TOO_MANY_SIMULTANEOUS_QUERIES, 203 NO_FREE_CONNECTION, 209 SOCKET_TIMEOUT',
  '210 NETWORK_ERROR, 225 NO_ZOOKEEPER, 236 ABORTED, 242 TABLE_IS_READ_ONLY, 243 NOT_ENOUGH_SPACE',
  '252 TOO_MANY_PARTS, 254 NO_ACTIVE_REPLICAS, 265 NO_AVAILABLE_REPLICA',
  '279 ALL_CONNECTION_TRIES_FAILED, 285 TOO_FEW_LIVE_REPLICAS',
  '286 UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE, 289 REPLICA_IS_NOT_IN_QUORUM',
  '297 SHARD_HAS_NO_CONNECTIONS, 319 UNKNOWN_STATUS_OF_INSERT, 369 ALL_REPLICAS_ARE_STALE',
  '384 PART_IS_TEMPORARILY_LOCKED, 394 QUERY_WAS_CANCELLED, 416 REPLICA_STATUS_CHANGED',
  '425 SYSTEM_ERROR, 439 CANNOT_SCHEDULE_TASK, 473 DEADLOCK_AVOIDED, 499 S3_ERROR',
  '500 AZURE_BLOB_STORAGE_ERROR, 517 CANNOT_ASSIGN_ALTER, 519 NO_REMOTE_SHARD_AVAILABLE',
  '529 NOT_A_LEADER, 660 HDFS_ERROR, 700 USER_SESSION_LIMIT_EXCEEDED, 733 TABLE_IS_BEING_RESTARTED, 738 PART_IS_LOCKED',
  '745 SERVER_OVERLOADED, 749 TCP_CONNECTION_LIMIT_REACHED, 762 HTTP_CONNECTION_LIMIT_REACHED',
  '904 TOO_MANY_UNAVAILABLE_SHARDS, 999 KEEPER_EXCEPTION',
)

/** Of the server, its disks, or the user's rights and limits: they say nothing about the text of a statement. */
const NOT_OF_SQL = codes(
  '33 CANNOT_READ_ALL_DATA, 40 CHECKSUM_DOESNT_MATCH, 49 LOGICAL_ERROR',
  '74 CANNOT_READ_FROM_FILE_DESCRIPTOR, 76 CANNOT_OPEN_FILE, 158 TOO_MANY_ROWS, 164 READONLY',
  '173 CANNOT_ALLOCATE_MEMORY, 201 QUOTA_EXCEEDED, 246 CORRUPTED_DATA, 307 TOO_MANY_BYTES',
  '335 BARRIER_TIMEOUT, 372 SESSION_NOT_FOUND, 396 TOO_MANY_ROWS_OR_BYTES',
  '452 SETTING_CONSTRAINT_VIOLATION, 497 ACCESS_DENIED, 722 ASYNC_LOAD_WAIT_FAILED',
  '735 QUERY_WAS_CANCELLED_BY_CLIENT, 1000 POCO_EXCEPTION, 1001 STD_EXCEPTION',
)

/** Whether an error of the server is a fault of the statement: what is not, is not blamed on the file. */
export function blamesText({ kind, code, retry }: Pick<BackfillError, 'kind' | 'code' | 'retry'>): boolean {
  return kind === 'failed' && code !== 0 && retry === 'stop' && !NOT_OF_SQL.has(code)
}

/** The server refuses a statement with these before it begins. */
export const NEVER_BEGAN = codes(
  '202 TOO_MANY_SIMULTANEOUS_QUERIES, 700 USER_SESSION_LIMIT_EXCEEDED, 745 SERVER_OVERLOADED',
  '749 TCP_CONNECTION_LIMIT_REACHED, 762 HTTP_CONNECTION_LIMIT_REACHED',
)

/** TOO_MANY_PARTS that no wait heals: the range has more partitions than one INSERT may write. */
const TOO_MANY_PARTITIONS = /^Too many partitions/

/** A login that is refused during a run was accepted before: the run waits for it as for an unreachable server. */
export function retryDecision(kind: ErrorKind, code: number, words = ''): RetryDecision {
  if (kind === 'server') return 'reconnect'
  if (kind !== 'failed') return 'stop'
  if (TOO_BIG.has(code) || TOO_MANY_PARTITIONS.test(words)) return 'split'
  return PASSING.has(code) ? 'retry' : 'stop'
}

export const MAX_ATTEMPTS = 6

/** Doubles from one second to thirty, minus up to half by `chance`, so that runners that failed together do not retry together. */
export function backoffMs(attempt: number, chance: number): number {
  const full = Math.min(30_000, 1_000 * 2 ** (attempt - 1))
  return Math.round(full * (1 - chance / 2))
}
