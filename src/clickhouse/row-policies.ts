// Owns finding the row policies that hide rows of a table from the user: nobody counts rows that he cannot see.
import { BackfillError } from '../model/errors.ts'
import type { Server } from './server.ts'

export type RowPolicy = { readonly table: string; readonly sentence: string }

/**
 * The policies on these tables of the connection's database that hold for the user; none, where the user may not see
 * policies.
 * @throws BackfillError `server`
 */
export async function rowPolicies(
  { client, connection: { database, username, side } }: Pick<Server, 'client' | 'connection'>,
  tables: readonly string[],
): Promise<readonly RowPolicy[]> {
  const found = await client
    .rows<{ name: string; on: string; filter: string }>({
      query: `WITH arrayPushBack(enabledRoles(), currentUser()) AS who
        SELECT short_name AS name, table AS on, select_filter AS filter FROM system.row_policies
        WHERE database = {database:String} AND (table = '' OR has({tables:Array(String)}, table)) AND filter != ''
          AND (hasAny(apply_to_list, who) OR (apply_to_all AND NOT hasAny(apply_to_except, who)))
        ORDER BY name`,
      query_params: { database, tables },
      doing: 'looking for row policies',
    })
    .catch((error: unknown) => {
      if (error instanceof BackfillError && error.kind === 'failed') return []
      throw error
    })
  return found.flatMap(({ name, on, filter }) =>
    tables
      .filter((table) => on === '' || on === table)
      .map((table) => ({
        table,
        sentence: `the row policy ${name} shows user '${username}' of the ${side} server only those rows of ${database}.${table} for which ${filter}`,
      })),
  )
}

export const POLICY_HINT =
  'other rows count as if they were not there; use a user without a row policy, or exempt this one from it'
