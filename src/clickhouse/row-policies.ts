// Owns finding the row policies that hide rows of a table from the user, or from the one as whom a view reads it, on all nodes that are read, which must read alike: nobody counts
// rows that he cannot see.
import { assertAlikeNodes } from './cluster/odd-nodes.ts'
import { ANSWERING } from './cluster/replicas.ts'
import { unlessRefused } from './server-error.ts'
import type { Server } from './server.ts'
import { tablesBehind } from './tables-behind.ts'

export type RowPolicy = { readonly table: string; readonly sentence: string }

/** `on`: '' for all tables of the database; `own`: 1 if it holds for the user; `named`: all for whom it holds, with `all` for whom not. */
type Found = Readonly<
  Record<'name' | 'database' | 'on' | 'filter', string> & Record<'own' | 'all', number>
> & {
  readonly named: readonly string[]
}

const POLICIES = `
  WITH arrayPushBack(enabledRoles(), currentUser()) AS who
  SELECT short_name AS name, database, table AS on, select_filter AS filter, toUInt8(apply_to_all) AS all,
    if(apply_to_all, apply_to_except, apply_to_list) AS named, toUInt8(hasAny(named, who) != apply_to_all) AS own
  FROM system.row_policies WHERE filter != ''`

/** A row without a name, if the server knows other nodes. */
const OTHERS = `SELECT '' AS name, '' AS database, '' AS on, '' AS filter, toUInt8(0) AS all, emptyArrayString() AS named, toUInt8(0) AS own
  FROM system.clusters WHERE is_local = 0 LIMIT 1`

/** Whether it holds for that user, '' being the connected one. Policies for the roles of another user are not looked for. */
const holdsFor = ({ own, all, named }: Found, reader: string) =>
  reader === '' ? own === 1 : named.includes(reader) !== (all === 1)

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
  return behind.flatMap(({ source, cluster, database, name: table, reader }) =>
    found
      .get(cluster)!
      .filter((one) => one.database === database && ['', table].includes(one.on) && holdsFor(one, reader))
      .map(({ name, filter }) => ({
        table: source,
        sentence: `the row policy ${name} shows user '${reader || connection.username}'${reader && ', as whom a view reads it,'} of the ${connection.side} server only those rows of ${database}.${table}${cluster === '' ? '' : `, on nodes of the cluster '${cluster}',`} for which ${filter}`,
      })),
  )
}

export const POLICY_HINT =
  'other rows count as if they were not there; use a user without a row policy, or exempt this one from it'
