// Owns INSERTs that share a step: the first computes its rows into a temporary table of an HTTP session, the last reads
// them from there. Nothing is left behind: the server drops the table with the session, even if this process dies.
import { SHARED_TABLE, type SharedStep } from '../sql-syntax/shared-cte.ts'
import { errorCode } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'
import { runWrite, type Statement, type WriteReport } from '../clickhouse/write.ts'

/**
 * The session of a shared step (sql-syntax/shared-cte.ts) for one range. Its rows wait in an HTTP session of this name
 * between the first INSERT, which computes them, and the last.
 */
export type StepSession = { readonly session: string; readonly role: 'first' | 'last' }

/** `stepKept`: the rows of the shared step wait in the session for the last INSERT. */
export type InsertReport = WriteReport & { readonly stepKept: boolean }

/** Suffix to the query id of the first INSERT, for the statement that computes the step. */
export const STEP_SUFFIX = '-step'

/** How long the rows wait for the last INSERT, which is the next to start; after that, it computes the step itself. */
const SESSION_SECONDS = 60

export type SharedInsert = {
  readonly step: SharedStep
  readonly stepSession: StepSession
  /** The INSERT of a SELECT's rows. */
  readonly into: (select: string) => Statement
  /** The transform as it is in its file. */
  readonly whole: string
}

/** @throws BackfillError as runWrite */
export async function insertShared(
  server: Server,
  { step, stepSession, into, whole }: SharedInsert,
): Promise<InsertReport> {
  const session = { id: stepSession.session, seconds: SESSION_SECONDS }
  const rest = into(step.rest)
  const insertWhole = async () => ({ ...(await runWrite(server, into(whole))), stepKept: false })
  let computed: WriteReport | undefined
  if (stepSession.role === 'first')
    try {
      computed = await runWrite(server, {
        ...rest,
        query: `CREATE TEMPORARY TABLE ${SHARED_TABLE} ENGINE = Memory AS\n${step.compute}`,
        queryId: rest.queryId + STEP_SUFFIX,
        session: { ...session, isNew: true },
      })
    } catch (error) {
      if (!NO_ROOM.has(errorCode(error))) throw error
      await dropStep(server, stepSession)
      return await insertWhole()
    }
  let inserted: WriteReport
  try {
    inserted = await runWrite(server, { ...rest, session: { ...session, isNew: false } })
  } catch (error) {
    // The server looks up the session before it runs the statement, so the INSERT has not run.
    if (!NO_SESSION.has(errorCode(error))) throw error
    return await insertWhole()
  }
  if (computed === undefined) {
    await dropStep(server, stepSession)
    return { ...inserted, stepKept: false }
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

/** Errors that prevent keeping the step's rows, although the transform itself may work. */
const NO_ROOM: ReadonlySet<number> = new Set([
  241, // MEMORY_LIMIT_EXCEEDED
  497, // ACCESS_DENIED: no grant to create temporary tables
])

const NO_SESSION: ReadonlySet<number> = new Set([
  372, // SESSION_NOT_FOUND
  373, // SESSION_IS_LOCKED
])
