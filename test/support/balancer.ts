// Owns a load balancer as people have it: connections go to several servers in turn.
import { connect, createServer, type AddressInfo } from 'node:net'

export type Balancer = { readonly url: string; close(): Promise<void> }

export async function startBalancer(urls: readonly string[]): Promise<Balancer> {
  let next = 0
  const server = createServer((client) => {
    const { hostname, port } = new URL(urls[next++ % urls.length]!)
    const backend = connect(Number(port), hostname)
    client.pipe(backend).pipe(client)
    client.on('error', () => backend.destroy())
    backend.on('error', () => client.destroy())
    // A side that is gone takes nothing more, so the other would wait for ever with what it still has.
    client.on('close', () => backend.destroySoon())
    backend.on('close', () => client.destroySoon())
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((closed) => server.close(() => closed())),
  }
}
