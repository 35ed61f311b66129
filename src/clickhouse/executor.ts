// Owns the running of transforms: inside one server, or streamed from the source server to the target server.
import { PassThrough, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Network, Range, TableDefinition } from '../runner/model.ts'
import type { ExecutorPort, InsertJob, InsertReport, WriteReport } from '../runner/ports.ts'
import { sharedStep } from '../runner/pure/shared-step.ts'
import type { OutputColumn } from '../runner/pure/narrowing.ts'
import { cleanRanges, countIn, endDeletions } from './clean.ts'
import { quoteIdentifier } from './dialect.ts'
import { compiledFence } from './fence.ts'
import type { Names } from './names.ts'
import { serverError } from './server-error.ts'
import type { Server } from './server.ts'
import { noDeletes } from './shard-deletes.ts'
import { insertShared } from './shared-insert.ts'
import { errorInBody, runWrite, type Statement, TAIL_BYTES } from './statement.ts'
import { transformParams } from './transform-params.ts'
import { describeTransform, readerOf } from './transform-reader.ts'

export type ExecutorOptions = {
  readonly source: Server
  readonly target: Server
  readonly names: Names
  readonly network: Network
}

/**
 * A transform yields a row per key: looking for rows that replace one another within an INSERT finds nothing, and costs
 * up to a fifth of it (docs/performance.md). A header may say otherwise.
 */
const WRITE_SETTINGS = { optimize_on_insert: 0 } as const

/** A server counts the rows that it writes to a shard of its own twice, unless it sends them as to the others. */
const CLUSTER_WRITE_SETTINGS = { ...WRITE_SETTINGS, prefer_localhost_replica: 0 } as const

export function openExecutor({ source, target, names, network }: ExecutorOptions): ExecutorPort {
  const writeSettings = target.cluster === undefined ? WRITE_SETTINGS : CLUSTER_WRITE_SETTINGS
  /** A table's output columns do not change within a run. */
  const described = new Map<string, Promise<readonly OutputColumn[]>>()

  const reader = (table: TableDefinition) => readerOf({ source, target }, table)
  const paramsOf = (table: TableDefinition, range: Range) =>
    transformParams({
      table,
      range,
      network,
      source: source.connection.database,
      target: target.connection.database,
    })

  async function columnsOf(table: TableDefinition): Promise<readonly OutputColumn[]> {
    const known =
      described.get(table.key) ??
      describeTransform(reader(table), table, {
        params: paramsOf(table, { from: 0, to: 0 }),
        settings: table.settings,
      })
    described.set(table.key, known)
    return await known
  }

  async function insert({ table, range, queryId, lock, progress, pass }: InsertJob): Promise<InsertReport> {
    const columns = await columnsOf(table)
    const list = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
    const fence = compiledFence(target.db, { lockName: lock.name, names })
    const into = {
      text: `INSERT INTO {backfill_database:Identifier}.{backfill_table:Identifier} (${list})`,
      params: { backfill_database: target.connection.database, backfill_table: table.target },
    }
    const server = reader(table)
    try {
      // A session lives on one server: behind a load balancer nobody would find it again.
      const step = target.cluster?.balanced ? undefined : pass && sharedStep(table)
      if (server !== target)
        return { ...(await stream({ table, range, queryId, list, columns, into, fence })), passed: false }
      const insertOf = (select: string): Statement => ({
        query: `${into.text}\nSELECT ${list} FROM (\n${select}\n)\nWHERE ${fence.text}`,
        queryId,
        params: { ...paramsOf(table, range), ...into.params, ...fence.params },
        settings: { ...writeSettings, ...table.settings },
        progress,
      })
      const whole = table.transform.text
      return step === undefined || pass === undefined
        ? { ...(await runWrite(target, insertOf(whole))), passed: false }
        : await insertShared(target, { step, pass, into: insertOf, whole })
    } catch (error) {
      const doing = `inserting blocks ${range.from}-${range.to} of ${table.key} (query ${queryId})`
      throw serverError(error, { connection: target.connection, doing })
    }
  }

  type Streamed = {
    readonly table: TableDefinition
    readonly range: Range
    readonly queryId: string
    readonly list: string
    readonly columns: readonly OutputColumn[]
    readonly into: { readonly text: string; readonly params: Record<string, unknown> }
    readonly fence: { readonly text: string; readonly params: Record<string, unknown> }
  }

  /**
   * Rows cross as FORMAT Native, undecoded, with backpressure. When one side breaks, the other is broken off too, and
   * the source's own words win: the target can only say that its input ended.
   */
  async function stream({
    table,
    range,
    queryId,
    list,
    columns,
    into,
    fence,
  }: Streamed): Promise<WriteReport> {
    const abort = new AbortController()
    const doing = `reading blocks ${range.from}-${range.to} of ${table.key}`
    const rows = await source.client
      .exec({
        query: `SELECT ${list} FROM (\n${table.transform.text}\n) FORMAT Native`,
        query_id: `${queryId}-read`,
        query_params: paramsOf(table, range),
        clickhouse_settings: { ...table.settings, cancel_http_readonly_queries_on_client_close: 1 },
        abort_signal: abort.signal,
      })
      .catch((error: unknown) => {
        throw serverError(error, { connection: source.connection, doing })
      })
    const tail = keepTail()
    const body = new PassThrough()
    const structure = columns.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`).join(', ')
    const crossing = pipeline(rows.stream, tail.through, body, { signal: abort.signal })
    const writing = runWrite(target, {
      query: `${into.text} SELECT ${list} FROM input({backfill_structure:String}) WHERE ${fence.text} FORMAT Native`,
      queryId,
      params: { ...into.params, ...fence.params, backfill_structure: structure },
      settings: writeSettings,
      progress: true,
      values: body,
      signal: abort.signal,
    })
    const failed = (error: unknown) => {
      abort.abort()
      throw error
    }
    const [crossed, written] = await Promise.allSettled([crossing.catch(failed), writing.catch(failed)])
    const said = tail.text()
    if (crossed.status === 'rejected' && said.includes('DB::Exception'))
      throw serverError(errorInBody(said), { connection: source.connection, doing })
    if (written.status === 'rejected') throw written.reason
    if (crossed.status === 'rejected')
      throw serverError(crossed.reason, { connection: source.connection, doing })
    return written.value
  }

  return {
    describe: columnsOf,
    insert,
    clean: (job) => cleanRanges(target, names, job),
    noDeletes: noDeletes(target),
    count: (table, ranges) => countIn(target, table, ranges),
    endDeletions: (table, lock) => endDeletions(target, table, lock),
  }
}

/** A stream that passes everything on and remembers the last of it, where a broken source says why. */
function keepTail(): { readonly through: Transform; text(): string } {
  let tail: Buffer = Buffer.alloc(0)
  const through = new Transform({
    transform(piece: Buffer, _encoding, done) {
      tail =
        piece.length >= TAIL_BYTES
          ? piece.subarray(-TAIL_BYTES)
          : Buffer.concat([tail, piece]).subarray(-TAIL_BYTES)
      done(null, piece)
    },
  })
  return { through, text: () => tail.toString('utf8') }
}
