// Owns an HTTP proxy in front of a real ClickHouse that can hold a chosen request, cut connections and change servers.
import { type IncomingMessage, createServer, request, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** A request as a test sees it: the statement (in the body, or in the URL where data follows) and its URL. */
export type Seen = { readonly statement: string; readonly search: URLSearchParams }

export type Answer = { readonly status: number; readonly text: string }

/**
 * Where a request is held: before the server has seen anything of it; when half of its body has reached the server;
 * when the server has answered and the client does not know.
 */
export type Point = 'request' | 'body' | 'answer'

export type Held = {
  /** Resolves when the request is held at its point. */
  readonly arrived: Promise<Seen>
  /** Cuts the client's connection once the request is held; it stays held. */
  cut(): Promise<void>
  /** Lets the request go on; resolves with the server's answer, whether the client is still there or not. */
  release(): Promise<Answer>
}

export type Proxy = {
  readonly url: string
  /** Holds the next request that matches. */
  hold(matches: (seen: Seen) => boolean, point?: Point): Held
  /** Cuts all connections of clients; what has reached the server goes on there. */
  cut(): void
  /** Passes later requests on to another server, which may not be there yet. */
  retarget(url: string): void
  close(): Promise<void>
}

type Caught = Seen & { readonly client: Socket }

type Trap = {
  readonly matches: (seen: Seen) => boolean
  readonly point: Point
  readonly caught: (caught: Caught) => void
  readonly gate: Promise<void>
  readonly answered: (answer: Answer) => void
}

/**
 * Starts a proxy on loopback in front of `target` (http://host:port). It reads requests whole before it passes them on.
 * A request whose line and headers are longer than `maxHeaderSize` bytes is refused with status 431.
 */
export async function startProxy(target: string, maxHeaderSize?: number): Promise<Proxy> {
  const traps: Trap[] = []
  let backend = target
  const server = createServer({ ...(maxHeaderSize && { maxHeaderSize }) }, (incoming, outgoing) => {
    serve({ target: () => backend, traps, incoming, outgoing }).catch(() => outgoing.destroy())
  })
  // A held request may wait for a minute; Node's defaults would end it.
  server.requestTimeout = 0
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold(matches, point = 'request') {
      const caught = Promise.withResolvers<Caught>()
      const gate = Promise.withResolvers<void>()
      const answered = Promise.withResolvers<Answer>()
      traps.push({
        matches,
        point,
        caught: caught.resolve,
        gate: gate.promise,
        answered: answered.resolve,
      })
      return {
        arrived: caught.promise,
        cut: async () => void (await caught.promise).client.destroy(),
        release: () => {
          gate.resolve()
          return answered.promise
        },
      }
    },
    cut: () => server.closeAllConnections(),
    retarget: (url) => void (backend = url),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}

async function serve(exchange: {
  readonly target: () => string
  readonly traps: Trap[]
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}): Promise<void> {
  const { target, traps, incoming, outgoing } = exchange
  const body = await readAll(incoming)
  const search = new URL(incoming.url ?? '/', target()).searchParams
  const seen = { statement: search.get('query') ?? body.toString('utf8'), search }
  const index = traps.findIndex(({ matches }) => matches(seen))
  const trap = index === -1 ? undefined : traps.splice(index, 1)[0]
  const holdAt = async (point: Point) => {
    if (trap?.point !== point) return
    trap.caught({ ...seen, client: incoming.socket })
    await trap.gate
  }
  await holdAt('request')
  const { host: _host, 'transfer-encoding': _encoding, ...headers } = incoming.headers
  const passed = request(new URL(incoming.url ?? '/', target()), {
    method: incoming.method ?? 'GET',
    headers: { ...headers, 'content-length': body.length },
  })
  passed.on('error', (error) => {
    trap?.answered({ status: 0, text: error.message })
    outgoing.destroy()
  })
  const passOn = async (answer: IncomingMessage): Promise<void> => {
    const bytes = await readAll(answer)
    await holdAt('answer')
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(bytes)
    trap?.answered({ status: answer.statusCode ?? 0, text: bytes.toString('utf8') })
  }
  passed.on('response', (answer) => void passOn(answer).catch(() => outgoing.destroy()))
  if (trap?.point === 'body') {
    passed.write(body.subarray(0, body.length / 2))
    await holdAt('body')
    passed.end(body.subarray(body.length / 2))
  } else passed.end(body)
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}
