// Owns how connections are made: certificates, the proxy of the environment, how long an address may take; and which HTTP
// status an answer had, which the client does not tell.
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { proxyEnvironment } from '../seam/process.ts'
import type { Connection } from './connection.ts'
import { limitError } from './bounded-answer.ts'

/** An agent for one server (or for files of the web), to be destroyed by its owner. Loopback needs no proxy. */
export function agentFor({
  url,
  ca,
  cert,
  key,
}: Pick<Connection, 'url' | 'ca' | 'cert' | 'key'>): http.Agent {
  const { protocol, hostname } = new URL(url)
  const options = {
    keepAlive: true,
    maxSockets: 64,
    // Of a host with several addresses, Node gives each but the last 250 ms: too short for a server that is far away.
    autoSelectFamilyAttemptTimeout: 2500,
    ...(!/^(localhost|127\..*|\[::1\])$/.test(hostname) && { proxyEnv: proxyEnvironment() }),
  }
  return protocol === 'https:'
    ? new https.Agent({ ...options, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) })
    : new http.Agent(options)
}

/** Something before the server has answered, by a page of its own. `code`: `HTTP 503`. */
export class GatewayError extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, location: string | undefined) {
    super(
      `HTTP ${status} ${http.STATUS_CODES[status] ?? ''}${location === undefined ? '' : `, it is at ${location}`}`,
    )
    this.status = status
    this.code = `HTTP ${status}`
  }
}

/** A web server that is not ClickHouse answers with 400, 404 or 405. */
function isOfGateways(status: number): boolean {
  return status >= 300 && ![400, 404, 405].includes(status)
}

type Seen = { status?: number; location?: string | undefined; host?: unknown; request?: ClientRequest }

const requests = new AsyncLocalStorage<Seen>()

subscribe('http.client.response.finish', (message) => {
  const seen = requests.getStore()
  if (seen === undefined) return
  const { response } = message as { response: IncomingMessage }
  seen.status = response.statusCode ?? 0
  seen.location = response.headers.location
  seen.host = response.headers['x-clickhouse-server-display-name']
  if (seen.status >= 400) limitError(response)
})

subscribe('http.client.request.start', (message) => {
  const seen = requests.getStore()
  if (seen !== undefined) seen.request = (message as { request: ClientRequest }).request
})

/** The request of the statement that is being sent: undefined until its body is sent. To be called within `withStatus`. */
export function requestInUse(): () => ClientRequest | undefined {
  const seen = requests.getStore()
  return () => seen?.request
}

/**
 * Runs a request of the client.
 * @param isServers whether an error is the server's own
 * @param answered called with the name of the host that has answered
 * @throws GatewayError instead of an error whose answer came from something before the server; else the client's error
 */
export async function withStatus<T>(
  isServers: (error: unknown) => boolean,
  request: () => Promise<T>,
  answered?: (host: unknown) => Promise<void>,
): Promise<T> {
  const seen: Seen = {}
  try {
    const answer = await requests.run(seen, request)
    await answered?.(seen.host)
    return answer
  } catch (error) {
    const { status = 0, location } = seen
    throw isOfGateways(status) && !isServers(error) ? new GatewayError(status, location) : error
  }
}
