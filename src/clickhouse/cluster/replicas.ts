// Owns which nodes are asked: those that answer; which replicas lack the ledger, or rows of it; and that each shard has as many.
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

type OfLedger = Pick<Cluster, 'name' | 'places' | 'names'>

/** Of the databases of ledger and locks, asked of the nodes that answer; `node` counts from 1. */
async function ofLedger<Row>(
  { client }: Pick<Server, 'client'>,
  { name, names: { ledger, locks } }: OfLedger,
  table: 'tables' | 'replicas',
  [columns, which]: readonly [columns: string, which: string],
) {
  return await client.rows<Row & { readonly node: number }>({
    query: `SELECT _shard_num AS node, ${columns} FROM clusterAllReplicas({name:String}, system.${table})
      WHERE database IN ({ledger:String}, {locks:String}) AND ${which}`,
    query_params: { name, ledger, locks },
    clickhouse_settings: ANSWERING,
    doing: 'looking for the ledger',
  })
}

/** A replica of the ledger that is not whole; `node` counts from 1. */
type Lack = {
  /** `strange`: it may be read. `split`: by no node, for none knows which part is right. `apart`: it is soon whole again. */
  readonly kind: 'absent' | 'late' | 'apart' | 'strange' | 'split'
  readonly node: number
  readonly who: string
  readonly error: BackfillError
}

type ReplicaState = Readonly<Record<'isLost' | 'isLate' | 'isApart', 0 | 1>> & {
  readonly table: string
  readonly active: number
  readonly path: string
}

/** A table of the ledger has one path for all nodes. A node whose macros were changed has another: a RESTORE there would make a ledger of its own. */
function splitOff(
  found: readonly (ReplicaState & { readonly node: number })[],
  { places, names }: OfLedger,
): Lack | undefined {
  for (const [table, replicas] of Map.groupBy(found, (one) => one.table)) {
    const byPath = [...Map.groupBy(replicas, ({ path }) => path).values()]
    const [[odd], [other] = []] = byPath.toSorted(
      (a, b) => a.length - b.length || b[0]!.node - a[0]!.node,
    ) as [typeof replicas, typeof replicas | undefined]
    if (odd === undefined || other === undefined) continue
    const who = `${places[odd.node - 1]}, where ${names.ledger}.${table} has another path in Keeper`
    const error = serverProblem(
      `${who}, ${odd.path}, than on ${places[other.node - 1]}, ${other.path}: these are two ledgers`,
      'Set the macros back in the configuration of that node to those with which the ledger was made, and restart it',
    )
    return { kind: 'split', node: odd.node, who, error }
  }
  return undefined
}

/**
 * The first replica of the ledger that lacks rows: every write waits for it, and what is read there is not all. Or one that is in no list: it would count
 * for a write in the place of one that is.
 */
export async function lateReplica(
  server: Pick<Server, 'client'>,
  cluster: OfLedger,
): Promise<Lack | undefined> {
  const { places, names } = cluster
  // For seconds after Keeper or the node has started again, a replica is read-only because its session is over.
  const apart = '(is_readonly AND is_session_expired)'
  const lost = "(is_readonly AND NOT is_session_expired OR zookeeper_exception LIKE '%No node%')"
  const late = `absolute_delay > ${BEHIND_SECONDS}`
  const all = await ofLedger<ReplicaState>(server, cluster, 'replicas', [
    `table, ${lost} AS isLost, ${late} AS isLate, ${apart} AS isApart, active_replicas AS active, zookeeper_path AS path`,
    '1',
  ])
  const split = splitOff(all, cluster)
  if (split !== undefined) return split
  const first =
    all.find(({ isLost, isLate }) => isLost === 1 || isLate === 1) ??
    all.find(({ active }) => active > places.length) ??
    all.find(({ isApart }) => isApart === 1)
  if (first === undefined) return undefined
  const { node, table, isLost, isLate, active } = first
  const name = `${names.ledger}.${table}`
  const place = places[node - 1]
  if (isLost === 1) {
    const who = `${place}, where ${name} is read-only`
    const error = serverProblem(
      `${who}: its metadata in Keeper is lost, or does not fit the parts`,
      `If it says so a minute later, too, type SYSTEM RESTART REPLICA ${name} there, and only if it stays read-only SYSTEM RESTORE REPLICA ${name}; on each node that says so`,
    )
    return { kind: 'late', node, who, error }
  }
  if (isLate === 1) {
    const who = `${place}, which lacks rows of ${name}`
    const error = serverProblem(
      `${who}, has not fetched them from the other nodes`,
      'Does it fetch parts? Run it again when absolute_delay in system.replicas of that node is 0',
    )
    return { kind: 'late', node, who, error }
  }
  if (active <= places.length) {
    const who = `${place}, which has no session with Keeper yet`
    const error = serverProblem(
      `${who}: it cannot write to ${name}`,
      'Run it again in a minute; if that lasts, does the node reach Keeper?',
    )
    return { kind: 'apart', node, who, error }
  }
  const who = `the cluster '${cluster.name}', whose list lacks servers with ${name}`
  const error = serverProblem(
    `${active} servers have ${name}, and the cluster '${cluster.name}' lists ${places.length}: a write that waits for all could count before they have it`,
    'Stop the servers that are in no list, or list them in <remote_servers> of all nodes',
  )
  return { kind: 'strange', node, who, error }
}

/** Nodes that have no ledger, or no locks, although others have them with rows, and the first replica that lacks rows. @throws BackfillError `usage` for a ledger on one server */
export async function lacksOfLedger(
  server: Server,
  cluster: OfLedger & Pick<Cluster, 'unreachable'>,
): Promise<readonly Lack[]> {
  const {
    places,
    unreachable,
    names: { ledger, locks },
  } = cluster
  const both = ['name, engine, total_rows', "name IN ('ledger', 'locks')"] as const
  const [found, late] = await Promise.all([
    ofLedger<{ name: string; engine: string; total_rows: number | null }>(server, cluster, 'tables', both),
    lateReplica(server, cluster),
  ])
  // One that was created before the cluster was named; the other nodes do not see it.
  if (found.some(({ name, engine }) => name === 'ledger' && !/^(Replicated|Shared)/.test(engine)))
    throw usageError(
      `the ledger ${ledger}.ledger is on one server, not on the cluster`,
      'Add --ledger-database <another name> to create one on all nodes; existing tables are then built again',
    )
  const lacksOf = (table: string, what: string) => {
    const having = found.filter(({ name }) => name === table)
    if (having.every(({ total_rows }) => total_rows === 0)) return []
    return places.flatMap((who, index): readonly Lack[] => {
      if (unreachable.includes(who) || having.some(({ node }) => node === index + 1)) return []
      const error = serverProblem(
        `${who} of the cluster has no ${what}, and others have it`,
        'Make its tables anew with the UUIDs that they have on other nodes, as docs/how-to/clusters.md shows; the rows come by themselves',
      )
      return [{ kind: 'absent', node: index + 1, who, error }]
    })
  }
  return [
    ...lacksOf('ledger', `ledger ${ledger}.ledger`),
    ...lacksOf('locks', `table of locks ${locks}.locks`),
    ...(late && late.kind !== 'apart' ? [late] : []),
  ]
}

/** A number of replicas acknowledges an INSERT, on every shard the same: of a shard that has more, another replica may be read. @throws BackfillError `usage` */
export function assertEvenShards({ name, nodes }: Pick<Cluster, 'name' | 'nodes'>): void {
  const [first, ...others] = Map.groupBy(nodes, (shard) => shard)
  const [shard, replicas] = others.find(([, { length }]) => length !== first![1].length) ?? []
  if (replicas === undefined) return
  throw usageError(
    `shard ${first![0]} of the cluster '${name}' has ${first![1].length} replicas, and shard ${shard} has ${replicas.length}: an INSERT waits for the same number on each shard, so a replica could lack rows that the ledger says are done`,
    'List as many replicas for each shard in <remote_servers> of all nodes, and stop servers that are in no list',
  )
}
