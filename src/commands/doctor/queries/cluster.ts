// Owns what doctor finds out about a cluster, from the target's point of view.
import type { Asked } from '../checks/finding.ts'
import type { ClusterFacts } from '../checks/cluster.ts'
import { ask, attempted, mapped } from './question.ts'
import type { Names } from '../../../clickhouse/own-databases.ts'
import type { Server } from '../../../clickhouse/server.ts'

export type ClusterQuestion = {
  readonly server: Server
  readonly names: Names
  readonly cluster: string
  /** @throws BackfillError where a run would refuse the cluster */
  readonly join: () => Promise<unknown>
}

export async function readCluster({ server, names, cluster, join }: ClusterQuestion): Promise<ClusterFacts> {
  const databases = [server.connection.database, names.ledger, names.locks]
  const [joined, nodes, answering, replicas, keeper] = await Promise.all([
    attempted(server.connection, join),
    ask<{ host: string; shard: string; replica: string; errors: string }>(
      server,
      `SELECT concat(host_name, ':', toString(port)) AS host, shard_num AS shard, replica_num AS replica,
        errors_count AS errors FROM system.clusters WHERE cluster = {cluster:String}`,
      { cluster },
    ),
    ask<{ answering: string }>(
      server,
      'SELECT count() AS answering FROM clusterAllReplicas({cluster:String}, system.one)',
      { cluster },
    ),
    ask<{ host: string; table: string; stuck: string; delay: string; problem: string }>(
      server,
      `SELECT hostName() AS host, concat(database, '.', table) AS table, is_readonly AS stuck, absolute_delay AS delay,
        splitByChar('\\n', zookeeper_exception)[1] AS problem
      FROM clusterAllReplicas({cluster:String}, system.replicas) WHERE has({databases:Array(String)}, database)`,
      { cluster, databases },
    ),
    readKeeper(server),
  ])
  return {
    name: cluster,
    refusal: 'refused' in joined ? joined.refused : undefined,
    nodes: mapped(nodes, (rows) =>
      rows.map(({ host, shard, replica, errors }) => ({
        host,
        shard: Number(shard),
        replica: Number(replica),
        errors: Number(errors),
      })),
    ),
    answering: mapped(answering, ([row]) => Number(row?.answering)),
    replicas: mapped(replicas, (rows) =>
      rows.map(({ host, table, stuck, delay, problem }) => ({
        host,
        table,
        readonly: Number(stuck) !== 0,
        delaySeconds: Number(delay),
        problem,
      })),
    ),
    keeper,
  }
}

/** Without a Keeper in its configuration a server has no such table. */
async function readKeeper(server: Server): Promise<Asked<boolean | undefined>> {
  const there = await ask<{ name: string }>(
    server,
    `SELECT name FROM system.tables WHERE database = 'system' AND name = 'zookeeper'`,
  )
  if ('refused' in there || there.got.length === 0) return mapped(there, () => undefined)
  return mapped(await ask(server, `SELECT count() FROM system.zookeeper WHERE path = '/'`), () => true)
}
