// Owns the deletion of half-written ranges: fenced, bounded in time, and checked for its effect.
import { sql } from 'kysely'
import { BackfillError } from '../runner/errors.ts'
import type { Range, TableDefinition } from '../runner/model.ts'
import type { Lock } from '../runner/ports.ts'
import { typed } from './dialect.ts'
import { compiledFence, EPOCH_DIGITS } from './fence.ts'
import type { Names } from './names.ts'
import { serverError } from './server-error.ts'
import type { Server } from './server.ts'

/** A DELETE waits for ever while merges are stopped; its cost follows the table's size, not the range's. */
const CLEAN_SECONDS = 600

export type CleanJob = {
  readonly table: TableDefinition
  readonly ranges: readonly Range[]
  readonly lock: Lock
}

/**
 * Deletes the target's rows of the ranges in one statement.
 * @throws BackfillError `failed`, `locked`
 */
export async function cleanRanges(
  server: Server,
  names: Names,
  { table, ranges, lock }: CleanJob,
): Promise<void> {
  const { client, connection } = server
  const doing = `deleting half-written blocks of ${table.key}`
  const failing = (error: unknown) => {
    throw serverError(error, { connection, doing })
  }
  if ((await countRows(server, table, ranges).catch(failing)) === 0) return

  const fence = compiledFence(server.db, { lockName: lock.name, locksDatabase: names.locks })
  await client
    .command({
      query: `DELETE FROM {database:Identifier}.{table:Identifier}
        WHERE arrayExists((f, t) -> block_number BETWEEN f AND t, {froms:Array(UInt64)}, {tos:Array(UInt64)})
        AND ${fence.text}`,
      query_params: {
        database: connection.database,
        table: table.target,
        froms: ranges.map(({ from }) => from),
        tos: ranges.map(({ to }) => to),
        ...fence.params,
      },
      clickhouse_settings: { lightweight_deletes_sync: '2', max_execution_time: CLEAN_SECONDS },
    })
    .catch(failing)
  const left = await countRows(server, table, ranges).catch(failing)
  if (left > 0)
    throw new BackfillError(`${left} rows are left after ${doing}`, {
      kind: 'failed',
      hint: `Are merges of ${connection.database}.${table.target} stopped? Run backfill up again when they run`,
    })
}

/** Rows of the ranges as they stand in the target. @throws BackfillError `failed`, `server` */
export async function countIn(
  server: Server,
  table: TableDefinition,
  ranges: readonly Range[],
): Promise<number> {
  if (ranges.length === 0) return 0
  return await countRows(server, table, ranges).catch((error: unknown) => {
    throw serverError(error, { connection: server.connection, doing: `counting rows of ${table.key}` })
  })
}

/** Kills queued DELETEs of earlier epochs: their fence would fail them for ever, and hold up merges and later ones. */
export async function endDeletions(server: Server, table: TableDefinition, lock: Lock): Promise<void> {
  const { client, connection } = server
  await client
    .command({
      query: `KILL MUTATION WHERE database = {database:String} AND table = {table:String} AND NOT is_done
        AND position(command, {lock_prefix:String}) > 0 AND position(command, {lock:String}) = 0`,
      query_params: {
        database: connection.database,
        table: table.target,
        lock: lock.name,
        lock_prefix: lock.name.slice(0, -EPOCH_DIGITS),
      },
    })
    .catch((error: unknown) => {
      throw serverError(error, { connection, doing: `ending deletions by earlier runs of ${table.key}` })
    })
}

async function countRows(server: Server, table: TableDefinition, ranges: readonly Range[]): Promise<number> {
  const row = await server.db
    .withSchema(server.connection.database)
    .selectFrom(table.target as 'int_target')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .where(
      sql<boolean>`arrayExists((f, t) -> block_number BETWEEN f AND t, ${blockNumbers(ranges.map(({ from }) => from))}, ${blockNumbers(ranges.map(({ to }) => to))})`,
    )
    .executeTakeFirstOrThrow()
  return row.rows
}

function blockNumbers(blocks: readonly number[]): readonly number[] {
  return typed([...blocks], 'Array(UInt64)')
}
