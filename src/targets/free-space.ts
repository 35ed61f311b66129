// Owns asking how much room the disks of tables have.
import type { Server } from '../clickhouse/server.ts'

/** The share of free bytes of the emptiest disk of a storage policy, 0 to 1, and their number; `disk` is its name. */
export type FreeSpace = { readonly disk: string; readonly share: number; readonly bytes: number }

/** Of the policies of these tables; undefined if the user may not see them, or rows lie elsewhere. On a cluster: of the node that answers. */
export async function freeSpace({ client, connection: { database } }: Server, tables: readonly string[]) {
  const [least] = await client
    .rows<FreeSpace>({
      query: `SELECT argMax(name, unreserved_space / total_space) AS disk, max(unreserved_space / total_space) AS share,
          toFloat64(argMax(unreserved_space, unreserved_space / total_space)) AS bytes
        FROM (SELECT policy_name, arrayJoin(disks) AS name FROM system.storage_policies WHERE policy_name IN (
          SELECT storage_policy FROM system.tables WHERE database = {database:String} AND has({tables:Array(String)}, name))) AS places
        JOIN system.disks USING name
        WHERE NOT is_remote AND total_space > 0 GROUP BY policy_name ORDER BY share LIMIT 1`,
      query_params: { database, tables },
      doing: 'asking for room on the disks',
    })
    // What is wrong with the server the chunk itself will find, and wait for.
    .catch((): FreeSpace[] => [])
  return least
}
