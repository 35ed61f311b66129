// Owns what to do about an error of ClickHouse, by its code and words.
import type { Connection } from './connection.ts'
import { codes, NOT_ENOUGH_SPACE } from './error-codes.ts'
import { quotedName, quoteString } from '../sql-syntax/quoting.ts'

export const ACCESS_DENIED = 497
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

/** 253 REPLICA_ALREADY_EXISTS. */
const HALF_MADE = /Replica (\/\S+)\/replicas\/(\S+) already exists/

export function hintFor(code: number, words: string, { username, side }: Connection): string | undefined {
  if (code === ACCESS_DENIED) return missingGrant(words, username)
  if (code === NOT_ENOUGH_SPACE)
    return 'Free or add disk space on the server; backfill doctor shows the disks'
  const [, , limit] = LIMITS.find(([of, pattern]) => of === code && pattern.test(words)) ?? []
  if (limit !== undefined) {
    const setting = /'(max_\w+)' setting/.exec(words)?.[1] ?? limit
    return `The limit is ${setting}, in the profile of user '${username}' of the ${side} server unless --settings or the transform sets it: raise it there, or take it out`
  }
  const ofStatement = OF_STATEMENTS.find(([of, pattern]) => of === code && pattern.test(words))
  if (ofStatement !== undefined) return ofStatement[2]
  const [, path, replica] = HALF_MADE.exec(words) ?? []
  if (path !== undefined)
    return `If that node died while it made the table, Keeper knows a replica that is not there: type SYSTEM DROP REPLICA ${quoteString(replica!)} FROM ZKPATH ${quoteString(path)} on another node. The server refuses it for a replica that is in use: then two nodes have the same macro {replica}`
  if (NODES_AWAY.has(code)) return 'backfill doctor shows which node of the cluster does not answer'
  if (code !== READONLY) return undefined
  return `The profile of user '${username}' of the ${side} server is for reading (readonly): what writes needs another user`
}

export function missingGrant(message: string, user: string): string | undefined {
  const [, privilege, place] =
    /the grant (.+?)(?: for at least one column)? (?:ON|on) ([^\s.]+(?:\.[^\s.]+)?)/.exec(message) ?? []
  if (privilege === undefined || place === undefined) return undefined
  const plain = privilege.replace(/\([^)]*\)/g, '')
  // Each lock is a separate table; and a user that creates one table has to create the others, too.
  const wide = /^(CREATE|DROP|ALTER)/.test(plain) ? place.replace(/\.[^.]+$/, '.*') : place
  return `GRANT ${plain} ON ${wide} TO ${quotedName(user)}`
}
