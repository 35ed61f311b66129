// Owns the server's form of a DDL file: the server creates a temporary table from it, which ends with its session.
import { blamesText } from '../../clickhouse/error-codes.ts'
import type { Server } from '../../clickhouse/server.ts'
import type { BackfillError } from '../../model/errors.ts'
import type { SqlText } from '../../model/model.ts'
import { randomId } from '../../seam/random.ts'
import { createTable } from '../../sql-syntax/create-table.ts'
import { ACCESS_DENIED, missingGrant } from '../../clickhouse/error-hints.ts'
import { errorCode, originOf } from '../../clickhouse/server-error.ts'
import { quotedName } from '../../sql-syntax/quoting.ts'
import { temporaryForm } from '../../sql-syntax/table-forms.ts'

export type MadeDefinition =
  | { readonly definition: string }
  /** Why the server refuses the table; `sent`: the text with a syntax error, else ''. */
  | { readonly refused: string; readonly sent: string }
  | { readonly notCompared: string; readonly hint: string; readonly always: boolean }

const notCompared = (why: string, hint: string, always = true) => ({ notCompared: why, hint, always })

const SESSION_SECONDS = '10'

/** The CREATE TABLE as the server writes it. Works under `readonly = 2`, with CREATE ARBITRARY TEMPORARY TABLE. @throws BackfillError `server` */
export async function madeDefinition(
  { client, connection, cluster }: Server,
  ddl: SqlText,
): Promise<MadeDefinition> {
  const query = temporaryForm(ddl)
  if (query === undefined)
    return notCompared('its engine is not a MergeTree', 'compare it with SHOW CREATE TABLE', false)
  if (cluster?.balanced)
    return notCompared('connections reach different servers', 'set TARGET_CLICKHOUSE_URL to one of them')
  const doing = `checking ${ddl.file}`
  const session = { session_id: randomId() }
  const table = quotedName(createTable(ddl).table)
  try {
    // The engine is that of a table without ENGINE.
    const clickhouse_settings = {
      session_timeout: SESSION_SECONDS,
      default_temporary_table_engine: 'MergeTree',
    } as const
    await client.command({ ...session, query, clickhouse_settings, doing })
    const [row] = await client.rows<{ readonly statement: string }>({
      ...session,
      query: `SHOW CREATE TEMPORARY TABLE ${table}`,
      doing,
    })
    await client.command({ ...session, query: `DROP TEMPORARY TABLE ${table}`, doing })
    return { definition: row!.statement }
  } catch (error) {
    const code = errorCode(error)
    const answer = originOf(error)
    if (code === 0 || !(answer instanceof Error)) throw error
    if (code === ACCESS_DENIED)
      return notCompared(
        `user '${connection.username}' may not create temporary tables`,
        missingGrant(answer.message, connection.username) ?? 'grant CREATE ARBITRARY TEMPORARY TABLE',
      )
    if (code === READONLY)
      return notCompared(
        `the profile of user '${connection.username}' does not let it create temporary tables`,
        'set readonly = 2 for this user',
      )
    if (!blamesText(error as BackfillError)) throw error
    return { refused: answer.message, sent: code === SYNTAX_ERROR ? query : '' }
  }
}

const [SYNTAX_ERROR, READONLY] = [62, 164]
