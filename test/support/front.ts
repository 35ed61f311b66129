// Owns what people put in front of a ClickHouse: TLS with a certificate of an authority of their own, a path prefix.
import { readFileSync } from 'node:fs'
import { createServer as createHttp, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { repository } from './processes.ts'

const TLS = join(repository, 'test/fixtures/tls')

/** The authority that signed the front's certificate. */
export const CA_FILE = join(TLS, 'ca.pem')

export type Front = { readonly url: string; close(): Promise<void> }

export type FrontOptions = {
  readonly path?: string
  readonly tls?: boolean
  /** A parameter of the URL that it takes out. */
  readonly without?: string
}

/**
 * Passes on to `target`, or to the server that it names for a request's parameters, what comes below `path` ('' for
 * all); answers 404 to the rest.
 */
export async function startFront(
  target: string | ((parameters: URLSearchParams) => string),
  { path = '', tls = false, without }: FrontOptions = {},
): Promise<Front> {
  const serve = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://front')
    const server = typeof target === 'string' ? target : target(searchParams)
    if (without !== undefined) searchParams.delete(without)
    if (pathname !== path && !pathname.startsWith(`${path}/`))
      return void outgoing.writeHead(404).end('nothing here')
    const onwards = new URL(`${pathname.slice(path.length)}?${searchParams.toString()}`, server)
    const passed = request(onwards, { method: incoming.method ?? 'GET', headers: incoming.headers })
    const broken = () => outgoing.destroy()
    passed.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      pipeline(answer, outgoing).catch(broken)
    })
    return void pipeline(incoming, passed).catch(broken)
  }
  const front = tls
    ? createHttps(
        { key: readFileSync(join(TLS, 'server.key')), cert: readFileSync(join(TLS, 'server.pem')) },
        serve,
      )
    : createHttp(serve)
  await new Promise<void>((listening) => front.listen(0, '127.0.0.1', listening))
  const { port } = front.address() as AddressInfo
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}${path}`,
    close: () =>
      new Promise((closed) => {
        front.close(() => closed())
        front.closeAllConnections()
      }),
  }
}
