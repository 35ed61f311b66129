// Owns the target server's place in its cluster: shards, Keeper, a load balancer. Read before any other question.
import { closing } from '../../model/closing.ts'
import { usageError } from '../../model/errors.ts'
import { type Names, type Cluster, openAgain, type Server } from '../server.ts'
import { ACCESS_DENIED } from '../error-codes.ts'
import { errorCode } from '../server-error.ts'
import { quotedName, quoteString } from '../../sql-syntax/quoting.ts'
import { KEEPER, nodesMissing, unreachableNodes } from './nodes.ts'

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
  const [{ nodes, places }, macro, keeper, identities] = await Promise.all([
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
  if (keeper) await assertLedgerOfCluster(server, names)
  return {
    server: { ...server, cluster: { name, nodes, places, unreachable, keeper, balanced } },
    names: keeper ? { ...names, inKeeper: true } : names,
  }
}

export function onAllNodes({ cluster }: Pick<Server, 'cluster'>, table: `system.${string}`): string {
  return cluster === undefined ? table : `clusterAllReplicas(${quoteString(cluster.name)}, ${table})`
}

/** ` ON CLUSTER …` if the server's cluster has a queue for it. It uses the macro, because parameters are not allowed there. */
export function onCluster({ cluster }: Pick<Server, 'cluster'>): string {
  return cluster?.keeper ? ` ON CLUSTER '{cluster}'` : ''
}

async function nodesOf({ client }: Server, name: string): Promise<Pick<Cluster, 'nodes' | 'places'>> {
  const rows = await client.rows<{ cluster: string; shard: number; replica: number; at: string }>({
    query: `SELECT cluster, shard_num AS shard, replica_num AS replica, concat(host_name, ':', toString(port)) AS at
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
  return {
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
        `GRANT SHOW TABLES ON system.zookeeper TO ${quotedName(connection.username)}`,
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

/** A ledger that was created before the cluster was named is on one node, and the other nodes do not see it. */
async function assertLedgerOfCluster({ client }: Server, names: Names): Promise<void> {
  const rows = await client.rows<{ engine: string }>({
    query: `SELECT engine FROM system.tables WHERE database = {ledger:String} AND name = 'ledger'`,
    query_params: { ledger: names.ledger },
    doing: 'looking for the ledger',
  })
  if (rows.every(({ engine }) => /^(Replicated|Shared)/.test(engine))) return
  throw usageError(
    `the ledger ${names.ledger}.ledger is on one server, not on the cluster`,
    'Add --ledger-database <another name> to create one on all nodes; existing tables are then built again',
  )
}
