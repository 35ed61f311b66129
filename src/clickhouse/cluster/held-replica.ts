// Owns whose the replica in Keeper is that keeps a table from being made: of a table that was renamed, or dropped a short time ago, or of none.
import { BackfillError } from '../../model/errors.ts'
import { heldReplica } from '../error-codes.ts'
import { quoteString } from '../../sql-syntax/quoting.ts'
import type { Cluster, Server } from '../server.ts'

/** The same error, whose hint says which of these it is if the nodes know it. A wrong SYSTEM DROP REPLICA makes the next table read-only, when the old drop ends. */
export async function withHolder(
  { client }: Pick<Server, 'client'>,
  { name: cluster, places }: Pick<Cluster, 'name' | 'places'>,
  error: BackfillError,
): Promise<BackfillError> {
  const held = heldReplica(error.message)
  if (held === undefined) return error
  const { kind, code, retry, cause } = error
  const withHint = (hint: string) => new BackfillError(error.message, { kind, code, retry, hint, cause })
  const [living] = await client
    .rows<{ name: string; nodes: readonly number[] }>({
      query: `SELECT concat(database, '.', table) AS name, groupArray(toInt32(_shard_num)) AS nodes
        FROM clusterAllReplicas({cluster:String}, system.replicas)
        WHERE zookeeper_path = {path:String} AND NOT endsWith({path:String}, concat('/', database, '/', table)) GROUP BY name LIMIT 1`,
      query_params: { path: held.path, cluster },
      doing: 'looking for tables of this path',
    })
    .catch(() => [])
  if (living !== undefined)
    return withHint(
      `${living.name} has this path on ${living.nodes.map((node) => places[node - 1]).join(', ')}: a table that is renamed, or whose database is, keeps its path. Rename it back, name another database (TARGET_CLICKHOUSE_DATABASE, --ledger-database), or type DROP TABLE ${living.name} ON CLUSTER ${quoteString(cluster)} SYNC if nobody needs it`,
    )
  const dropped = await client
    .rows<{ name: string; isHolder: 0 | 1; goes: string }>({
      query: `SELECT concat(database, '.', table) AS name, endsWith({path:String}, concat('/', database, '/', table)) AS isHolder,
          formatDateTime(max(table_dropped_time), '%F %T', 'UTC') AS goes
        FROM clusterAllReplicas({cluster:String}, system.dropped_tables)
        WHERE startsWith(engine, 'Replicated') GROUP BY database, table ORDER BY isHolder DESC LIMIT 1`,
      query_params: { path: held.path, cluster },
      doing: 'looking for dropped tables',
    })
    .catch(() => undefined)
  // Another dropped table may have been renamed, and the path kept its first name: then the hint names both cases.
  if (dropped === undefined || dropped[0]?.isHolder === 0) return error
  const hint = dropped[0]
    ? `${dropped[0].name} was dropped without SYNC, and Keeper has its replica until ${dropped[0].goes} UTC: run the command again after that. Next time DROP … SYNC. SYSTEM DROP REPLICA would let the end of the drop make the new table read-only`
    : // A drop that is ending is in no list.
      `No node is dropping such a table. If this is so a minute later, too, ${held.halfMade}`
  return withHint(hint)
}
