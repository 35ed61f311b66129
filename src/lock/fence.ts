// Owns the fence: a condition that the server evaluates during a statement, and that fails the statement unless the
// runner's lock epoch is still the highest of its table, and the table the one that the runner knows. Every writing statement carries it.
import { type Kysely, type RawBuilder, sql, type SqlBool } from 'kysely'
import { quoteIdentifier, quoteString } from '../sql-syntax/quoting.ts'
import { typed, withParams } from '../clickhouse/dialect.ts'
import type { Names } from '../clickhouse/server.ts'
import type { Schema } from '../clickhouse/schema.ts'
import { LOCK_LOST, TABLE_REPLACED } from '../clickhouse/server-error.ts'

export type FenceKey = {
  readonly lockName: string
  readonly names: Names
  /** The table that the statement writes: a rebuild that has lost its lock may put another into its place. */
  readonly table?: { readonly database: string; readonly name: string; readonly uuid: string }
}

/** throwIf is inside the scalar subquery: outside, the server skips it if the statement yields no row. */
export function fence({ lockName: name, names, table }: FenceKey): RawBuilder<SqlBool> {
  const prefix = name.slice(0, -EPOCH_DIGITS)
  const isHeld = sql<SqlBool>`(
    SELECT throwIf(max(name) != ${name}, ${LOCK_LOST}) FROM ${locksWhere(names)} startsWith(name, ${prefix}) AND length(name) = length(${name})
  ) = 0`
  if (table === undefined) return isHeld
  return sql<SqlBool>`${isHeld} AND (
    SELECT throwIf(count() = 0, ${TABLE_REPLACED}) FROM system.tables
    WHERE database = ${table.database} AND name = ${table.name} AND uuid = ${typed(table.uuid, 'UUID')}
  ) = 0`
}

/** The fences of several locks in one condition: a request has at most 1,000 parameters. */
export function fences(lockNames: readonly string[], names: Names): RawBuilder<SqlBool> {
  const own = typed([...lockNames], 'Array(String)')
  const lock = sql`substring(name, 1, length(name) - ${EPOCH_DIGITS})`
  return sql<SqlBool>`(
    SELECT throwIf(countIf(has(${own}, highest)) != ${lockNames.length}, ${LOCK_LOST})
    FROM (SELECT max(name) AS highest FROM ${locksWhere(names)} length(name) > ${EPOCH_DIGITS} GROUP BY ${lock})
  ) = 0`
}

/** The FROM clause that yields the names of locks, up to the condition on them. */
export function locksWhere({ locks, inKeeper }: Names): RawBuilder<unknown> {
  const from = inKeeper
    ? sql`${sql.id(locks, 'locks')} WHERE`
    : sql`system.tables WHERE database = ${locks} AND`
  return sql`${from} match(right(name, ${sql.lit(EPOCH_DIGITS)}), '^[0-9]+$') AND right(name, ${sql.lit(EPOCH_DIGITS)}) <= ${MAX_EPOCH} AND`
}

/** The fence of a lock in Keeper as text without parameters, because ON CLUSTER does not accept them. */
export function literalFence({ lockName: name, names }: FenceKey): string {
  const prefix = quoteString(name.slice(0, -EPOCH_DIGITS))
  return `(
    SELECT throwIf(max(name) != ${quoteString(name)}, ${quoteString(LOCK_LOST)})
    FROM ${quoteIdentifier(names.locks)}.locks
    WHERE right(name, ${EPOCH_DIGITS}) <= ${quoteString(MAX_EPOCH)} AND startsWith(name, ${prefix}) AND length(name) = ${name.length}
  ) = 0`
}

/** The fence as text with its parameters, for statements that kysely cannot build. */
export function compiledFence(db: Kysely<Schema>, key: FenceKey) {
  return withParams(fence(key).compile(db))
}

/** Digits of a zero-padded epoch: UInt64's longest, so that names sort as numbers do. */
export const EPOCH_DIGITS = 20

/** The last epoch that a number can hold exactly. A lock with a greater one was made by nobody's run, and is ignored. */
export const MAX_EPOCH = String(Number.MAX_SAFE_INTEGER).padStart(EPOCH_DIGITS, '0')

/** Name of a lock's table or row: `<network>__<key>__<epoch>`. Neither network nor key contains `__`. */
export function lockName(lock: {
  readonly network: string
  readonly key: string
  readonly epoch: number
}): string {
  return lockPrefix(lock) + String(lock.epoch).padStart(EPOCH_DIGITS, '0')
}

/** Common prefix of the names of all epochs of one lock; prefix and length together identify them. */
export function lockPrefix({ network, key }: { readonly network: string; readonly key: string }): string {
  return `${network}__${key}__`
}
