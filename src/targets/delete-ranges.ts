// Owns deleting ranges: fenced, limited in time, and with a check that no row is left.
import { sql } from 'kysely'
import { BackfillError } from '../model/errors.ts'
import type { Range } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import type { Lock } from '../lock/lock.ts'
import type { CleanJob } from './target-port.ts'
import { onCluster } from '../clickhouse/cluster/cluster.ts'
import { typed } from '../clickhouse/dialect.ts'
import { compiledFence } from '../lock/fence.ts'
import { EPOCH_DIGITS } from '../lock/lock-name.ts'
import type { Names } from '../clickhouse/own-databases.ts'
import { errorCode } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'
import { type Deletion, type DeletionJob, deletionOnShards } from './delete-on-shards.ts'
import { localOf } from '../clickhouse/cluster/shard-tables.ts'

/**
 * A DELETE waits for ever while merges are stopped; its cost depends on the table's size, not the range's. A requested
 * deletion may take as long as any statement.
 */
const CLEAN_SECONDS = { asked: 3600, found: 600 }

/**
 * Deletes the target's rows of the ranges in one statement; only rows of `network`, if the table holds several.
 * @throws BackfillError `failed`, `locked`
 */
export async function cleanRanges(
  server: Server,
  names: Names,
  { table, ranges, lock, asked }: CleanJob,
  network?: string,
): Promise<void> {
  const { client, connection } = server
  const doing = `deleting ${asked ? '' : 'half-written '}blocks of ${table.key}`
  const name = `${connection.database}.${table.target}`
  const count = () => countRows(server, { table, ranges, network, doing })
  if ((await count()) === 0) return

  const seconds = asked ? CLEAN_SECONDS.asked : CLEAN_SECONDS.found
  const job = { table, ranges, lock, asked, network }
  const deletion =
    server.cluster === undefined
      ? deletionHere(server, names, job)
      : await deletionOnShards(server, names, job)
  await client
    .command({
      ...deletion,
      doing,
      clickhouse_settings: {
        ...deletion.clickhouse_settings,
        lightweight_deletes_sync: '2',
        max_execution_time: seconds,
        ...(server.cluster && { distributed_ddl_task_timeout: String(seconds) }),
      },
    })
    .catch((error: unknown) => {
      if (errorCode(error) !== TIMEOUT_EXCEEDED) throw error
      throw new BackfillError(`${doing} has not ended after ${seconds} seconds`, {
        kind: 'failed',
        code: TIMEOUT_EXCEEDED,
        hint: `Are merges of ${name} stopped? If the table is that big, backfill rebuild ${table.key} rebuilds it beside the old one`,
        cause: error,
      })
    })
  const left = await count()
  if (left > 0)
    throw new BackfillError(`${left} rows are left after ${doing}`, {
      kind: 'failed',
      hint: `Are merges of ${name} stopped? Run backfill up again when they run`,
    })
}

const TIMEOUT_EXCEEDED = 159

function deletionHere(
  { db, connection }: Server,
  names: Names,
  { table, ranges, lock, network }: DeletionJob,
): Deletion {
  const fence = compiledFence(db, { lockName: lock.name, names })
  return {
    query: `DELETE FROM {database:Identifier}.{table:Identifier}
      WHERE block_number BETWEEN {low:UInt64} AND {high:UInt64}
      AND arrayExists((f, t) -> block_number BETWEEN f AND t, {froms:Array(UInt64)}, {tos:Array(UInt64)})
      ${network === undefined ? '' : 'AND meta_network_name = {network:String}'}
      AND ${fence.text}`,
    query_params: {
      database: connection.database,
      table: table.target,
      low: lowest(ranges),
      high: highest(ranges),
      froms: ranges.map(({ from }) => from),
      tos: ranges.map(({ to }) => to),
      ...(network !== undefined && { network }),
      ...fence.params,
    },
  }
}

/** Number of rows of the ranges in the target. @throws BackfillError `failed`, `server` */
export async function countIn(
  server: Server,
  table: TableDefinition,
  ranges: readonly Range[],
  network?: string,
): Promise<number> {
  if (ranges.length === 0) return 0
  return await countRows(server, { table, ranges, network, doing: `counting rows of ${table.key}` })
}

/** Kills queued DELETEs of earlier lock epochs: their fence would fail them for ever, and they block later mutations. */
export async function endDeletions(server: Server, table: TableDefinition, lock: Lock): Promise<void> {
  const { client, connection, cluster } = server
  if (cluster !== undefined && !cluster.keeper) return // no deletion was ever sent
  const place =
    cluster === undefined
      ? { database: connection.database, table: table.target }
      : await localOf(server, table)
  await client.command({
    query: `KILL MUTATION${onCluster(server)} WHERE database = {database:String} AND table = {table:String} AND NOT is_done
        AND position(command, {lock_prefix:String}) > 0 AND position(command, {lock:String}) = 0`,
    query_params: {
      ...place,
      lock: lock.name,
      lock_prefix: lock.name.slice(0, -EPOCH_DIGITS),
    },
    doing: `ending deletions by earlier runs of ${table.key}`,
  })
}

type Counted = {
  readonly table: TableDefinition
  readonly ranges: readonly Range[]
  readonly network: string | undefined
  readonly doing: string
}

async function countRows(server: Server, { table, ranges, network, doing }: Counted): Promise<number> {
  const row = await server
    .during(doing)
    .withSchema(server.connection.database)
    .selectFrom(table.target as 'int_target')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    // The server prunes by these conditions; it cannot prune by the arrays.
    .where('block_number', '>=', lowest(ranges))
    .where('block_number', '<=', highest(ranges))
    .where(
      sql<boolean>`arrayExists((f, t) -> block_number BETWEEN f AND t, ${blockNumbers(ranges.map(({ from }) => from))}, ${blockNumbers(ranges.map(({ to }) => to))})`,
    )
    .$if(network !== undefined, (rows) => rows.where(sql<boolean>`meta_network_name = ${network}`))
    .executeTakeFirstOrThrow()
  return row.rows
}

function blockNumbers(blocks: readonly number[]): readonly number[] {
  return typed([...blocks], 'Array(UInt64)')
}

function lowest(ranges: readonly Range[]): number {
  return Math.min(...ranges.map(({ from }) => from))
}

function highest(ranges: readonly Range[]): number {
  return Math.max(...ranges.map(({ to }) => to))
}
