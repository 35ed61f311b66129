// Owns which nodes are asked: those that answer; and which replicas lack the ledger, or rows of it.
import { type BackfillError, serverProblem, usageError } from '../../model/errors.ts'
import { BEHIND_SECONDS } from '../../sql-syntax/settings.ts'
import type { Cluster, Server } from '../server.ts'
import type { ClickHouseSettings } from '@clickhouse/client'

/** The nodes that do not answer are left out. Only for questions about nodes: of rows, those of a whole shard would be. */
export const ANSWERING: ClickHouseSettings = {
  skip_unavailable_shards: 1,
  // A node that is halted accepts connections, but says nothing.
  handshake_timeout_ms: 3000,
  receive_timeout: 10,
  connections_with_failover_max_tries: '1',
}

type OfLedger = Pick<Cluster, 'name' | 'places' | 'ledger'>

/** Of the ledger's database, asked of the nodes that answer; `node` counts from 1. */
async function ofLedger<Row>(
  { client }: Pick<Server, 'client'>,
  { name, ledger }: OfLedger,
  table: 'tables' | 'replicas',
  [columns, which]: readonly [columns: string, which: string],
) {
  return await client.rows<Row & { readonly node: number }>({
    query: `SELECT _shard_num AS node, ${columns} FROM clusterAllReplicas({name:String}, system.${table})
      WHERE database = {ledger:String} AND ${which}`,
    query_params: { name, ledger },
    clickhouse_settings: ANSWERING,
    doing: 'looking for the ledger',
  })
}

/** A replica of the ledger that is not whole; `node` counts from 1. */
type Lack = { readonly node: number; readonly who: string; readonly error: BackfillError }

/** The first replica of the ledger that lacks rows: every write waits for it, and what is read there is not all. */
export async function lateReplica(
  server: Pick<Server, 'client'>,
  cluster: OfLedger,
): Promise<Lack | undefined> {
  const late = ['table', `absolute_delay > ${BEHIND_SECONDS}`] as const
  const [found] = await ofLedger<{ table: string }>(server, cluster, 'replicas', late)
  if (found === undefined) return undefined
  const { node, table } = found
  const who = `${cluster.places[node - 1]}, which lacks rows of ${cluster.ledger}.${table}`
  const error = serverProblem(
    `${who}, has not fetched them from the other nodes`,
    'Does it fetch parts? Run it again when absolute_delay in system.replicas of that node is 0',
  )
  return { node, who, error }
}

/** Nodes that have no ledger although others have one with rows, and the first replica that lacks rows. @throws BackfillError `usage` for a ledger on one server */
export async function lacksOfLedger(
  server: Server,
  cluster: OfLedger & Pick<Cluster, 'unreachable'>,
): Promise<readonly Lack[]> {
  const { places, unreachable, ledger } = cluster
  const ledgers = ['engine, total_rows', "name = 'ledger'"] as const
  const [found, late] = await Promise.all([
    ofLedger<{ engine: string; total_rows: number | null }>(server, cluster, 'tables', ledgers),
    lateReplica(server, cluster),
  ])
  // One that was created before the cluster was named; the other nodes do not see it.
  if (found.some(({ engine }) => !/^(Replicated|Shared)/.test(engine)))
    throw usageError(
      `the ledger ${ledger}.ledger is on one server, not on the cluster`,
      'Add --ledger-database <another name> to create one on all nodes; existing tables are then built again',
    )
  const isWritten = found.some(({ total_rows }) => total_rows !== 0)
  const lacking = places.flatMap((who, index): readonly Lack[] => {
    if (!isWritten || unreachable.includes(who) || found.some(({ node }) => node === index + 1)) return []
    const error = serverProblem(
      `${who} of the cluster has no ledger ${ledger}.ledger, and others have it`,
      'Make its tables anew with the UUIDs that they have on other nodes, as docs/how-to/clusters.md shows; the rows come by themselves',
    )
    return [{ node: index + 1, who, error }]
  })
  return [...lacking, ...(late ? [late] : [])]
}
