// Owns why a deletion on the shards never ends: a part that no replica has, or a replica that is read-only.
import { ANSWERING } from '../clickhouse/cluster/replicas.ts'
import type { localOf } from '../clickhouse/cluster/shard-tables.ts'
import type { Server } from '../clickhouse/server.ts'
import { failedError } from '../model/errors.ts'

/** A node looks at its parts within seconds. */
export const LOST_AFTER_MS = 60_000

export type StuckTable = Awaited<ReturnType<typeof localOf>>

/**
 * A part whose quorum failed, because a node died in the INSERT, stays in a replica's list of what is to be mutated, and the mutation never ends (26.7).
 * So it does on a replica that is read-only for so long. @throws BackfillError `failed` naming the replica
 */
export async function assertNoLostPart(
  { client, cluster }: Server,
  id: string,
  { table: { database, table }, doing }: { readonly table: StuckTable; readonly doing: string },
): Promise<void> {
  const [lost] = await client.rows<{ node: number; name: string; part: string }>({
    query: `SELECT _shard_num AS node, name, part FROM clusterAllReplicas({cluster:String}, view(
      SELECT concat(database, '.', table) AS name, '' AS part FROM system.replicas
      WHERE database = {database:String} AND table = {table:String} AND is_readonly
      UNION ALL
      SELECT concat(database, '.', table) AS name, arrayJoin(parts_to_do_names) AS part FROM system.mutations
      WHERE position(command, {id:String}) > 0 AND NOT is_done
        AND (database, table, part) NOT IN (SELECT database, table, name FROM system.parts)
        AND (database, table) IN (SELECT database, table FROM system.replicas WHERE queue_size = 0)))`,
    query_params: { id, cluster: cluster!.name, database, table },
    clickhouse_settings: ANSWERING,
    doing,
  })
  if (lost === undefined) return
  if (lost.part === '')
    throw failedError(
      `${doing}: ${lost.name} is read-only on ${cluster!.places[lost.node - 1]}`,
      `Type SYSTEM RESTART REPLICA ${lost.name} there, and SYSTEM RESTORE REPLICA ${lost.name} if it stays read-only, because its metadata in Keeper is lost; then run backfill up again`,
    )
  throw failedError(
    `${doing}: ${cluster!.places[lost.node - 1]} waits for part ${lost.part} of ${lost.name}, which no replica has`,
    `A node died when it was inserted: type SYSTEM RESTART REPLICA ${lost.name} on each node of that shard, then run backfill up again`,
  )
}
