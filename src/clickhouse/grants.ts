// Owns finding the grants that a user lacks.
import { grantee } from './error-codes.ts'
import type { ServerRole } from './connection.ts'
import type { Server } from './server.ts'
import { serverProblem } from '../model/errors.ts'
import { quotedName, quoteIdentifier } from '../sql-syntax/quoting.ts'

export async function missingGrantsOn<One extends Need>(server: Server, requiredGrants: readonly One[]) {
  // One query if no grant is missing, else one query per grant.
  if (requiredGrants.length === 0 || (await isGranted(server, requiredGrants.map(grantText).join(', '))))
    return []
  const granted = await Promise.all(requiredGrants.map((need) => isGranted(server, grantText(need))))
  return requiredGrants.filter((_, index) => !granted[index])
}

/** Whether the user has all of the grants, written as after GRANT. CHECK GRANT takes neither a FORMAT nor parameters. */
export async function isGranted({ client }: Server, grants: string): Promise<boolean> {
  const query = `CHECK GRANT ${grants}`
  return (await client.text({ query, doing: 'checking grants', isRepeatable: true })).trim() === '1'
}

function grantText({ privilege, on }: Need): string {
  if (on.kind === 'engine') return `${privilege} ON ${quoteIdentifier(on.engine)}`
  if (on.kind === 'database') return `${privilege} ON ${quoteIdentifier(on.database)}.*`
  const { columns = [], database, table } = on
  const list = columns.length === 0 ? '' : `(${columns.map(quoteIdentifier).join(', ')})`
  return `${privilege}${list} ON ${quoteIdentifier(database)}.${quoteIdentifier(table)}`
}

export type Need = { readonly side: ServerRole; readonly privilege: string; readonly on: NeedPlace }

export type NeedPlace =
  | {
      readonly kind: 'table'
      readonly database: string
      readonly table: string
      /** The columns that need it; all if there are none. */
      readonly columns?: readonly string[]
    }
  | { readonly kind: 'database'; readonly database: string }
  | { readonly kind: 'engine'; readonly engine: string }

/** For tables that were not found. @throws BackfillError `server` with the GRANT for those that may exist but are hidden */
export async function mustSee(server: Server, places: readonly NeedPlace[]): Promise<void> {
  const { side, url, username } = server.connection
  const privilegeFor = { table: 'SHOW COLUMNS', database: 'SHOW TABLES', engine: 'SHOW TABLES' }
  const [hidden] = await missingGrantsOn(
    server,
    places.map((on) => ({ side, privilege: privilegeFor[on.kind], on })),
  )
  if (hidden === undefined || hidden.on.kind === 'engine') return
  const { on } = hidden
  const place = on.kind === 'table' ? `${on.database}.${on.table}` : `${on.database}.*`
  throw serverProblem(
    `user '${username}' may not see ${place} (${side} ${url}), so it seems to be missing`,
    `GRANT SELECT ON ${quotedName(on.database)}.*${grantee(server.connection)}`,
  )
}
