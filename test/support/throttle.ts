// Owns a TCP proxy that lets a server be reached at no more than a certain speed, in either direction, as a thin line or a
// busy target would; it can be cut in the middle of what crosses.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type Throttle = {
  readonly url: string
  /** Bytes that have passed, in either direction. */
  passed(): number
  /** Resolves when so many have. */
  reached(bytes: number): Promise<void>
  /** Resolves when so many have; nothing passes then until `release`. */
  heldAt(bytes: number): Promise<{ release(): void }>
  /** Cuts all connections, in the middle of what crosses. */
  cut(): void
  /** What is on its way arrives nowhere any more, and nothing is closed; new connections work. */
  mute(): void
  /** Later connections go to another server, which may not be there yet. */
  retarget(url: string): void
  close(): Promise<void>
}

/** Starts it on loopback in front of `target` (http://host:port). */
export async function startThrottle(target: string, bytesPerSecond: number): Promise<Throttle> {
  let backend = target
  const sockets = new Set<Socket>()
  const muted = new Set<Socket>()
  let passed = 0
  const awaited: { readonly bytes: number; readonly resolve: () => void }[] = []
  let held: Set<Socket> | undefined
  const server = createServer((client) => {
    const { hostname, port } = new URL(backend)
    const upstream = connect(Number(port), hostname)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('data', (piece) => {
        if (muted.has(socket)) return
        passed += piece.length
        for (const one of awaited.splice(0))
          if (passed >= one.bytes) one.resolve()
          else awaited.push(one)
        other.write(piece)
        socket.pause()
        const goOn = () => (held === undefined ? socket.resume() : held.add(socket))
        setTimeout(goOn, (piece.length / bytesPerSecond) * 1000)
      })
      socket.on('end', () => void (muted.has(socket) || other.end()))
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        if (!muted.has(socket)) other.destroy()
      })
    }
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed: () => passed,
    reached: (bytes) => new Promise((resolve) => void awaited.push({ bytes, resolve })),
    heldAt: (bytes) =>
      new Promise((resolve) => {
        const hold = () => {
          const waiting = (held = new Set())
          const release = () => {
            held = undefined
            for (const socket of waiting) socket.resume()
          }
          resolve({ release })
        }
        awaited.push({ bytes, resolve: hold })
      }),
    cut: () => sockets.forEach((socket) => socket.destroy()),
    mute: () => sockets.forEach((socket) => muted.add(socket)),
    retarget: (url) => void (backend = url),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
