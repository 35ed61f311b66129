// Owns a TCP proxy that lets a server be reached at no more than a certain speed, as a thin line or a busy target would.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type Throttle = {
  readonly url: string
  /** Bytes that have passed on their way to the server. */
  passed(): number
  close(): Promise<void>
}

/** Starts it on loopback in front of `target` (http://host:port); answers pass at once. */
export async function startThrottle(target: string, bytesPerSecond: number): Promise<Throttle> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let passed = 0
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    client.on('data', (piece) => {
      passed += piece.length
      upstream.write(piece)
      client.pause()
      setTimeout(() => client.resume(), (piece.length / bytesPerSecond) * 1000)
    })
    client.on('end', () => upstream.end())
    upstream.pipe(client)
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
    }
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed: () => passed,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
