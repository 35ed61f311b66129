// Owns telling what is not there from what a user may not see: the server lists neither.
import type { NeedPlace } from './grants.ts'
import { BackfillError } from '../model/errors.ts'
import { quotedName } from '../sql-syntax/quoting.ts'
import { lackingOn } from './grants.ts'
import type { Server } from './server.ts'

/** For what was not found. @throws BackfillError `server` with the GRANT for what may be there and is hidden */
export async function mustSee(server: Server, places: readonly NeedPlace[]): Promise<void> {
  const { side, url, username } = server.connection
  const needs = places.map((on) => ({
    side,
    privilege: on.kind === 'table' ? 'SHOW COLUMNS' : 'SHOW TABLES',
    on,
  }))
  const [hidden] = (await lackingOn(server, needs)) ?? []
  if (hidden === undefined || hidden.on.kind === 'engine') return
  const { on } = hidden
  const place = on.kind === 'table' ? `${on.database}.${on.table}` : `${on.database}.*`
  throw new BackfillError(
    `user '${username}' may not see ${place} (${side} ${url}), so it looks as if it were not there`,
    {
      kind: 'server',
      hint: `GRANT SELECT ON ${on.database}.* TO ${quotedName(username)}`,
    },
  )
}
