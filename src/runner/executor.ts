// Owns running transforms: inside one server, streamed from the source server to the target server, or sharing a step: the first INSERT
// computes its rows into a temporary table of an HTTP session, the last reads them from there. Nothing is left behind: the server
// drops the table with the session, even if this process dies.
import { namedBlocks, type Range } from '../model/blocks.ts'
import type { Compression, Network, TableDefinition } from '../model/model.ts'
import { sharedStep, SHARED_TABLE } from '../sql-syntax/shared-cte.ts'
import type { Lock } from '../lock/lock.ts'
import { assertAuditable, openAudits } from '../targets/audits.ts'
import { openDigests, storedDigests, type WrittenRange } from '../targets/digest.ts'
import { openDeletions } from '../targets/delete-ranges.ts'
import { rowsOutside } from '../targets/rows-outside.ts'
import { quoteIdentifier } from '../sql-syntax/quoting.ts'
import { compiledFence } from '../lock/fence.ts'
import type { Names, Server } from '../clickhouse/server.ts'
import { runWrite, type Statement, writeSettings, type WriteReport } from '../clickhouse/write.ts'
import { openStream } from '../clickhouse/stream/stream.ts'
import {
  describedOnce,
  describeTransform,
  readerOf,
  SOME_RANGE,
  transformParams,
} from '../targets/transform.ts'
import { assertNotOwnTarget } from '../targets/own-target.ts'
import { codes } from '../clickhouse/error-codes.ts'
import { errorCode } from '../clickhouse/server-error.ts'

export type InsertJob = {
  readonly table: TableDefinition
  readonly range: Range
  /** Of the table that is written; no other is. */
  readonly targetUuid: string
  readonly queryId: string
  readonly lock: Lock
  /** Whether progress headers keep the connection alive. If a proxy closed it anyway, the next header fails the statement. */
  readonly progress: boolean
  readonly stepSession?: StepSession | undefined
}

export type ExecutorPort = ReturnType<typeof openExecutor>

type ExecutorOptions = {
  readonly source: Server
  readonly target: Server
  readonly names: Names
  readonly network: Network
  readonly compression: Compression
}

export function openExecutor({ source, target, names, network, compression }: ExecutorOptions) {
  const stream = openStream(source, target, compression)

  const reader = (table: TableDefinition) => readerOf({ source, target }, table)
  const paramsOf = (table: TableDefinition, range: Range) =>
    transformParams({ table, range, network, source: source.connection, target: target.connection })

  const columnsOf = describedOnce(async (table) => {
    assertAuditable({ source, target }, table)
    if (reader(table) === target) await assertNotOwnTarget(target, table)
    return await describeTransform(reader(table), table, {
      params: paramsOf(table, SOME_RANGE),
      settings: table.settings,
    })
  })

  /**
   * Fenced by the lock; resolves only when all rows are certainly written. If the step cannot be shared (no session any more, no memory or grant for its
   * rows), the whole transform is computed. @throws BackfillError `failed` with the server's message; `locked` if the fence refused it
   */
  async function insert(job: InsertJob): Promise<InsertReport> {
    const { table, range, targetUuid: uuid, queryId, lock, progress, stepSession } = job
    const { text: whole } = table.transform
    const columns = await columnsOf(table)
    const list = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
    const { database } = target.connection
    // The nodes of a cluster know a Distributed table by UUIDs of their own.
    const only = target.cluster ? {} : { table: { database, name: table.target, uuid } }
    const fence = compiledFence(target.db, { lockName: lock.name, names, ...only })
    const into = {
      text: `INSERT INTO {backfill_database:Identifier}.{backfill_table:Identifier} (${list})`,
      params: { backfill_database: target.connection.database, backfill_table: table.target },
    }
    const doing = `inserting ${namedBlocks([range])} of ${table.key} (query ${queryId})`
    if (reader(table) !== target)
      return await stream({
        reading: `reading ${namedBlocks([range])} of ${table.key}`,
        writing: doing,
        queryId,
        columns,
        read: { text: whole, params: paramsOf(table, range), settings: table.settings },
        into,
        fence,
      })
    const insertOf = (select: string): Statement => ({
      query: `${into.text}\nSELECT ${list} FROM (\n${select}\n)\nWHERE ${fence.text}`,
      query_id: queryId,
      doing,
      query_params: { ...paramsOf(table, range), ...into.params, ...fence.params },
      clickhouse_settings: { ...writeSettings(target), ...table.settings },
      progress,
    })
    // A session exists on one server only: behind a load balancer the next statement might reach another server.
    const step = target.cluster?.balanced ? undefined : stepSession && sharedStep(table)
    return step === undefined
      ? await runWrite(target, insertOf(whole))
      : await insertShared(target, stepSession!, step.compute, insertOf(step.rest), insertOf(whole))
  }

  return {
    describe: columnsOf,
    insert,
    ...openAudits({ source, target, network }),
    digest: openDigests(target, columnsOf),
    /** Of disjoint ranges by their blocks, in their order (targets/digest.ts). */
    storedDigests: (of: Pick<WrittenRange, 'table' | 'target'>, ranges: readonly Range[]) =>
      storedDigests(target, { describe: columnsOf }, of, ranges),
    /** Computes the range once more. */
    outside: async (of: Omit<WrittenRange, 'rowsWritten'>) =>
      await rowsOutside(reader(of.table), of, {
        names: (await columnsOf(of.table)).map(({ name }) => name),
        params: paramsOf(of.table, of.range),
      }),
    ...openDeletions(target, names),
  }
}

/** For one range: the step's rows wait in an HTTP session of this name between the first INSERT, which computes them, and the last. */
export type StepSession = { readonly session: string; readonly role: 'first' | 'last' }

/** `stepKept`: the rows of the shared step wait in the session for the last INSERT. */
export type InsertReport = WriteReport & { readonly stepKept?: true }

/** Suffix to the query id of the first INSERT, for the statement that computes the step. */
export const STEP_SUFFIX = '-step'

/** How long the rows wait for the last INSERT, which is the next to start; after that, it computes the step itself. */
const SESSION_SECONDS = '60'

/**
 * @param compute the SELECT of the step's rows @param rest the INSERT that reads them from the session @param whole the INSERT of the whole transform
 * @throws BackfillError as runWrite
 */
async function insertShared(
  server: Server,
  stepSession: StepSession,
  compute: string,
  rest: Statement,
  whole: Statement,
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
