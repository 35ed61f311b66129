// Owns finding the row policies that hide rows of a table from the user: nobody counts rows that he cannot see.
import { unlessRefused } from './server-error.ts'
import type { Server } from './server.ts'
import { tablesBehind } from './tables-behind.ts'

export type RowPolicy = { readonly table: string; readonly sentence: string }

/** `on`: '' for all tables of the database. */
type Found = Readonly<Record<'name' | 'database' | 'on' | 'filter', string>>

/** The policies that hold for the user on these tables and on what they stand for; none, where he may not see policies. @throws BackfillError `server` */
export async function rowPolicies(
  server: Pick<Server, 'client' | 'connection'>,
  tables: readonly string[],
): Promise<readonly RowPolicy[]> {
  const found = await server.client
    .rows<Found>({
      query: `WITH arrayPushBack(enabledRoles(), currentUser()) AS who
        SELECT short_name AS name, database, table AS on, select_filter AS filter FROM system.row_policies
        WHERE filter != '' AND (hasAny(apply_to_list, who) OR (apply_to_all AND NOT hasAny(apply_to_except, who)))
        ORDER BY name`,
      doing: 'looking for row policies',
    })
    .catch(unlessRefused([]))
  if (found.length === 0) return []
  const { username, side } = server.connection
  const behind = (await tablesBehind(server, tables)).filter(({ cluster }) => cluster === '')
  return behind.flatMap(({ source, database, name: table }) =>
    found
      .filter(({ database: where, on }) => where === database && (on === '' || on === table))
      .map(({ name, filter }) => ({
        table: source,
        sentence: `the row policy ${name} shows user '${username}' of the ${side} server only those rows of ${database}.${table} for which ${filter}`,
      })),
  )
}

export const POLICY_HINT =
  'other rows count as if they were not there; use a user without a row policy, or exempt this one from it'
