// Owns the wire to one ClickHouse server: the only place that makes a client of the package, and its limits of time.
import {
  ClickHouseError,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
} from '@clickhouse/client'
import type { Connection } from './connection.ts'
import { agentFor, withStatus } from './http-agent.ts'
import { answerMs, silent } from './silence.ts'
import { timeoutSignal } from '../seam/clock.ts'

/** The methods of the package's client that this program uses: a replacement for the wire implements these. */
export type Transport = Pick<
  ReturnType<typeof createClient>,
  'query' | 'command' | 'exec' | 'ping' | 'close'
> & {
  /** `exec` that gives up a connection on which nothing arrives for SILENCE_MS. */
  execWatched?: ReturnType<typeof createClient>['exec']
  /** Whether the server runs a statement, as far as it can tell. Rejects where the server does not answer in time. */
  isRunning?(queryId: string): Promise<boolean>
}

/** Whether an error of an answer is the server's own words. */
export function isServers(error: unknown): boolean {
  return (
    error instanceof ClickHouseError || (error instanceof Error && error.message.includes('DB::Exception'))
  )
}

/** The server stops a statement after an hour; `max_execution_time` is pinned so that no profile shortens this. */
export const MAX_EXECUTION_SECONDS = 3600

/** The client gives up later than the server, so that people read the server's own error. */
const REQUEST_TIMEOUT_MS = (MAX_EXECUTION_SECONDS + 60) * 1000

export type MakeTransport = (connection: Connection, settings: ClickHouseSettings) => Transport

/** Progress headers come every ten seconds (write.ts). */
const SILENCE_MS = 45_000

export const overHttp: MakeTransport = (connection, settings) => {
  const main = httpClient(connection, settings, REQUEST_TIMEOUT_MS)
  // Made on use, because few commands write. Its sockets are its own: a client ends those that it finds idle.
  let watched: ReturnType<typeof createClient> | undefined
  return {
    query: main.query.bind(main),
    command: (statement) => main.command(statement),
    exec: (statement) => main.exec(statement),
    ping: async (params) => {
      const abort_signal = timeoutSignal(answerMs())
      const answer = await main.ping({ ...params, abort_signal } as typeof params)
      return !answer.success && abort_signal.aborted ? { success: false, error: silent(false) } : answer
    },
    isRunning: openLook(main),
    execWatched: (statement) => (watched ??= httpClient(connection, settings, SILENCE_MS)).exec(statement),
    close: async () => void (await Promise.all([main.close(), watched?.close()])),
  }
}

/** Behind a load balancer another server may answer, which knows nothing of the statement: then it may well run. */
function openLook(client: ReturnType<typeof createClient>): (queryId: string) => Promise<boolean> {
  const servers = new Set<string>()
  return async (id) => {
    const question = {
      query: `SELECT toString(serverUUID()) AS server, count() AS n FROM system.processes WHERE query_id = {id:String}`,
      query_params: { id },
      format: 'JSONEachRow',
      abort_signal: timeoutSignal(answerMs()),
    } as const
    // A request of its own, not a part of the one that is looked after.
    const [found] = await withStatus(isServers, async () =>
      (await client.query(question)).json<{ server: string; n: number | string }>(),
    ).catch((error: unknown) => {
      if (isServers(error)) return []
      throw error
    })
    if (found === undefined) return true
    return Number(found.n) > 0 || servers.add(found.server).size > 1
  }
}

/** @param timeoutMs how long nothing may arrive on a connection in use */
function httpClient(connection: Connection, settings: ClickHouseSettings, timeoutMs: number) {
  const { origin, pathname } = new URL(connection.url)
  return createClient({
    url: origin,
    // In the URL it would be read as a database.
    ...(pathname !== '/' && { pathname }),
    http_agent: agentFor(connection),
    username: connection.username,
    password: connection.password,
    request_timeout: timeoutMs,
    use_multipart_params_auto: true,
    clickhouse_settings: settings,
    // Progress headers keep idle connections alive; at the interval of write.ts, an hour of them stays below 1 MiB.
    max_response_headers_size: 1024 * 1024,
    // Its logger prints statements, parameters and stacks to stderr.
    log: { level: ClickHouseLogLevel.OFF },
  })
}
