// Owns running transforms: inside one server, or streamed from the source server to the target server.
import { namedBlocks, type Range } from '../model/blocks.ts'
import type { Compression, Network, TableDefinition } from '../model/model.ts'
import { sharedStep } from '../sql-syntax/shared-cte.ts'
import type { Lock } from '../lock/lock.ts'
import { assertAuditable, openAudits } from '../targets/audits.ts'
import { openDigests } from '../targets/digest.ts'
import { openDeletions } from '../targets/delete-ranges.ts'
import { quoteIdentifier } from '../sql-syntax/quoting.ts'
import { compiledFence } from '../lock/fence.ts'
import type { Names, Server } from '../clickhouse/server.ts'
import { type InsertReport, insertShared, type StepSession } from './shared-insert.ts'
import { runWrite, type Statement, writeSettings } from '../clickhouse/write.ts'
import { openStream } from '../clickhouse/stream/stream.ts'
import {
  describedOnce,
  describeTransform,
  readerOf,
  SOME_RANGE,
  transformParams,
} from '../targets/transform.ts'

export type InsertJob = {
  readonly table: TableDefinition
  readonly range: Range
  /** Of the table that is written; no other is. */
  readonly targetUuid: string
  readonly queryId: string
  readonly lock: Lock
  /** Whether progress headers keep the connection alive. If a proxy closed it anyway, the next header fails the statement. */
  readonly progress: boolean
  readonly stepSession?: StepSession
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
      : await insertShared(target, {
          compute: step.compute,
          stepSession: stepSession!,
          rest: insertOf(step.rest),
          whole: insertOf(whole),
        })
  }

  return {
    describe: columnsOf,
    insert,
    ...openAudits({ source, target, network }),
    digest: openDigests(target, columnsOf),
    ...openDeletions(target, names),
  }
}
