// Owns an HTTP proxy in front of a real ClickHouse that can hold a chosen request and let it go later.
import { type IncomingMessage, createServer, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as a test sees it: the statement (in the body, or in the URL where data follows) and its URL. */
export type Seen = { readonly statement: string; readonly search: URLSearchParams }

export type Held = {
  /** Resolves when the request has arrived at the proxy; the server has not seen it. */
  readonly arrived: Promise<Seen>
  /** Lets the request go on to the server; resolves when the server has answered it, with status and text. */
  release(): Promise<{ readonly status: number; readonly text: string }>
}

export type Proxy = {
  readonly url: string
  /** Holds the next request that matches. */
  hold(matches: (seen: Seen) => boolean): Held
  close(): Promise<void>
}

type Trap = {
  readonly matches: (seen: Seen) => boolean
  readonly caught: (seen: Seen) => void
  readonly gate: Promise<void>
  readonly answered: (answer: { status: number; text: string }) => void
}

/** Starts a proxy on loopback in front of `target` (http://host:port). It reads requests whole before it passes them on. */
export async function startProxy(target: string): Promise<Proxy> {
  const traps: Trap[] = []
  const server = createServer((incoming, outgoing) => {
    void serve({ target, traps, incoming, outgoing })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold(matches) {
      const caught = Promise.withResolvers<Seen>()
      const gate = Promise.withResolvers<void>()
      const answered = Promise.withResolvers<{ status: number; text: string }>()
      traps.push({ matches, caught: caught.resolve, gate: gate.promise, answered: answered.resolve })
      return {
        arrived: caught.promise,
        release: () => {
          gate.resolve()
          return answered.promise
        },
      }
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}

async function serve(exchange: {
  readonly target: string
  readonly traps: Trap[]
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}): Promise<void> {
  const { target, traps, incoming, outgoing } = exchange
  const body = await readAll(incoming)
  const search = new URL(incoming.url ?? '/', target).searchParams
  const seen = { statement: search.get('query') ?? body.toString('utf8'), search }
  const index = traps.findIndex(({ matches }) => matches(seen))
  const trap = index === -1 ? undefined : traps.splice(index, 1)[0]
  trap?.caught(seen)
  await trap?.gate
  const { host: _host, 'transfer-encoding': _encoding, ...headers } = incoming.headers
  const passed = request(new URL(incoming.url ?? '/', target), {
    method: incoming.method ?? 'GET',
    headers: { ...headers, 'content-length': body.length },
  })
  passed.on('error', (error) => outgoing.destroy(error))
  passed.on('response', (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    const pieces: Buffer[] = []
    answer.on('data', (piece: Buffer) => pieces.push(piece))
    answer.on('end', () =>
      trap?.answered({ status: answer.statusCode ?? 0, text: Buffer.concat(pieces).toString('utf8') }),
    )
    answer.on('error', (error) => outgoing.destroy(error))
    answer.pipe(outgoing)
  })
  passed.end(body)
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}
