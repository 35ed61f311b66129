// Owns deleting ranges: fenced, limited in time, with a check that no row is left; on a cluster, on all shards.
import { sql, type SqlBool } from 'kysely'
import { BackfillError, failedError } from '../model/errors.ts'
import { type BlockSet, hull, namedBlocks } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import { EPOCH_DIGITS, fence, literalFence } from '../lock/fence.ts'
import type { Lock } from '../lock/lock.ts'
import { quoteIdentifier, quoteString } from '../sql-syntax/quoting.ts'
import { onCluster, runQueued } from '../clickhouse/cluster/queue.ts'
import { onEachNode, untilDeleted } from './shard-deletions.ts'
import { localOf } from '../clickhouse/cluster/shard-tables.ts'
import { touchesSome, withParams } from '../clickhouse/dialect.ts'
import type { RetryPolicy } from '../clickhouse/retry.ts'
import type { Names, Server } from '../clickhouse/server.ts'
import { errorCode } from '../clickhouse/server-error.ts'
import { after } from '../seam/clock.ts'
import { randomId } from '../seam/random.ts'

export type CleanJob = {
  readonly table: TableDefinition
  readonly ranges: BlockSet
  /** Of the table whose rows are deleted; of no other. */
  readonly targetUuid: string
  readonly lock: Lock
  /** A person requested the deletion: it may take as long as any statement. */
  readonly asked: boolean
  /** How long to wait for nodes of a cluster that are unreachable. */
  readonly retryPolicy: RetryPolicy
}

/** It waits for ever while merges are stopped, and its cost depends on the table's size. A requested one may take as long as any statement. */
const CLEAN_SECONDS = { asked: 3600, found: 600 }

const TIMEOUT_EXCEEDED = 159

/** A deletion that takes so long is said, for it waits for ever while merges are stopped. */
const SAID_AFTER_MS = 20_000

/** Ranges of one statement ON CLUSTER, in which they are text: the server reads 256 KiB of it, and 50,000 elements. */
const MOST_RANGES = 1_000

/** `network`: only rows of this network, if the tables hold several. */
export function openDeletions(server: Server, names: Names, network?: string) {
  const { client, connection, cluster } = server

  const rowsIn = ({ position }: TableDefinition, ranges: BlockSet) => {
    const rows = touchesSome(ranges, sql.raw(position))
    return network === undefined ? rows : sql<SqlBool>`${rows} AND meta_network_name = ${network}`
  }

  const deletionHere = ({ table, ranges, targetUuid: uuid, lock }: CleanJob) => {
    const only = { database: connection.database, name: table.target, uuid }
    const statement = sql`DELETE FROM ${sql.id(connection.database, table.target)}
      WHERE ${rowsIn(table, ranges)} AND ${fence({ lockName: lock.name, names, table: only })}`
    const { text, params } = withParams(statement.compile(server.db))
    return { query: text, query_params: params }
  }

  /** On the local tables, because a Distributed table cannot delete. ON CLUSTER takes no parameters, so blocks are literals. */
  async function deletionOnShards({ table, ranges, lock }: CleanJob, id: string) {
    const { database, table: local } = await localOf(server, table)
    const name = `${quoteIdentifier(database)}.${quoteIdentifier(local)}`
    const ofNetwork = network === undefined ? '' : `meta_network_name = ${quoteString(network)} AND `
    const rows = ofNetwork + blocksIn(table, ranges)
    const why = noDeletes(server)
    if (why !== undefined)
      throw failedError(
        `half-written ${namedBlocks(ranges)} of ${table.key} have to be deleted first, and ${why}`,
        `On each server: DELETE FROM ${name} WHERE ${rows}; then run backfill up again`,
      )
    return {
      query: `DELETE FROM ${name}${onCluster(server)} WHERE ${rows}
        AND ${literalFence({ lockName: lock.name, names })} AND ${quoteString(id)} != ''`,
      // Every node evaluates the fence itself, and all nodes see the same rows of Keeper.
      clickhouse_settings: { allow_nondeterministic_mutations: 1, lightweight_deletes_sync: '0' } as const,
    }
  }

  async function countRows(table: TableDefinition, ranges: BlockSet, doing: string): Promise<number> {
    const row = await server
      .during(doing)
      .withSchema(connection.database)
      .selectFrom(table.target as 'int_target')
      .select(({ fn }) => fn.countAll<number>().as('rows'))
      .where(rowsIn(table, ranges))
      .executeTakeFirstOrThrow()
    return row.rows
  }

  return {
    noDeletes: noDeletes(server),

    /** Rows of the ranges in the target, before merging. @throws BackfillError `failed`, `server` */
    count: async (table: TableDefinition, ranges: BlockSet): Promise<number> =>
      ranges.length === 0 ? 0 : await countRows(table, ranges, `counting rows of ${table.key}`),

    /** In one statement, on a cluster in several, fenced; makes sure that none is left. Only of `per-block` tables. @throws BackfillError `failed`; `locked` when the fence refused it */
    async clean(job: CleanJob): Promise<void> {
      const { table, ranges, asked, retryPolicy } = job
      const doing = `deleting ${asked ? '' : 'half-written '}blocks of ${table.key}`
      const name = `${connection.database}.${table.target}`
      if ((await countRows(table, ranges, doing)) === 0) return

      const seconds = asked ? CLEAN_SECONDS.asked : CLEAN_SECONDS.found
      const endless = (on: string, cause?: unknown) =>
        new BackfillError(`${doing} has not ended${on} after ${seconds} seconds`, {
          kind: 'failed',
          code: TIMEOUT_EXCEEDED,
          hint: `Are merges of ${name} stopped? If the table is that big, backfill rebuild ${table.key} rebuilds it beside the old one`,
          cause,
        })
      const { signal } = retryPolicy
      const assertWanted = () => {
        if (!signal.aborted) return
        throw failedError(`${doing} had not ended when the run was stopped`, 'Run backfill up again')
      }
      let waiting: readonly string[] = []
      const here = async () =>
        await client
          .command({
            ...deletionHere(job),
            doing,
            abort_signal: signal,
            clickhouse_settings: { lightweight_deletes_sync: '2', max_execution_time: seconds },
          })
          .catch((error: unknown) => {
            assertWanted()
            throw errorCode(error) === TIMEOUT_EXCEEDED ? endless('', error) : error
          })
      const waitsFor = (places: readonly string[]) => void (waiting = places)
      const onShards = async () => {
        const local = await localOf(server, table)
        for (let at = 0; at < ranges.length; at += MOST_RANGES) {
          const id = randomId()
          const some = { ...job, ranges: ranges.slice(at, at + MOST_RANGES) }
          await runQueued(server, { ...(await deletionOnShards(some, id)), doing })
          await untilDeleted(server, local, { id, doing, seconds, waitsFor }, retryPolicy)
          if (waiting.length === 0) continue
          assertWanted()
          throw endless(` on ${waiting.join(', ')}`)
        }
      }
      const what = () =>
        `a DELETE in ${name}${waiting[0] ? ` on ${waiting[0]}` : ''} has not ended: are its merges stopped?`
      await saidIfSlow(retryPolicy, what, cluster === undefined ? here : onShards)
      const left = await countRows(table, ranges, doing)
      if (left > 0)
        throw failedError(
          `${left} rows are left after ${doing}`,
          `Are merges of ${name} stopped? Run backfill up again when they run`,
        )
    },

    /** Kills queued DELETEs of earlier lock epochs: their fence would fail them for ever, and they block later mutations. */
    async endDeletions(table: TableDefinition, lock: Lock): Promise<void> {
      if (noDeletes(server) !== undefined) return // no deletion was ever sent
      const place =
        cluster === undefined
          ? { database: connection.database, table: table.target }
          : await localOf(server, table)
      // Earlier ones only: this statement may arrive when another run has the lock, and deletes.
      const which = `database = {database:String} AND table = {table:String} AND NOT is_done
          AND position(command, {lock_prefix:String}) > 0
          AND extract(command, concat({lock_prefix:String}, '[0-9]{${EPOCH_DIGITS}}')) < {lock:String}`
      const query_params = { ...place, lock: lock.name, lock_prefix: lock.name.slice(0, -EPOCH_DIGITS) }
      const asked = { query_params, doing: `ending deletions by earlier runs of ${table.key}` }
      // On a cluster it waits for all nodes, and needs rights that the user of a run without deletions may lack.
      const nodes = cluster && (await onEachNode(server, which, asked))
      if (nodes?.every(({ left }) => left === 0)) return
      await runQueued(server, { query: `KILL MUTATION${onCluster(server)} WHERE ${which}`, ...asked })
    },
  }
}

function noDeletes({ cluster }: Server): string | undefined {
  return cluster === undefined || cluster.keeper
    ? undefined
    : `the cluster '${cluster.name}' has no ON CLUSTER to delete rows on all shards with (it has no Keeper)`
}

/** Tells what is waited for where the work takes so long that somebody wonders. */
async function saidIfSlow({ deleting }: RetryPolicy, what: () => string, work: () => Promise<unknown>) {
  let isSaid = false
  const cancel = after(SAID_AFTER_MS, () => {
    isSaid = true
    deleting?.(what())
  })
  try {
    await work()
  } finally {
    cancel()
    if (isSaid) deleting?.(undefined)
  }
}

function blocksIn({ position }: TableDefinition, ranges: BlockSet): string {
  const each = ranges.map(({ from, to }) => `${position} BETWEEN ${from} AND ${to}`)
  const { from, to } = hull(ranges)!
  return each.length === 1 ? each[0]! : `${position} BETWEEN ${from} AND ${to} AND (${each.join(' OR ')})`
}
