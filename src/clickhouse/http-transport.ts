// Owns the wire to one ClickHouse server: the only place that makes a client of the package, and its limits of time.
import { ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client'
import type { Connection } from './connection.ts'
import { agentFor, withStatus } from './http-agent.ts'
import { type Lookout, silenceLimits, silent } from './silence.ts'
import { timeoutSignal } from '../seam/clock.ts'

type NodeClient = ReturnType<typeof createClient>

/** The methods of the package's client that this program uses: a replacement for the wire implements these. */
export type Transport = Pick<NodeClient, 'query' | 'exec' | 'ping' | 'close'> & {
  /** @param hosts the names under which the hosts are known that have answered */
  readonly lookFor?: (queryId: string, hosts: Set<unknown>) => Lookout['isRunning']
}

/** Equal for two URLs of one server: its UUID, or host and port if it has none (embedded). */
export const SERVER_IDENTITY = `if(serverUUID() = toUUID('00000000-0000-0000-0000-000000000000'),
  concat(hostName(), ':', toString(getServerPort('http_port'))), toString(serverUUID()))`

export const overHttp = (connection: Connection, settings: ClickHouseSettings): Transport => {
  const agent = agentFor(connection)
  const main = httpClient(connection, settings, agent)
  // Made on use. Each look has a connection of its own: a load balancer may then choose another host.
  let looks: NodeClient | undefined
  return {
    query: main.query.bind(main),
    exec: (statement) => main.exec(statement),
    ping: async (params) => {
      const abort_signal = timeoutSignal(silenceLimits().answerMs)
      // One connection was lost: those that were idle beside it may be as dead, and would each take their time to be noticed.
      for (const idle of Object.values(agent.freeSockets).flat()) idle?.destroy()
      const answer = await main.ping({ ...params, abort_signal } as typeof params)
      return !answer.success && abort_signal.aborted ? { success: false, error: silent(false) } : answer
    },
    lookFor: (queryId, hosts) =>
      openLook(
        () => (looks ??= httpClient(connection, settings, agentFor(connection), false)),
        queryId,
        hosts,
      ),
    close: async () => void (await Promise.all([main.close(), looks?.close()])),
  }
}

/** Undefined where the user may not see what runs, where a proxy changes ids, and until each known host behind a load balancer has been asked. */
function openLook(client: () => NodeClient, id: string, hosts: Set<unknown>): Lookout['isRunning'] {
  const denied = new Set<unknown>()
  let looks = 0
  return async () => {
    const own = `${id}-look-${(looks += 1)}`
    const question = {
      query: `SELECT ${SERVER_IDENTITY} AS host, countIf(query_id = {id:String}) AS runs, countIf(query_id = {own:String}) AS sees
        FROM system.processes`,
      query_params: { id, own },
      query_id: own,
      format: 'JSONEachRow',
      abort_signal: timeoutSignal(silenceLimits().answerMs),
    } as const
    // A request of its own, not a part of the one that is looked after.
    const [found] = await withStatus(
      async () => (await client().query(question)).json<{ host: string; runs: string; sees: string }>(),
      (name) => void denied.add(name),
    )
    if (found === undefined || Number(found.sees) === 0) return undefined
    if (Number(found.runs) > 0) return true
    hosts.add(found.host)
    denied.add(found.host)
    if (![...hosts].every((host) => denied.has(host))) return undefined
    denied.clear()
    return false
  }
}

function httpClient(
  connection: Connection,
  settings: ClickHouseSettings,
  http_agent: ReturnType<typeof agentFor>,
  keepAlive = true,
) {
  const { origin, pathname } = new URL(connection.url)
  return createClient({
    url: origin,
    // In the URL it would be read as a database.
    ...(pathname !== '/' && { pathname }),
    http_agent,
    username: connection.username,
    password: connection.password,
    request_timeout: silenceLimits().lastMs,
    keep_alive: { enabled: keepAlive },
    use_multipart_params_auto: true,
    clickhouse_settings: settings,
    // Progress headers keep idle connections alive; at the interval of write.ts, an hour of them stays below 1 MiB.
    max_response_headers_size: 1024 * 1024,
    // Its logger prints statements, parameters and stacks to stderr.
    log: { level: ClickHouseLogLevel.OFF },
  })
}
