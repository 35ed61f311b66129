// Owns noticing that a Distributed table would put new rows of a key on another shard than the old ones: its sharding key, the weights or
// the shards of the cluster have changed since. Nothing makes one row of those then.
import type { Cluster, Server } from '../server.ts'
import type { Distributed } from '../../sql-syntax/ddl-clauses.ts'
import { ANSWERING } from './replicas.ts'

/** Of each shard: where the placement has changed, a good part of the rows of some shard is on another one. */
const SOME = '1 LIMIT 10000'

/** Of each data part: a partition that somebody has moved to another shard is one of many there. */
const SOME_OF_EACH_PART = '_part_offset < 10000'

/** Rows between two positions, by an expression. */
export type Within = { readonly position: string; readonly from: number; readonly to: number }

/** The same of a table of the server's own cluster: of its data parts, or of all rows of a range. None if there is one shard. */
export async function misplacedOfTarget(
  server: Server,
  sharding: Distributed,
  within?: Within,
): Promise<number> {
  const { cluster } = server
  if (cluster === undefined || new Set(cluster.nodes).size < 2) return 0
  const rows =
    within === undefined ? SOME_OF_EACH_PART : `${within.position} BETWEEN ${within.from} AND ${within.to}`
  return await misplacedRows(server, sharding, cluster, rows)
}

/**
 * How many of some rows are not on the shard on which the sharding key would put them now; the server finds the shard by the remainder of a key
 * that is unsigned, other types are not looked at. Of a cluster of several shards. `slots`: of each remainder its shard; a shard may have none. `which`: of these rows, what
 * stands after WHERE. @throws BackfillError `server`
 */
export async function misplacedRows(
  { client }: Pick<Server, 'client'>,
  { cluster, database, table, key }: Distributed,
  { slots, unreachable = [] }: Pick<Cluster, 'slots'> & Partial<Pick<Cluster, 'unreachable'>>,
  which = SOME,
): Promise<number> {
  if (key === undefined || slots.length === 0) return 0
  // Of each shard: the connected one would answer first, and have rows enough.
  const some = `SELECT ${key.text} AS key FROM {database:Identifier}.{table:Identifier} WHERE ${which}`
  const [found] = await client.rows<{ readonly misplaced: number }>({
    query: `SELECT toUInt32(sumIf(found, {slots:Array(UInt32)}[slot + 1] != _shard_num)) AS misplaced
      FROM cluster({cluster:String}, view(SELECT toUInt64(key) % {count:UInt64} AS slot, count() AS found FROM (${some})
        WHERE match(toTypeName(key), '^(LowCardinality\\\\()?UInt') GROUP BY slot))`,
    query_params: { slots, count: slots.length, cluster, database, table },
    clickhouse_settings: unreachable.length > 0 ? ANSWERING : {},
    doing: `looking on which shards rows of ${database}.${table} are`,
  })
  return found!.misplaced
}
