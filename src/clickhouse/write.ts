// Owns sending one writing statement, and checking that the server has executed it completely.
import type { Readable } from 'node:stream'
import { errorInBody, NO_SUMMARY, wholeText } from './answers.ts'
import { serverError } from './server-error.ts'
import type { Server } from './server.ts'
import { monotonicMs } from '../seam/clock.ts'

export type Statement = Parameters<Server['client']['exec']>[0] & {
  readonly query_id: string
  readonly doing: string
  readonly query_params: Record<string, unknown>
  /** Whether the server sends progress headers (runner/executor.ts, InsertJob). */
  readonly progress: boolean
  readonly values?: Readable
}

/** A transform yields a row per key: looking for rows that replace one another finds nothing, and costs up to a fifth of an INSERT. */
const WRITE_SETTINGS = { optimize_on_insert: 0 } as const

/** A server counts rows that it writes to its own shard twice, unless it sends them over the network as to the others. */
export function writeSettings({ cluster }: Pick<Server, 'cluster'>): Readonly<Record<string, number>> {
  return cluster === undefined ? WRITE_SETTINGS : { ...WRITE_SETTINGS, prefer_localhost_replica: 0 }
}

/**
 * Resolves when it is certainly done: the response ended without an error, its body is empty, it has a summary. Progress headers send status 200
 * before the outcome is known, so only the body decides. @throws BackfillError `failed`, `locked`, `server`
 */
export async function runWrite(
  { client, connection }: Server,
  { progress, clickhouse_settings, ...statement }: Statement,
): Promise<WriteReport> {
  const started = monotonicMs()
  const { stream, summary } = await client.exec({
    ...statement,
    clickhouse_settings: {
      ...clickhouse_settings,
      send_progress_in_http_headers: progress ? 1 : 0,
      http_headers_progress_interval_ms: PROGRESS_INTERVAL_MS,
    },
  })
  try {
    const body = (await wholeText(stream)).trim()
    if (body !== '') throw errorInBody(body)
    // A proxy may drop the header, or what is in it: the outcome is unknown.
    if (summary?.written_rows === undefined) throw new Error(NO_SUMMARY)
  } catch (error) {
    throw serverError(error, { connection, doing: statement.doing })
  }
  return {
    rowsRead: Number(summary.read_rows),
    rowsWritten: Number(summary.written_rows),
    bytesRead: Number(summary.read_bytes),
    peakMemory: Number((summary as { memory_usage?: string }).memory_usage ?? 0),
    elapsedMs: Math.round(monotonicMs() - started),
  }
}

/** An hour of progress headers of about 250 bytes at this interval stays far below `max_response_headers_size`. */
const PROGRESS_INTERVAL_MS = '10000'

export type WriteReport = {
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly bytesRead: number
  readonly peakMemory: number
  readonly elapsedMs: number
}
