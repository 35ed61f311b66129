// Owns what tells that a table lost rows without reading any: the smallest block number of the data parts of each partition. A merge or a
// mutation keeps it; it grows where parts were dropped, though others took their place since.
import type { Server } from './server.ts'
import { unlessRefused } from './server-error.ts'

/** `[partition id, smallest block number]` (system.parts). */
export type OldestParts = readonly (readonly [partition: string, block: number])[]

/** A table of more partitions is not watched: they would be kept with each of its checkpoints. */
const MOST_PARTITIONS = 1_000

/**
 * By table name; without tables whose parts the user may not see. None of a cluster, whose shards number their parts by themselves.
 * @throws BackfillError `server`
 */
export async function oldestParts(
  { client, cluster, connection: { database } }: Server,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, OldestParts>> {
  if (cluster !== undefined || wanted.length === 0) return new Map()
  const rows = await client
    .rows<{ readonly table: string; readonly oldest: OldestParts }>({
      query: `SELECT table, groupArray((partition_id, block)) AS oldest FROM (
          SELECT table, partition_id, min(min_block_number) AS block FROM system.parts
          WHERE active AND rows > 0 AND database = {database:String} AND has({wanted:Array(String)}, table)
          GROUP BY table, partition_id
        ) GROUP BY table HAVING count() <= {most:UInt64}`,
      query_params: { database, wanted, most: MOST_PARTITIONS },
      doing: 'looking at the data parts of the derived tables',
    })
    .catch(unlessRefused([]))
  return new Map(rows.map(({ table, oldest }) => [table, oldest]))
}

/** Whether data parts that were there before are gone; `now` undefined: not known. */
export function lostParts(before: OldestParts, now: OldestParts | undefined): boolean {
  if (now === undefined) return false
  const present = new Map(now)
  return before.some(([partition, block]) => (present.get(partition) ?? Infinity) > block)
}
