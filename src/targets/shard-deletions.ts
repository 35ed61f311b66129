// Owns waiting for a deletion on all nodes of a cluster, and why it never ends: a part that no replica has, a replica that is read-only, a mutation that fails.
import { errorInBody } from '../clickhouse/answers.ts'
import { nodesReachable } from '../clickhouse/cluster/cluster.ts'
import { ANSWERING } from '../clickhouse/cluster/replicas.ts'
import type { localOf } from '../clickhouse/cluster/shard-tables.ts'
import type { RetryPolicy } from '../clickhouse/retry.ts'
import { messageOf, serverError } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'
import { failedError, retryOf } from '../model/errors.ts'
import { quoteString } from '../sql-syntax/quoting.ts'
import { monotonicMs, sleep } from '../seam/clock.ts'

const POLL_MS = 250

/** A node looks at its parts within seconds. */
const LOST_AFTER_MS = 60_000

/** A mutation that fails for a moment, for want of memory, has been tried again by then. */
const FAILING_AFTER_MS = 30_000

type StuckTable = Awaited<ReturnType<typeof localOf>>

/**
 * A part whose quorum failed, because a node died in the INSERT, stays in a replica's list of what is to be mutated, and the mutation never ends (26.7).
 * So it does on a replica that is read-only for so long. @throws BackfillError `failed` naming the replica
 */
async function assertNoLostPart(
  { client, cluster }: Server,
  id: string,
  { table: { database, table }, doing }: { readonly table: StuckTable; readonly doing: string },
): Promise<void> {
  const [lost] = await client.rows<{ node: number; name: string; part: string }>({
    query: `SELECT _shard_num AS node, name, part FROM clusterAllReplicas({cluster:String}, view(
      SELECT concat(database, '.', table) AS name, '' AS part FROM system.replicas
      WHERE database = {database:String} AND table = {table:String} AND is_readonly
      UNION ALL
      SELECT concat(database, '.', table) AS name, arrayJoin(parts_to_do_names) AS part FROM system.mutations
      WHERE position(command, {id:String}) > 0 AND NOT is_done
        AND (database, table, part) NOT IN (SELECT database, table, name FROM system.parts)
        AND (database, table) IN (SELECT database, table FROM system.replicas WHERE queue_size = 0)))`,
    query_params: { id, cluster: cluster!.name, database, table },
    clickhouse_settings: ANSWERING,
    doing,
  })
  if (lost === undefined) return
  if (lost.part === '')
    throw failedError(
      `${doing}: ${lost.name} is read-only on ${cluster!.places[lost.node - 1]}`,
      `Type SYSTEM RESTART REPLICA ${lost.name} there, and SYSTEM RESTORE REPLICA ${lost.name} if it stays read-only, because its metadata in Keeper is lost; then run backfill up again`,
    )
  throw failedError(
    `${doing}: ${cluster!.places[lost.node - 1]} waits for part ${lost.part} of ${lost.name}, which no replica has`,
    `A node died when it was inserted: type SYSTEM RESTART REPLICA ${lost.name} on each node of that shard, then run backfill up again`,
  )
}

/** Mutations of a part are applied in their order, often together: one of somebody else that fails keeps all others waiting. @throws BackfillError `failed` naming it */
async function assertNoneFails(
  { client, cluster }: Server,
  id: string,
  { table: { database, table }, doing }: { readonly table: StuckTable; readonly doing: string },
): Promise<void> {
  const all = await client.rows<{ node: number; mutation: string; shown: string; why: string }>({
    query: `SELECT _shard_num AS node, mutation_id AS mutation, substring(command, 1, 200) AS shown, latest_fail_reason AS why
      FROM clusterAllReplicas({cluster:String}, system.mutations)
      WHERE database = {database:String} AND table = {table:String} AND NOT is_done AND latest_fail_reason != ''
        AND position(command, {id:String}) = 0
      ORDER BY create_time LIMIT 1 BY node, shown`,
    query_params: { id, cluster: cluster!.name, database, table },
    clickhouse_settings: ANSWERING,
    doing,
  })
  const [failing] = all
  if (failing === undefined) return
  const { node, mutation, shown, why } = failing
  // Each shard gives it another id, under which a second one may have a mutation that is right.
  const ofShards = Map.groupBy(
    all.filter((one) => one.shown === shown),
    (one) => cluster!.nodes[one.node - 1],
  )
  const kills = [...ofShards.values()].map(
    ([one]) =>
      `KILL MUTATION WHERE database = ${quoteString(database)} AND table = ${quoteString(table)} AND mutation_id = ${quoteString(one!.mutation)} on ${cluster!.places[one!.node - 1]}`,
  )
  throw failedError(
    `${doing} waits on ${cluster!.places[node - 1]} behind mutation ${mutation} of ${database}.${table} (${shown}), which fails: ${messageOf(errorInBody(why))}`,
    `Type ${kills.join(', and ')}; then run backfill up again`,
  )
}

/** For each node that answers, of the mutations `which`: how many there are, how many are left, why one fails. */
export async function onEachNode(
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
 * `waitsFor`: told the places of the nodes that have not ended it, also at the end, when time is up or the run is stopped.
 * @throws BackfillError `server` if a node is unreachable for longer than `retryPolicy` says
 */
export async function untilDeleted(
  server: Server,
  table: StuckTable,
  {
    id,
    doing,
    seconds,
    waitsFor,
  }: {
    readonly id: string
    readonly doing: string
    readonly seconds: number
    readonly waitsFor: (places: readonly string[]) => void
  },
  retryPolicy: RetryPolicy,
): Promise<void> {
  const began = monotonicMs()
  const deadline = began + seconds * 1000
  for (;;) {
    const nodes = await onEachNode(server, 'position(command, {id:String}) > 0', {
      query_params: { id },
      doing,
    })
    const why = nodes.map((node) => node.why).find((reason) => reason !== '')
    if (why !== undefined) {
      const error = serverError(errorInBody(why), { connection: server.connection, doing })
      // A replica that has not fetched a part yet tries again by itself.
      if (retryOf(error) !== 'retry' || monotonicMs() - began > FAILING_AFTER_MS) throw error
    }
    // A replica learns of it a moment later than the node that has taken it.
    const ended = nodes.filter(({ found, left }) => found > 0 && left === 0)
    const waiting = server.cluster!.places.filter((_, index) => !ended.some(({ node }) => node === index + 1))
    waitsFor(waiting)
    if (waiting.length === 0 || retryPolicy.signal.aborted || monotonicMs() > deadline) return
    if (nodes.length < server.cluster!.nodes.length) await nodesReachable(server, retryPolicy)
    if (monotonicMs() - began > FAILING_AFTER_MS) await assertNoneFails(server, id, { table, doing })
    if (monotonicMs() - began > LOST_AFTER_MS) await assertNoLostPart(server, id, { table, doing })
    await sleep(POLL_MS, retryPolicy.signal)
  }
}
