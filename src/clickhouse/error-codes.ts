// Owns what an error code of ClickHouse means for the work (retry it, split the chunk, or stop the table), and what a person can do.
import type { BackfillError, ErrorKind, RetryDecision } from '../model/errors.ts'
import type { Connection } from './connection.ts'
import { quotedName, quoteString } from '../sql-syntax/quoting.ts'

/** Each line lists codes of ClickHouse with their names. */
export function codes(...lines: readonly string[]): ReadonlySet<number> {
  return new Set(lines.flatMap((line) => line.split(', ').map((one) => Number.parseInt(one))))
}

const TOO_BIG = codes('159 TIMEOUT_EXCEEDED, 160 TOO_SLOW, 241 MEMORY_LIMIT_EXCEEDED')

export const TOO_MANY_PARTS = 252
export const NOT_ENOUGH_SPACE = 243

const PASSING = codes(
  // Of a connection between servers, or to a store: it broke, or the other side has too much to do.
  '95 CANNOT_READ_FROM_SOCKET, 96 CANNOT_WRITE_TO_SOCKET, 364 RECEIVED_ERROR_TOO_MANY_REQUESTS',
  '373 SESSION_IS_LOCKED, 573 EPOLL_ERROR, 692 TOO_MANY_MUTATIONS, 693 AWS_ERROR, 707 GCP_ERROR',
  '737 GOOGLE_CLOUD_ERROR, 763 SESSION_REFUSED, 776 RESOURCE_LIMIT_EXCEEDED, 777 MEMORY_RESERVATION_KILLED',
  '778 MEMORY_RESERVATION_FAILED, 900 DISTRIBUTED_CACHE_ERROR, 1009 S3_OBJECT_CHANGED_DURING_READ',
  '198 DNS_ERROR, 202 TOO_MANY_SIMULTANEOUS_QUERIES, 203 NO_FREE_CONNECTION, 209 SOCKET_TIMEOUT',
  '210 NETWORK_ERROR, 225 NO_ZOOKEEPER, 232 NO_SUCH_DATA_PART, 234 NO_REPLICA_HAS_PART, 236 ABORTED',
  '242 TABLE_IS_READ_ONLY, 243 NOT_ENOUGH_SPACE',
  // A quorum's replica took up its session with Keeper again during the INSERT.
  '244 UNEXPECTED_ZOOKEEPER_ERROR, 252 TOO_MANY_PARTS, 254 NO_ACTIVE_REPLICAS, 265 NO_AVAILABLE_REPLICA',
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

export const ACCESS_DENIED = 497
/** Of a column, mostly. */
export const UNKNOWN_IDENTIFIER = 47
const READONLY = 164

const NO_NULL =
  "A row has NULL where the column's type has none: write ifNull(…, …) with what to store, leave the row out, or make the column Nullable"

/** 349 CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN and 70 CANNOT_CONVERT_TYPE, as the casts throw that `check --fix` writes; 48 NOT_IMPLEMENTED. */
const OF_STATEMENTS: readonly (readonly [code: number, pattern: RegExp, hint: string])[] = [
  [349, /NULL value to non-Nullable/, NO_NULL],
  [70, /Cannot convert NULL/, NO_NULL],
  [
    70,
    /Float\d+ cannot be safely converted into type U?Int/,
    'A number is too large or negative for a column of whole numbers, or none (nan), or has a fraction: write round(…) around it, or widen the column',
  ],
  [
    70,
    /cannot be safely converted/,
    'A value does not fit into the type of its column: write what to store in its place, leave the row out, or widen the column',
  ],
  [
    48,
    /RANGE OFFSET frame/,
    'Such a frame takes numbers, Date and DateTime: write ORDER BY toUnixTimestamp64Milli(…) for a DateTime64, and the frame in milliseconds',
  ],
  [319, /quorum/i, 'A replica does not fetch the rows of the table: backfill doctor names it'],
  [521, /\bmetadata\/[^/]+\.sql/, 'A detached database has this name: ATTACH DATABASE brings it back'],
]

/** Limits that a profile sets, by code, where the server's words do not name them. Those that the program sets itself are caught before. */
const LIMITS: readonly (readonly [code: number, pattern: RegExp, setting: string])[] = [
  [36, /Query tree is too big/, 'max_expanded_ast_elements'],
  [62, /\bmax_query_size\b/, 'max_query_size'],
  [158, /GROUP BY/, 'max_rows_to_group_by'],
  [158, /^/, 'max_rows_to_read'],
  [161, /^/, 'max_columns_to_read'],
  [162, /^/, 'max_subquery_depth'],
  [165, /^/, 'max_temporary_columns'],
  [166, /^/, 'max_temporary_non_const_columns'],
  [167, /^/, 'max_ast_depth'],
  [168, /^/, 'max_ast_elements'],
  [191, /^/, 'max_rows_in_set or max_bytes_in_set'],
  [241, /^Query memory limit/, 'max_memory_usage'],
  [241, /^User memory limit/, 'max_memory_usage_for_user'],
  [306, /^/, 'max_parser_depth'],
  [307, /^/, 'max_bytes_to_read'],
  [392, /DDL/, 'allow_ddl'],
  [396, /bytes/, 'max_result_bytes or max_bytes_to_sort'],
  [396, /^/, 'max_result_rows or max_rows_to_sort'],
  [718, /^/, 'max_parser_backtracks'],
]

/** A node that died after the command had found all of them there. */
const NODES_AWAY = codes('279 ALL_CONNECTION_TRIES_FAILED, 285 TOO_FEW_LIVE_REPLICAS')

const ALL_REPLICAS_ARE_STALE = 369
/** Of a KeeperMap that is out of use on one node. */
const INVALID_STATE = 668

/** 253 REPLICA_ALREADY_EXISTS. */
const HELD = /Replica (\/\S+)\/replicas\/(\S+) already exists/

/** The replica in Keeper that keeps a table from being made, and what rids Keeper of it if a node died while it made the table. */
export function heldReplica(words: string) {
  const [, path, replica] = HELD.exec(words) ?? []
  if (path === undefined) return undefined
  return {
    path,
    halfMade: `a node died while it made the table, and Keeper knows a replica that is not there: type SYSTEM DROP REPLICA ${quoteString(replica!)} FROM ZKPATH ${quoteString(path)} on another node. The server refuses it for a replica that is in use: then two nodes have the same macro {replica}`,
  }
}

/** 999 KEEPER_EXCEPTION. Not of a row's node below `data`: another runner may have deleted that. */
const LOST_LOCKS =
  /No node, path \S*\/backfill\/([^/\s]+)\/([^/\s]+_locks)(?:\/(?:data|metadata))?(?=[\s,.:]|$)/

export function hintFor(code: number, words: string, connection: Connection): string | undefined {
  const { username, side } = connection
  if (code === ACCESS_DENIED) return missingGrant(words, connection)
  if (code === NOT_ENOUGH_SPACE)
    return 'Free or add disk space on the server; backfill doctor shows the disks'
  const [, , limit] = LIMITS.find(([of, pattern]) => of === code && pattern.test(words)) ?? []
  if (limit !== undefined) {
    const setting = /'(max_\w+)' setting/.exec(words)?.[1] ?? limit
    return `The limit is ${setting}, in the profile of user '${username}' of the ${side} server unless --settings or the transform sets it: raise it there, or take it out`
  }
  const ofStatement = OF_STATEMENTS.find(([of, pattern]) => of === code && pattern.test(words))
  if (ofStatement !== undefined) return ofStatement[2]
  const held = heldReplica(words)
  if (held !== undefined)
    return `Was a table of this path dropped without SYNC? Keeper has its replica until it has gone from system.dropped_tables (8 minutes by default): wait until SELECT table, table_dropped_time FROM clusterAllReplicas('<cluster>', system.dropped_tables) does not name it, and run the command again; next time DROP … SYNC. Only if no node names it, ${held.halfMade}`
  const [, cluster, locks] = LOST_LOCKS.exec(words) ?? []
  if (cluster !== undefined)
    return `Keeper has lost the locks: type DROP DATABASE ${quotedName(locks!)} ON CLUSTER ${quoteString(cluster)} SYNC, and run backfill up, which makes them anew`
  if (code === ALL_REPLICAS_ARE_STALE)
    return side === 'target'
      ? 'Type backfill doctor: it names the replica that is read-only or late, and what to type there'
      : 'No replica of a shard of a source answers that has all rows: its nodes are down (system.clusters names them), or its replicas are read-only or late (system.replicas of each node)'
  if (code === INVALID_STATE && words.includes('activate table'))
    return 'Has that node a session with Keeper (system.zookeeper_connection)? Then DETACH TABLE and ATTACH TABLE of the locks there, <ledger>_locks.locks'
  if (NODES_AWAY.has(code))
    return 'backfill doctor shows which node of the cluster does not answer, or which replica is read-only'
  if (code !== READONLY) return undefined
  return `The profile of user '${username}' of the ${side} server is for reading (readonly): what writes needs another user`
}

/** Where another node of the cluster refuses the login. */
export function unknownUser({ username, cluster = '<cluster>' }: Pick<Connection, 'username' | 'cluster'>) {
  return `Does the user exist there, with the same <secret> of the cluster in <remote_servers>? CREATE USER IF NOT EXISTS ${quotedName(username)} ON CLUSTER ${quoteString(cluster)} … makes one on all nodes`
}

/** The end of a GRANT. Every node of a cluster asks for the right. */
export function grantee({ username, cluster }: Pick<Connection, 'username' | 'cluster'>): string {
  return ` TO ${quotedName(username)}${cluster === undefined ? '' : ` ON CLUSTER ${quoteString(cluster)}`}`
}

export function missingGrant(
  message: string,
  connection: Pick<Connection, 'username' | 'cluster'>,
): string | undefined {
  const [, privilege, place] =
    /the grant (.+?)(?: for at least one column)? (?:ON|on) ([^\s.,]+(?:\.[^\s.,]+)?)/.exec(message) ?? []
  if (privilege === undefined || place === undefined) return undefined
  const plain = privilege.replace(/\([^)]*\)/g, '')
  // Each lock is a separate table; and a user that creates one table has to create the others, too.
  const wide = /^(CREATE|DROP|ALTER)/.test(plain) ? place.replace(/\.[^.]+$/, '.*') : place
  return `GRANT ${plain} ON ${wide}${grantee(connection)}`
}
