// Owns what tells that a table lost rows without reading any: the smallest block number of the data parts of each partition. A merge or a
// mutation keeps it; it grows where parts were dropped, though others took their place since.
import { onAllNodes } from './cluster/cluster.ts'
import { ANSWERING } from './cluster/replicas.ts'
import { localBehind } from './cluster/shard-tables.ts'
import type { Server } from './server.ts'
import { unlessRefused } from './server-error.ts'

/** `[partition id, smallest block number]` (system.parts). */
export type OldestParts = readonly (readonly [partition: string, block: number])[]

/** A table of more partitions is not watched: they would be kept with each of its checkpoints. */
const MOST_PARTITIONS = 1_000

/**
 * By table name; without tables whose parts the user may not see. On a cluster those of each shard, as its nodes have them together:
 * none if one does not answer. @throws BackfillError `server`
 */
export async function oldestParts(
  server: Server,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, OldestParts>> {
  const { cluster } = server
  if (wanted.length === 0) return new Map()
  // A checkpoint or a status is worth more than what tells of lost rows.
  if (cluster !== undefined) return await onCluster(server, wanted).catch(() => new Map())
  const { database } = server.connection
  return await read(server, new Map(wanted.map((name) => [`${database}.${name}`, name])))
}

async function onCluster(server: Server, wanted: readonly string[]) {
  const locals = await Promise.all(
    wanted.map(async (name) => [await localBehind(server, name), name] as const),
  )
  return await read(
    server,
    new Map(locals.flatMap(([of, name]) => (of === undefined ? [] : [[`${of.database}.${of.table}`, name]]))),
  )
}

/** `names`: for each table that holds rows the name that is wanted. */
async function read(server: Server, names: ReadonlyMap<string, string>) {
  const { client, cluster } = server
  const shard = cluster === undefined ? '' : "toString({nodes:Array(UInt32)}[_shard_num]), ' ', "
  const rows = await client
    .rows<{ readonly name: string; readonly oldest: OldestParts }>({
      query: `SELECT name, groupArray((id, block)) AS oldest FROM (
          SELECT concat(database, '.', table) AS name, concat(${shard}partition_id) AS id, min(min_block_number) AS block
          FROM ${onAllNodes(server, 'system.parts')}
          WHERE active AND rows > 0 AND has({databases:Array(String)}, database) AND has({wanted:Array(String)}, name)
          GROUP BY name, id
        ) GROUP BY name HAVING count() <= {most:UInt64}`,
      query_params: {
        wanted: [...names.keys()],
        databases: [...names.keys()].map((name) => name.slice(0, name.indexOf('.'))),
        most: MOST_PARTITIONS,
        ...(cluster && { nodes: cluster.nodes }),
      },
      // A node that was found to be away is passed over; of one that goes away just now nothing is said.
      clickhouse_settings:
        cluster === undefined
          ? {}
          : { ...ANSWERING, skip_unavailable_shards: cluster.unreachable.length > 0 ? 1 : 0 },
      doing: 'looking at the data parts of the derived tables',
    })
    .catch(unlessRefused([]))
  return new Map(rows.map(({ name, oldest }) => [names.get(name)!, oldest]))
}

/** Whether data parts that were there before are gone; `now` undefined: not known. */
export function lostParts(before: OldestParts, now: OldestParts | undefined): boolean {
  if (now === undefined) return false
  const present = new Map(now)
  return before.some(([partition, block]) => (present.get(partition) ?? Infinity) > block)
}
