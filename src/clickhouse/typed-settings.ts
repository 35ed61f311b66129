// Owns the refusal of settings that somebody typed for a run and that the server does not take: no file is to blame.
import { type BackfillError, usageError } from '../model/errors.ts'
import { blamesText } from './error-codes.ts'
import type { Server } from './server.ts'
import { messageOf } from './server-error.ts'

/** @param origin where they were typed @throws BackfillError `usage` for the first that the server, or the user's profile, refuses */
export async function assertTaken(
  { client, connection, limits }: Pick<Server, 'client' | 'connection' | 'limits'>,
  settings: Readonly<Record<string, string>>,
  origin: string,
): Promise<void> {
  const refusal = (name: string, why: string, hint: string) =>
    usageError(
      `the setting ${name}=${settings[name]} (${origin}) is refused by ClickHouse (${connection.side} ${connection.url}): ${why}`,
      hint,
    )
  const [denied] = limits?.denied(settings) ?? []
  if (denied !== undefined)
    throw refusal(
      denied.name,
      `user '${connection.username}' may not set it (it has '${denied.holds}')`,
      'Take it out, or let the user set it (readonly = 2)',
    )
  for (const [name, value] of Object.entries(settings))
    await client
      .rows({
        query: 'SELECT 1 AS one',
        clickhouse_settings: { [name]: value },
        doing: `trying the setting ${name}`,
      })
      .catch((error: unknown) => {
        if (!blamesText(error as BackfillError)) throw error
        throw refusal(name, messageOf(error), 'Write a value that the setting has, or take it out')
      })
}
