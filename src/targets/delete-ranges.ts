// Owns deleting ranges: fenced, limited in time, with a check that no row is left; on a cluster, on all shards.
import { sql, type SqlBool } from 'kysely'
import { BackfillError, failedError } from '../model/errors.ts'
import { type BlockSet, hull, namedBlocks } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import { EPOCH_DIGITS, fence, literalFence } from '../lock/fence.ts'
import type { Lock } from '../lock/lock.ts'
import { quoteIdentifier, quoteString } from '../sql-syntax/quoting.ts'
import { onCluster, nodesReachable, runQueued } from '../clickhouse/cluster/cluster.ts'
import { assertNoLostPart, LOST_AFTER_MS, type StuckTable } from './stuck-deletion.ts'
import { ANSWERING } from '../clickhouse/cluster/replicas.ts'
import { localOf } from '../clickhouse/cluster/shard-tables.ts'
import { touchesSome, withParams } from '../clickhouse/dialect.ts'
import type { RetryPolicy } from '../clickhouse/retry.ts'
import type { Names, Server } from '../clickhouse/server.ts'
import { errorCode, serverError } from '../clickhouse/server-error.ts'
import { errorInBody } from '../clickhouse/answers.ts'
import { monotonicMs, sleep } from '../seam/clock.ts'
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

const POLL_MS = 250

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

    /** In one statement, fenced; makes sure that none is left. Only of `per-block` tables. @throws BackfillError `failed`; `locked` when the fence refused it */
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
      if (cluster === undefined)
        await client
          .command({
            ...deletionHere(job),
            doing,
            clickhouse_settings: { lightweight_deletes_sync: '2', max_execution_time: seconds },
          })
          .catch((error: unknown) => {
            throw errorCode(error) === TIMEOUT_EXCEEDED ? endless('', error) : error
          })
      else {
        const id = randomId()
        await runQueued(server, { ...(await deletionOnShards(job, id)), doing })
        const local = await localOf(server, table)
        const waiting = await untilDeleted(server, local, { id, doing, seconds }, retryPolicy)
        if (waiting.length > 0) throw endless(` on ${waiting.join(', ')}`)
      }
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

/** For each node that answers, of the mutations `which`: how many there are, how many are left, why one fails. */
async function onEachNode(
  { client, cluster }: Server,
  which: string,
  { query_params, doing }: { readonly query_params: Record<string, string>; readonly doing: string },
) {
  return await client.rows<{ node: number; found: number; left: number; why: string }>({
    query: `SELECT _shard_num AS node, found, left, why FROM clusterAllReplicas({cluster:String}, view(
      SELECT count() AS found, countIf(NOT is_done) AS left, max(latest_fail_reason) AS why FROM system.mutations WHERE ${which}))`,
    query_params: { ...query_params, cluster: cluster!.name },
    clickhouse_settings: ANSWERING,
    doing,
  })
}

/**
 * Every node deletes by itself: a statement that waited would hold up the queue of ON CLUSTER, for ever if a node dies (fixed in 26.8).
 * @returns places of the nodes that have not ended it in time
 * @throws BackfillError `server` if a node is unreachable for longer than `retryPolicy` says
 */
async function untilDeleted(
  server: Server,
  table: StuckTable,
  { id, doing, seconds }: { readonly id: string; readonly doing: string; readonly seconds: number },
  retryPolicy: RetryPolicy,
): Promise<readonly string[]> {
  const began = monotonicMs()
  const deadline = began + seconds * 1000
  for (;;) {
    const nodes = await onEachNode(server, 'position(command, {id:String}) > 0', {
      query_params: { id },
      doing,
    })
    const why = nodes.map((node) => node.why).find((reason) => reason !== '')
    if (why !== undefined) throw serverError(errorInBody(why), { connection: server.connection, doing })
    // A replica learns of it a moment later than the node that has taken it.
    const ended = nodes.filter(({ found, left }) => found > 0 && left === 0)
    const waiting = server.cluster!.places.filter((_, index) => !ended.some(({ node }) => node === index + 1))
    if (waiting.length === 0 || monotonicMs() > deadline) return waiting
    if (nodes.length < server.cluster!.nodes.length) await nodesReachable(server, retryPolicy)
    if (monotonicMs() - began > LOST_AFTER_MS) await assertNoLostPart(server, id, { table, doing })
    await sleep(POLL_MS)
  }
}

function blocksIn({ position }: TableDefinition, ranges: BlockSet): string {
  const each = ranges.map(({ from, to }) => `${position} BETWEEN ${from} AND ${to}`)
  const { from, to } = hull(ranges)!
  return each.length === 1 ? each[0]! : `${position} BETWEEN ${from} AND ${to} AND (${each.join(' OR ')})`
}
