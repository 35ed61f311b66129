// Owns streaming rows from one server to another, undecoded: a SELECT on the source, a fenced INSERT on the target.
import { PassThrough, type Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { ClickHouseSettings } from '@clickhouse/client'
import type { OutputColumn } from '../../sql-syntax/column-fit.ts'
import type { Compression } from '../../model/model.ts'
import { quoteIdentifier } from '../../sql-syntax/quoting.ts'
import { serverError } from '../server-error.ts'
import type { Server } from '../server.ts'
import { refusesSettings } from '../settings-limits.ts'
import { errorInBody } from '../answers.ts'
import { runWrite, type WriteReport, writeSettings } from '../write.ts'
import { type CompressionForm, COMPRESSIONS } from './compression.ts'

type Part = { readonly text: string; readonly params: Readonly<Record<string, unknown>> }

type Crossing = {
  /** The purpose on the source, and on the target, printed after "while". */
  readonly reading: string
  readonly writing: string
  readonly queryId: string
  readonly columns: readonly OutputColumn[]
  readonly read: Part & { readonly settings: ClickHouseSettings }
  /** `INSERT INTO table (columns)`, and the condition under which it writes. */
  readonly into: Part
  readonly fence: Part
  readonly signal?: AbortSignal
}

type Stream = (crossing: Crossing) => Promise<WriteReport>

/** The compression in use: zstd needs settings that the user may not be allowed to set; lz4 needs none. */
export async function compressionFrom({ limits, client }: Server, wished: Compression): Promise<Compression> {
  if (wished !== 'zstd') return wished
  const settings = COMPRESSIONS.zstd.ask
  if ((limits?.denied(settings) ?? []).length > 0) return 'lz4'
  const asked = client.command({ query: 'SELECT 1', clickhouse_settings: settings })
  // Any other error of the source is reported by the statement that reads it.
  return await asked.then(
    () => wished,
    (error: unknown) => (refusesSettings(error) ? 'lz4' : wished),
  )
}

/**
 * If one side fails, the other is aborted, and the error of the source is reported: the target only knows that its input
 * ended. A zstd stream hides that error; so after a failure without a message, the next attempts use lz4, which shows it.
 */
export function openStream(source: Server, target: Server, wished: Compression): Stream {
  let compression = wished
  return async ({ reading, writing, queryId, columns, read, into, fence, signal }) => {
    const form = COMPRESSIONS[compression]
    const list = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
    const failing = (error: unknown) => serverError(error, { connection: source.connection, doing: reading })
    const failure = new AbortController()
    const abort = signal === undefined ? failure.signal : AbortSignal.any([failure.signal, signal])
    const rows = await startReading(source, form, {
      query: `SELECT ${list} FROM (\n${read.text}\n) FORMAT Native`,
      query_id: `${queryId}-read`,
      doing: reading,
      query_params: { ...read.params },
      clickhouse_settings: { ...read.settings, ...ENDS_WITH_ITS_READER },
      abort_signal: abort,
    }).catch((error: unknown) => {
      throw failing(error)
    })
    const tail = form.keepTail()
    const body = new PassThrough()
    const crossing = pipeline(rows, tail.through, body, { signal: abort })
    const written = runWrite(target, {
      query: `${into.text} SELECT ${list} FROM input({backfill_structure:String}) WHERE ${fence.text} FORMAT Native`,
      query_id: queryId,
      doing: writing,
      query_params: {
        ...into.params,
        ...fence.params,
        backfill_structure: columns.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`).join(', '),
      },
      clickhouse_settings: { ...writeSettings(target), ...form.tell },
      http_headers: { ...(form.encoding && { 'Content-Encoding': form.encoding }) },
      progress: true,
      values: body,
      abort_signal: abort,
    })
    let first: Server | undefined
    const failed = (side: Server) => (error: unknown) => {
      first ??= side
      failure.abort()
      throw error
    }
    const [crossed, wrote] = await Promise.allSettled([
      crossing.catch(failed(source)),
      written.catch(failed(target)),
    ])
    if (crossed.status === 'fulfilled' && wrote.status === 'fulfilled') {
      // A runtime may take a closed connection for the end of the answer.
      if ('complete' in rows && rows.complete !== true) throw failing(new Error('the answer was cut off'))
      return wrote.value
    }
    const said = tail.text(unread(rows))
    if (said.includes('DB::Exception')) throw failing(errorInBody(said))
    // A broken connection of the target closes the body, and that breaks off what comes before it.
    if (crossed.status === 'rejected' && first === source && !isClosed(crossed.reason)) {
      if (compression === 'zstd') compression = 'lz4'
      throw failing(crossed.reason)
    }
    throw wrote.status === 'rejected' ? wrote.reason : failing((crossed as PromiseRejectedResult).reason)
  }
}

/**
 * What has arrived, but was not passed on when the connection ended: a server that breaks off says why in its last bytes. Node keeps
 * them there (tried with 20, 24 and Deno), in a property that is in no documentation.
 */
export function unread(rows: Readable): readonly Buffer[] {
  const { readableBuffer = [] }: { readonly readableBuffer?: Iterable<unknown> } = Object(rows)
  return [...readableBuffer].filter((piece) => Buffer.isBuffer(piece))
}

const isClosed = (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'

/** The server ends a statement when nobody waits for its rows any more only if it may not write. 2: the header of a transform sets settings. */
const ENDS_WITH_ITS_READER = { readonly: '2', cancel_http_readonly_queries_on_client_close: 1 } as const

type Reading = Parameters<Server['client']['exec']>[0]

/** @throws the server's error if there is no answer to stream */
async function startReading({ client }: Server, form: CompressionForm, reading: Reading): Promise<Readable> {
  const { stream, response_headers, http_status_code } = await client.exec({
    ...reading,
    clickhouse_settings: { ...reading.clickhouse_settings, ...form.ask },
    http_headers: { ...(form.encoding && { 'Accept-Encoding': form.encoding }) },
    decompress_response_stream: false,
    // The body of an error is compressed, too, and the client decodes neither of these encodings.
    ignore_error_response: true,
  })
  const isError = http_status_code !== 200 || response_headers['x-clickhouse-exception-code'] !== undefined
  if (isError) throw errorInBody(form.read(await buffer(stream)))
  return stream
}
