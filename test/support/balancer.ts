// Owns a TCP balancer that gives each new connection to the next of some servers, as the port of a cluster does.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type Balancer = { readonly url: string; close(): Promise<void> }

/** Starts it on loopback in front of `targets` (http://host:port). */
export async function startBalancer(targets: readonly string[]): Promise<Balancer> {
  const sockets = new Set<Socket>()
  let next = 0
  const server = createServer((client) => {
    const { hostname, port } = new URL(targets[next++ % targets.length]!)
    const upstream = connect(Number(port), hostname)
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
      socket.pipe(other)
    }
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
