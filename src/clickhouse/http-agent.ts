// Owns how connections are made, and which HTTP status an answer had, which the client does not tell.
import https from 'node:https'
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import { ClickHouseError } from '@clickhouse/client'
import { proxyEnvironment } from '../seam/process.ts'
import type { Connection } from './connection.ts'
import { limitError, isKept, KeptAnswerError, nodeIn } from './answers.ts'
import { proxyFor } from '../model/proxy.ts'

/** An agent for one server (or for files of the web), to be destroyed by its owner. @throws BackfillError `usage` for a bad proxy */
export function agentFor({ url, ca, cert, key }: Pick<Connection, 'url' | 'ca' | 'cert' | 'key'>) {
  const proxy = proxyFor(url, proxyEnvironment())
  const options = {
    keepAlive: true,
    maxSockets: 64,
    // Of a host with several addresses, Node gives each but the last 250 ms: too short for a server that is far away.
    autoSelectFamilyAttemptTimeout: 2500,
    ...(proxy && { proxyEnv: proxy.environment }),
  }
  return url.startsWith('https:')
    ? new https.Agent({ ...options, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) })
    : new http.Agent(options)
}

/** ` through HTTP_PROXY`, for messages; '' where the environment names no proxy for it. */
export function wayTo(url: string): string {
  const proxy = proxyFor(url, proxyEnvironment())
  return proxy ? ` through ${proxy.variable}` : ''
}

const MOST_CHARACTERS = 200
/** What follows the path may be the statement, or a token of a login; what stands before the host is a login. */
const withoutLogin = (location: string) =>
  location
    .replace(/[?#].*$/s, '')
    .replace(/^([^/]*\/\/).*@/s, '$1***@')
    .slice(0, MOST_CHARACTERS)

/** Something before the server has answered, by a page of its own. `code`: `HTTP 503`. */
export class GatewayError extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, location: string | undefined) {
    const place = location === undefined ? '' : `, it is at ${withoutLogin(location)}`
    super(`HTTP ${status} ${http.STATUS_CODES[status] ?? ''}${place}`)
    this.status = status
    this.code = `HTTP ${status}`
  }
}

export function isServers(error: unknown): boolean {
  return (
    error instanceof ClickHouseError || (error instanceof Error && error.message.includes('DB::Exception'))
  )
}

/** `readBefore`: what the connection of the request had read for others. */
type Seen = { request?: ClientRequest; response?: IncomingMessage; readBefore?: number; said?: string }

const requests = new AsyncLocalStorage<Seen>()

subscribe('http.client.request.created', (message) => {
  const seen = requests.getStore()
  if (seen === undefined) return
  seen.request = (message as { request: ClientRequest }).request
  seen.request.once('socket', (socket) => (seen.readBefore = socket.bytesRead))
  seen.request.once('response', (response) => {
    seen.response = response
    if (response.statusCode! >= 400) limitError(response, (text) => (seen.said = text))
  })
})

export type InUse = {
  /** Starts at 0 and grows while bytes arrive or are taken; undefined while it is our turn to send. */
  readonly moved: () => number | undefined
  readonly end: (error: Error) => void
}

function moved({ request, readBefore = 0 }: Seen): number | undefined {
  // It waits for a free connection.
  if (!request?.socket) return undefined
  const { bytesRead, bytesWritten, writableLength } = request.socket
  if (request.writableFinished) return bytesRead - readBefore
  // If nothing waits to be taken, its rows are not there yet.
  return writableLength === 0 ? undefined : bytesWritten - writableLength
}

/** What sends less of an answer than this between two looks keeps the connection busy, and brings nothing. */
const TRICKLE_BYTES = 4096

/** As `moved`, but for an answer that has begun. Before, the server sends headers of progress, a few bytes each: they count. */
function movedMuch(seen: Seen): number | undefined {
  const bytes = moved(seen)
  return bytes === undefined || seen.response === undefined ? bytes : Math.ceil(bytes / TRICKLE_BYTES)
}

/** @param answered told the name of the host @throws GatewayError for an answer of something before the server; else the client's error */
export async function withStatus<T>(
  send: (inUse: InUse) => Promise<T>,
  answered?: (host: unknown) => Promise<void> | void,
): Promise<T> {
  const seen: Seen = {}
  const inUse = { moved: () => movedMuch(seen), end: (error: Error) => void seen.request?.destroy(error) }
  try {
    const answer = await requests.run(seen, send, inUse)
    if (isKept(seen.response?.headers ?? {}, seen.request?.path ?? '')) {
      inUse.end(new KeptAnswerError())
      throw new KeptAnswerError()
    }
    await answered?.(seen.response?.headers['x-clickhouse-server-display-name'])
    return answer
  } catch (error) {
    const { statusCode = 0, headers } = seen.response ?? {}
    // A web server that is not ClickHouse answers with these.
    const isOfGateway = statusCode >= 300 && ![400, 404, 405].includes(statusCode) && !isServers(error)
    if (isOfGateway) throw new GatewayError(statusCode, headers?.location)
    const node = nodeIn(seen.said ?? '')
    if (error instanceof ClickHouseError && node !== undefined)
      error.message = `${error.message.trim().replace(/\.$/, '')}, says node ${node}`
    throw error
  }
}
