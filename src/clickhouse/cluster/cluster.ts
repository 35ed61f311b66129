// Owns the target server's place in its cluster (shards, Keeper, a load balancer), read before any other question, and the nodes that do not
// answer.
import { closing } from '../../model/closing.ts'
import { BackfillError, usageError, serverProblem } from '../../model/errors.ts'
import { type Names, type Cluster, openAgain, type Server } from '../server.ts'
import { ACCESS_DENIED, grantee, unknownUser } from '../error-codes.ts'
import { errorCode, messageOf } from '../server-error.ts'
import { keptQuorum } from './quorum.ts'
import { ANSWERING, assertEvenShards, lacksOfLedger, lateReplica } from './replicas.ts'
import { timeoutSignal } from '../../seam/clock.ts'
import { quoteString } from '../../sql-syntax/quoting.ts'
import { type RetryPolicy, untilReachable } from '../retry.ts'

/** Connections to compare: with two nodes behind a random load balancer, one run in 128 misses it. */
const POLLS = 7

export type Joined = {
  readonly server: Server
  /** The databases of backfill on it: if the cluster has Keeper, locks are in Keeper. */
  readonly names: Names
}

/**
 * The only way for a command to reach the target's ledger, locks and tables: if a cluster is named, the server is a node of it.
 * @throws BackfillError `usage` if the server, its macro, the ledger or a load balancer before it does not fit the cluster
 */
export async function joinCluster(
  server: Server,
  { cluster: name, names }: { readonly cluster: string | undefined; readonly names: Names },
): Promise<Joined> {
  if (name === undefined) return { server, names }
  const [{ nodes, places, slots, here }, macro, keeper, identities] = await Promise.all([
    nodesOf(server, name),
    macroOf(server),
    hasKeeper(server),
    identitiesBehind(server),
  ])
  const unreachable = await unreachableNodes(server, { name, places, keeper })
  if (unreachable.includes(KEEPER)) throw nodesMissing(server, unreachable)
  const balanced = identities.some((identity) => identity !== server.info.identity)
  if (macro === undefined ? keeper : macro !== name)
    throw usageError(
      `the macro {cluster} of the target server is ${macro === undefined ? 'not set' : `'${macro}'`}, and the cluster is '${name}'`,
      `the DDL files say ON CLUSTER '{cluster}': ${macro === undefined ? '' : `--cluster ${macro}, or `}set the macro in the configuration of each server`,
    )
  if (balanced && !keeper)
    throw usageError(
      `connections to target ${server.connection.url} end at different servers, which share no ledger and no locks: they have no Keeper`,
      'Set TARGET_CLICKHOUSE_URL to one of the servers, always the same, in place of the load balancer',
    )
  const cluster = { name, nodes, places, slots, unreachable, names, keeper, balanced }
  const [lacks, kept] = keeper
    ? await Promise.all([lacksOfLedger(server, cluster), keptQuorum(server, cluster)])
    : [[]]
  // What is read there would say that nothing, or less, is done; other nodes are only warned of.
  const own = lacks.find(
    ({ node, kind }) => kind === 'split' || (kind !== 'strange' && (balanced || node === (here ?? node))),
  )
  if (own !== undefined) throw own.error
  return {
    server: {
      ...server,
      cluster: { ...cluster, lacking: [...lacks, ...(kept ? [{ kind: 'quorum', error: kept }] : [])] },
    },
    names: keeper ? { ...names, inKeeper: true } : names,
  }
}

export function onAllNodes({ cluster }: Pick<Server, 'cluster'>, table: `system.${string}`): string {
  return cluster === undefined ? table : `clusterAllReplicas(${quoteString(cluster.name)}, ${table})`
}

/** `here`: the connected one, counted from 1; undefined if the server does not know itself among them. */
async function nodesOf({ client }: Server, name: string) {
  const rows = await client.rows<{
    cluster: string
    shard: number
    replica: number
    weight: number
    at: string
    here: 0 | 1
  }>({
    query: `SELECT cluster, shard_num AS shard, shard_weight AS weight, replica_num AS replica, concat(host_name, ':', toString(port)) AS at, is_local AS here
      FROM system.clusters ORDER BY cluster, shard, replica`,
    doing: 'looking for its clusters',
  })
  const nodes = rows.filter(({ cluster }) => cluster === name)
  const known = [...new Set(rows.map(({ cluster }) => cluster))]
  if (nodes.length === 0)
    throw usageError(
      `the target server does not know the cluster '${name}'`,
      known.length === 0
        ? 'it has no clusters: remove --cluster and BACKFILL_CLUSTER'
        : `it knows ${known.join(', ')}`,
    )
  // A node that is listed twice is asked once.
  const once = [...new Map(nodes.toReversed().map((node) => [node.at, node])).values()].toReversed()
  const here = once.findIndex((node) => node.here === 1) + 1
  const weights = new Map(nodes.map(({ shard, weight }) => [shard, weight]))
  return {
    slots: [...weights].flatMap(([shard, weight]) => Array.from({ length: weight }, () => shard)),
    here: here === 0 ? undefined : here,
    nodes: once.map(({ shard }) => shard),
    places: once.map(({ replica, shard, at }) => `replica ${replica} of shard ${shard} (${at})`),
  }
}

async function macroOf({ client }: Server): Promise<string | undefined> {
  const [row] = await client.rows<{ substitution: string }>({
    query: `SELECT substitution FROM system.macros WHERE macro = 'cluster'`,
    doing: 'looking for the macro {cluster}',
  })
  return row?.substitution
}

/** A server that is configured with Keeper (or ZooKeeper) has this table; the user may lack the right to see it. */
async function hasKeeper({ client, connection }: Server): Promise<boolean> {
  try {
    const [row] = await client.rows<{ readonly result: number }>({
      query: 'EXISTS TABLE system.zookeeper',
      doing: 'looking for Keeper',
    })
    return row?.result === 1
  } catch (error) {
    if (errorCode(error) === ACCESS_DENIED)
      throw usageError(
        `user '${connection.username}' may not see whether the cluster has Keeper`,
        `GRANT SHOW TABLES ON system.zookeeper${grantee(connection)}`,
      )
    throw error
  }
}

/** The servers that answer some new connections: more than one if a load balancer is in front. */
export async function identitiesBehind(server: Server): Promise<readonly string[]> {
  return await Promise.all(
    Array.from({ length: POLLS }, () => closing(openAgain(server), (again) => again.identify())),
  )
}

/** As people read it, beside the nodes: it keeps the locks, and lets Replicated tables be written to. */
const KEEPER = 'Keeper'

const KEEPER_EXCEPTION = 999
const SOCKET_TIMEOUT = 209
/** And NETWORK_ERROR: a node that answered before. */
const LOST = [SOCKET_TIMEOUT, 210]
const REFUSED = 516
/** And ATTEMPT_TO_READ_AFTER_EOF: so, or with NETWORK_ERROR, each connection of a user ends whom a node does not know. */
const ENDED = [32, REFUSED]

/** More than a node that is halted takes, see ANSWERING. */
const SILENT_MS = 20_000

/** The nodes that do not answer, as `replica 2 of shard 1 (host:9000)`, or `Keeper`: as the connected node sees them. */
export async function unreachableNodes(
  { client, connection }: Pick<Server, 'client' | 'connection'>,
  cluster: Pick<Cluster, 'name' | 'places' | 'keeper'>,
  asked = 1,
): Promise<readonly string[]> {
  const { name, places, keeper } = cluster
  const from = keeper ? 'SELECT count() AS one FROM system.zookeeper_connection' : 'SELECT 1 AS one'
  const late = timeoutSignal(SILENT_MS)
  try {
    // As text, because a question for rows would be asked again.
    const answer = await client.text({
      query: `SELECT groupArray(_shard_num) FROM clusterAllReplicas({name:String}, view(${from}))`,
      query_params: { name },
      clickhouse_settings: ANSWERING,
      abort_signal: late,
      doing: 'asking all nodes of the cluster',
    })
    const answering = JSON.parse(answer) as readonly number[]
    return places.filter((_, index) => !answering.includes(index + 1))
  } catch (error) {
    const cause = (error as Error).cause
    // Keeper that stands still keeps the question waiting for minutes, on every node.
    if (late.aborted && keeper) {
      const others = await unreachableNodes({ client, connection }, { name, places, keeper: false })
      return others.length > 0 ? others : [KEEPER]
    }
    if (errorCode(cause) === KEEPER_EXCEPTION) return [KEEPER]
    const lost = places.filter((place) => messageOf(cause).includes(/\((.*)\)/.exec(place)![1]!))
    const code = errorCode(cause)
    if (![...LOST, ...ENDED].includes(code) || lost.length === 0) throw error
    // The error names one node only. It had a connection, which is gone now: the next answer leaves it out, with all others.
    if (code !== REFUSED && asked <= places.length)
      return await unreachableNodes({ client, connection }, cluster, asked + 1)
    if (code === SOCKET_TIMEOUT) return lost
    throw serverProblem(
      `${lost[0]} of the cluster '${name}' ends each connection of user '${connection.username}'`,
      unknownUser(connection),
      { code, cause },
    )
  }
}

export function nodesMissing({ connection }: Pick<Server, 'connection'>, missing: readonly string[]) {
  return serverProblem(
    `${missing.join(', ')} of the cluster of target ${connection.url} ${missing.length === 1 ? 'is' : 'are'} unreachable, and every write waits for all nodes`,
    missing.includes(KEEPER)
      ? 'Start it; until then no command of the cluster works but backfill doctor'
      : 'Start it, or take it, and as many replicas of each other shard, out of the cluster in the configuration of all nodes; backfill status, plan, log and verify work meanwhile',
  )
}

/** @throws BackfillError of a cluster with Keeper: `server` if a node did not answer when it was joined, or has no ledger or no locks, `usage` if a shard has more replicas than another */
export function assertAllNodes(server: Server): void {
  if (!server.cluster?.keeper) return
  const { unreachable, lacking = [] } = server.cluster
  if (unreachable.length > 0) throw nodesMissing(server, unreachable)
  const lack = lacking.find(({ kind }) => kind !== 'late')
  if (lack !== undefined) throw lack.error
  assertEvenShards(server.cluster)
}

/** Resolves when all nodes and Keeper answer, and all replicas of the ledger have its rows; at once without Keeper. @throws BackfillError `server` when time is up */
export async function nodesReachable(server: Server, retryPolicy: RetryPolicy): Promise<void> {
  const { cluster } = server
  if (!cluster?.keeper) return
  await untilReachable(async () => {
    try {
      const missing = await unreachableNodes(server, cluster)
      if (missing[0] !== undefined) return { who: missing[0], error: nodesMissing(server, missing) }
    } catch (error) {
      // A proxy before a node that has died ends connections, too.
      if (error instanceof BackfillError && error.kind === 'server' && error.code !== 0)
        return { who: error.message, error }
      throw error
    }
    return await lateReplica(server, cluster)
  }, retryPolicy)
}
