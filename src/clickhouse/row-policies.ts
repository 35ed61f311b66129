// Owns finding the row policies that hide rows of a table from the user, on all nodes that are read, which must read alike: nobody counts
// rows that he cannot see.
import { assertAlikeNodes } from './cluster/odd-nodes.ts'
import { ANSWERING } from './cluster/replicas.ts'
import { unlessRefused } from './server-error.ts'
import type { Server } from './server.ts'
import { tablesBehind } from './tables-behind.ts'

export type RowPolicy = { readonly table: string; readonly sentence: string }

/** `on`: '' for all tables of the database. */
type Found = Readonly<Record<'name' | 'database' | 'on' | 'filter', string>>

const POLICIES = `
  WITH arrayPushBack(enabledRoles(), currentUser()) AS who
  SELECT short_name AS name, database, table AS on, select_filter AS filter FROM system.row_policies
  WHERE filter != '' AND (hasAny(apply_to_list, who) OR (apply_to_all AND NOT hasAny(apply_to_except, who)))`

/** A row without a name, if the server knows other nodes. */
const OTHERS = `SELECT '' AS name, '' AS database, '' AS on, '' AS filter FROM system.clusters WHERE is_local = 0 LIMIT 1`

/**
 * The policies that hold for the user on these tables and on what they stand for, on all nodes; none, where he may not see policies.
 * @throws BackfillError `server`; `usage` for nodes that do not read alike
 */
export async function rowPolicies(
  server: Pick<Server, 'client' | 'connection'>,
  tables: readonly string[],
): Promise<readonly RowPolicy[]> {
  const { client, connection } = server
  const ask = (query: string, cluster = '') =>
    client.rows<Found>({
      query: `SELECT DISTINCT * FROM (${query}) ORDER BY name, database, on`,
      query_params: { cluster },
      // A node that does not answer shows no rows either.
      clickhouse_settings: cluster === '' ? {} : ANSWERING,
      doing: 'looking for row policies',
    })
  const unlessRefusedTo = async (query: string, cluster?: string) =>
    await ask(query, cluster).catch(unlessRefused(undefined))
  const own =
    (await unlessRefusedTo(`${POLICIES} UNION ALL ${OTHERS}`)) ??
    (await unlessRefusedTo(POLICIES)) ??
    (await unlessRefusedTo(OTHERS)) ??
    []
  if (own.length === 0) return []
  // ClickHouse applies none of a Distributed table.
  const behind = (await tablesBehind(server, tables)).filter(({ engine }) => engine !== 'Distributed')
  const found = new Map([['', own]])
  for (const { cluster } of behind)
    if (!found.has(cluster)) {
      await assertAlikeNodes(server, cluster)
      const there = `SELECT * FROM clusterAllReplicas({cluster:String}, view(${POLICIES}))`
      found.set(cluster, (await unlessRefusedTo(there, cluster)) ?? [])
    }
  return behind.flatMap(({ source, cluster, database, name: table }) =>
    found
      .get(cluster)!
      .filter(({ database: where, on }) => where === database && (on === '' || on === table))
      .map(({ name, filter }) => ({
        table: source,
        sentence: `the row policy ${name} shows user '${connection.username}' of the ${connection.side} server only those rows of ${database}.${table}${cluster === '' ? '' : `, on nodes of the cluster '${cluster}',`} for which ${filter}`,
      })),
  )
}

export const POLICY_HINT =
  'other rows count as if they were not there; use a user without a row policy, or exempt this one from it'
