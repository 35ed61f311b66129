// Owns INSERTs that share a step: the first computes its rows into a temporary table of an HTTP session, the last reads
// them from there. Nothing is left behind: the server drops the table with the session, even if this process dies.
import { SHARED_TABLE } from '../sql-syntax/shared-cte.ts'
import { codes } from '../clickhouse/error-codes.ts'
import { errorCode } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'
import { runWrite, type Statement, type WriteReport } from '../clickhouse/write.ts'

/** For one range: the step's rows wait in an HTTP session of this name between the first INSERT, which computes them, and the last. */
export type StepSession = { readonly session: string; readonly role: 'first' | 'last' }

/** `stepKept`: the rows of the shared step wait in the session for the last INSERT. */
export type InsertReport = WriteReport & { readonly stepKept?: true }

/** Suffix to the query id of the first INSERT, for the statement that computes the step. */
export const STEP_SUFFIX = '-step'

/** How long the rows wait for the last INSERT, which is the next to start; after that, it computes the step itself. */
const SESSION_SECONDS = '60'

type SharedInsert = {
  /** The SELECT of the step's rows. */
  readonly compute: string
  readonly stepSession: StepSession
  /** The INSERT that reads the step's rows from the session, and the INSERT of the whole transform. */
  readonly rest: Statement
  readonly whole: Statement
}

/** @throws BackfillError as runWrite */
export async function insertShared(
  server: Server,
  { compute, stepSession, rest, whole }: SharedInsert,
): Promise<InsertReport> {
  // Parameters that are sent like settings; a session that is not new has to exist.
  const inSession = (statement: Statement, isNew: boolean): Statement => ({
    ...statement,
    session_id: stepSession.session,
    clickhouse_settings: {
      ...statement.clickhouse_settings,
      session_timeout: SESSION_SECONDS,
      session_check: isNew ? 0 : 1,
    },
  })
  let computed: WriteReport | undefined
  if (stepSession.role === 'first')
    try {
      const query = `CREATE TEMPORARY TABLE ${SHARED_TABLE} ENGINE = Memory AS\n${compute}`
      const query_id = rest.query_id + STEP_SUFFIX
      computed = await runWrite(server, inSession({ ...rest, query, query_id }, true))
    } catch (error) {
      if (!NO_ROOM.has(errorCode(error))) throw error
      await dropStep(server, stepSession)
      return await runWrite(server, whole)
    }
  let inserted: WriteReport
  try {
    inserted = await runWrite(server, inSession(rest, false))
  } catch (error) {
    // The server looks up the session before it runs the statement, so the INSERT has not run.
    if (!NO_SESSION.has(errorCode(error))) throw error
    return await runWrite(server, whole)
  }
  if (computed === undefined) {
    await dropStep(server, stepSession)
    return inserted
  }
  return {
    rowsRead: computed.rowsRead,
    rowsWritten: inserted.rowsWritten,
    bytesRead: computed.bytesRead,
    peakMemory: Math.max(computed.peakMemory, inserted.peakMemory),
    elapsedMs: computed.elapsedMs + inserted.elapsedMs,
    stepKept: true,
  }
}

/** Never throws: the session ends by itself. */
async function dropStep({ client }: Server, { session }: StepSession): Promise<void> {
  const query = `DROP TEMPORARY TABLE IF EXISTS ${SHARED_TABLE}`
  await client.command({ query, session_id: session }).catch(() => undefined)
}

/** They prevent keeping the step's rows, although the transform may work: the user may lack the grant for temporary tables. */
const NO_ROOM = codes('241 MEMORY_LIMIT_EXCEEDED, 497 ACCESS_DENIED')

const NO_SESSION = codes('372 SESSION_NOT_FOUND, 373 SESSION_IS_LOCKED')
