// Owns a TCP proxy that cuts connections on which nothing has moved for a while, as load balancers do.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type IdleProxy = {
  readonly url: string
  /** Connections that it has cut while a request was under way. */
  readonly cut: () => number
  close(): Promise<void>
}

/** Starts the proxy on loopback in front of `target` (http://host:port). */
export async function startIdleProxy(target: string, idleMs: number): Promise<IdleProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let cut = 0
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    let asked = false
    client.on('data', () => (asked = true))
    upstream.on('end', () => (asked = false))
    const idle = () => {
      if (asked) cut++
      client.destroy()
      upstream.destroy()
    }
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.on('data', () => other.setTimeout(idleMs))
      socket.setTimeout(idleMs, idle)
      socket.pipe(other)
    }
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => cut,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
