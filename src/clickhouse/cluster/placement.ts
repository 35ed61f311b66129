// Owns noticing that a Distributed table would put new rows of a key on another shard than the old ones: its sharding key, the weights or
// the shards of the cluster have changed since. Nothing makes one row of those then.
import type { Server } from '../server.ts'
import { ANSWERING } from './replicas.ts'

/** Of a table whose placement has changed, a good part of any rows is on another shard. */
const MOST_ROWS = 10_000

/**
 * How many of some rows are not on the shard on which the sharding key would put them now; the server finds the shard by the remainder of a key
 * that is unsigned, other types are not looked at. `slots`: the shard of each remainder. @throws BackfillError `server`
 */
export async function misplacedRows(
  { client }: Pick<Server, 'client'>,
  table: {
    readonly database: string
    readonly name: string
    readonly shardKey: string | undefined
    readonly slots: readonly number[]
    readonly unreachable?: readonly string[]
  },
): Promise<number> {
  const { database, name, shardKey, slots, unreachable = [] } = table
  if (shardKey === undefined || new Set(slots).size < 2) return 0
  const [found] = await client.rows<{ readonly misplaced: number }>({
    query: `SELECT toUInt32(countIf({slots:Array(UInt32)}[toUInt64(key) % {count:UInt64} + 1] != shard)) AS misplaced
      FROM (SELECT ${shardKey} AS key, _shard_num AS shard FROM {database:Identifier}.{name:Identifier} LIMIT ${MOST_ROWS})
      WHERE startsWith(toTypeName(key), 'UInt')`,
    query_params: { slots, count: slots.length, database, name },
    clickhouse_settings: unreachable.length > 0 ? ANSWERING : {},
    doing: `looking on which shards rows of ${name} are`,
  })
  return found!.misplaced
}
