// Owns HTTP: where it listens, its limits, its headers, what is refused before a question is read, and the end.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { usageError } from '../../model/errors.ts'
import { after } from '../../seam/clock.ts'
import type { Word } from '../../workspace/values.ts'

export const LIMITS = {
  connections: 64,
  questions: 4,
  headerBytes: 8_192,
  urlLength: 2_048,
  requestMs: 10_000,
  answerMs: 60_000,
  endMs: 5_000,
} as const

export type Answer = {
  readonly status: number
  readonly type: 'text/html' | 'text/plain' | 'text/plain; version=0.0.4' | 'application/json'
  readonly body: string
  readonly policy?: string
}

/** Undefined: too many questions are under way. */
export type Answering = (path: string, query: URLSearchParams) => Promise<Answer> | undefined

/** Serves until the signal is aborted. `ready` gets the address. @throws BackfillError `usage` if the address is taken or unknown */
export async function serveUntil(
  signal: AbortSignal,
  { host, port }: Address,
  { answering, ready }: { readonly answering: Answering; readonly ready: (url: string) => void },
): Promise<void> {
  // That of the socket, once it listens: another name may mean loopback, too.
  let address = host
  const server = createServer(
    { maxHeaderSize: LIMITS.headerBytes, requestTimeout: LIMITS.requestMs, headersTimeout: LIMITS.requestMs },
    (request, response) => {
      void respond(request, address, answering).then((answer) => send(response, answer))
    },
  )
  server.maxConnections = LIMITS.connections
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      reject(usageError(`cannot listen on ${host}:${port}: ${code}`, 'choose another address with --listen')),
    )
    server.listen(port, host, resolve)
  })
  const bound = server.address() as AddressInfo
  address = bound.address
  const shown = host.includes(':') ? `[${host}]` : host
  ready(`http://${shown}:${bound.port}/`)
  const ended = new Promise<void>((resolve) => void server.once('close', resolve))
  const end = () => {
    server.close()
    server.closeIdleConnections()
    after(LIMITS.endMs, () => server.closeAllConnections())
  }
  if (signal.aborted) end()
  else signal.addEventListener('abort', end, { once: true })
  await ended
}

async function respond(request: IncomingMessage, host: string, answering: Answering): Promise<Answer> {
  const { method, url = '/', headers } = request
  if (method !== 'GET') return refusal(405, 'only GET is answered')
  if (!isOurHost(host, headers.host)) return refusal(421, 'this Host is not served here')
  if (url.length > LIMITS.urlLength) return refusal(414, 'the address is too long')
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0)
    return refusal(413, 'a question has no body')
  const [path = '/', query = ''] = url.split('?', 2)
  const answer = answering(path, new URLSearchParams(query))
  if (answer === undefined) return refusal(503, `${LIMITS.questions} other questions are under way`)
  const late = Promise.withResolvers<Answer>()
  const cancel = after(LIMITS.answerMs, () =>
    late.resolve(refusal(503, 'ClickHouse has not answered in time')),
  )
  return await Promise.race([answer, late.promise]).finally(cancel)
}

export function refusal(status: number, text: string): Answer {
  return { status, type: 'text/plain', body: `${text}\n` }
}

function send(response: ServerResponse, { status, type, body, policy = `default-src 'none'` }: Answer): void {
  response.writeHead(status, {
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(body),
    'Content-Security-Policy': `${policy}; frame-ancestors 'none'`,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cache-Control': 'no-store',
    ...(status === 405 && { Allow: 'GET' }),
    ...(status === 503 && { 'Retry-After': '10' }),
    // Whatever came after a refused request is not read.
    ...([405, 413, 414].includes(status) && { Connection: 'close' }),
  })
  response.end(body)
}

export type Address = { readonly host: string; readonly port: number }

/** `127.0.0.1:8477`, `[::1]:8477`, `localhost:0` (any free port). @throws BackfillError `usage` */
export function listenAddress({ text, place }: Word): Address {
  const [, bracketed, plain, port = ''] = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) > 65_535)
    throw usageError(`${place} must be an address and a port such as 127.0.0.1:8477, got '${text}'`)
  return { host, port: Number(port) }
}

/**
 * Whether a request with this Host header is answered. On loopback only its own names are: a foreign name that resolves to
 * 127.0.0.1 would let a web page read what only this machine may see (DNS rebinding).
 */
export function isOurHost(listening: string, header: string | undefined): boolean {
  if (!isLoopback(listening)) return true
  return isLoopback((header ?? '').replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1'))
}

function isLoopback(host: string): boolean {
  return /^(localhost|::1|(::ffff:)?127(\.\d{1,3}){3})$/i.test(host)
}
