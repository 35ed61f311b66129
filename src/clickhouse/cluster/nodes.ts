// Owns the nodes of a cluster that do not answer, and statements ON CLUSTER, which wait for all of them.
import type { ClickHouseSettings } from '@clickhouse/client'
import { serverProblem } from '../../model/errors.ts'
import { type RetryPolicy, untilReachable } from '../retry.ts'
import { errorCode, messageOf } from '../server-error.ts'
import type { Cluster, Server } from '../server.ts'

/** As people read it, beside the nodes: it keeps the locks, and lets Replicated tables be written to. */
export const KEEPER = 'Keeper'

const TIMEOUT_EXCEEDED = 159
const KEEPER_EXCEPTION = 999
/** SOCKET_TIMEOUT, NETWORK_ERROR: a node that answered before. */
const LOST = [209, 210]

/** How long a statement waits in the queue of ON CLUSTER until all nodes have run it. */
const QUEUE_SECONDS = 60

/** The nodes that do not answer are left out. Only for questions about nodes: of rows, those of a whole shard would be. */
export const ANSWERING: ClickHouseSettings = {
  skip_unavailable_shards: 1,
  // A node that is halted accepts connections, but says nothing.
  handshake_timeout_ms: 3000,
  receive_timeout: 10,
  connections_with_failover_max_tries: '1',
}

/** The nodes that do not answer, as `replica 2 of shard 1 (host:9000)`, or `Keeper`: as the connected node sees them. */
export async function unreachableNodes(
  { client }: Pick<Server, 'client'>,
  { name, places, keeper }: Pick<Cluster, 'name' | 'places' | 'keeper'>,
): Promise<readonly string[]> {
  const from = keeper ? 'SELECT count() AS one FROM system.zookeeper_connection' : 'SELECT 1 AS one'
  try {
    // As text, because a question for rows would be asked again.
    const answer = await client.text({
      query: `SELECT groupArray(_shard_num) FROM clusterAllReplicas({name:String}, view(${from}))`,
      query_params: { name },
      clickhouse_settings: ANSWERING,
      doing: 'asking all nodes of the cluster',
    })
    const answering = JSON.parse(answer) as readonly number[]
    return places.filter((_, index) => !answering.includes(index + 1))
  } catch (error) {
    const cause = (error as Error).cause
    if (errorCode(cause) === KEEPER_EXCEPTION) return [KEEPER]
    const lost = places.filter((place) => messageOf(cause).includes(/\((.*)\)/.exec(place)![1]!))
    if (!LOST.includes(errorCode(cause)) || lost.length === 0) throw error
    return lost
  }
}

export function nodesMissing({ connection }: Pick<Server, 'connection'>, missing: readonly string[]) {
  return serverProblem(
    `${missing.join(', ')} of the cluster of target ${connection.url} ${missing.length === 1 ? 'is' : 'are'} unreachable, and every write waits for all nodes`,
    missing.includes(KEEPER)
      ? 'Start it; until then no command of the cluster works but backfill doctor'
      : 'Start it, or take the node out of the cluster in the configuration of all nodes; backfill status, plan, log and verify work meanwhile',
  )
}

/** @throws BackfillError `server` if a node of a cluster with Keeper did not answer when the cluster was joined */
export function assertAllNodes(server: Server): void {
  const { unreachable = [], keeper } = server.cluster ?? {}
  if (keeper && unreachable.length > 0) throw nodesMissing(server, unreachable)
}

/** Resolves when all nodes and Keeper answer; at once without Keeper. @throws BackfillError `server` when time is up */
export async function nodesReachable(server: Server, retryPolicy: RetryPolicy): Promise<void> {
  const { cluster } = server
  if (!cluster?.keeper) return
  await untilReachable(async () => {
    const missing = await unreachableNodes(server, cluster)
    return missing[0] === undefined ? undefined : { who: missing[0], error: nodesMissing(server, missing) }
  }, retryPolicy)
}

type Queued = Parameters<Server['client']['command']>[0] & { readonly doing: string }

/** Resolves when every node has run the statement. @throws BackfillError `server` naming the nodes that the queue waits for */
export async function runQueued(server: Server, { doing, ...statement }: Queued): Promise<void> {
  const { cluster } = server
  const queued: ClickHouseSettings = {
    distributed_ddl_output_mode: 'throw',
    distributed_ddl_task_timeout: String(QUEUE_SECONDS),
    // Otherwise the exception arrives in the middle of a body, and looks like a lost connection.
    wait_end_of_query: 1,
  }
  try {
    await server.client.command({
      ...statement,
      doing,
      clickhouse_settings: { ...(cluster?.keeper && queued), ...statement.clickhouse_settings },
    })
  } catch (error) {
    if (!cluster?.keeper || errorCode((error as Error).cause) !== TIMEOUT_EXCEEDED) throw error
    const missing = await unreachableNodes(server, cluster)
    if (missing.length > 0) throw nodesMissing(server, missing)
    throw serverProblem(
      `${doing}: the queue of ON CLUSTER has not run it on all nodes after ${QUEUE_SECONDS} s`,
      'backfill doctor shows the entry that does not end; the node that has it goes on when it is started again',
      { cause: error },
    )
  }
}
