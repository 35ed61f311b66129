// Owns the promise that an answer to a question is bounded: what never ends is no ClickHouse.
import { createServer, type Server as HttpServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openServer } from '../../src/clickhouse/server.ts'

async function endless(status: number): Promise<{ readonly url: string; readonly sent: () => number }> {
  let sent = 0
  const piece = Buffer.alloc(1024 * 1024, 'a')
  const server: HttpServer = createServer((_, response) => {
    response.writeHead(status)
    const more = (): void => {
      while (!response.destroyed && sent < 2e9 && response.write(piece)) sent += piece.length
      sent += piece.length
    }
    response.on('drain', more)
    more()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => server.closeAllConnections())
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent: () => sent }
}

test.each([200, 500])('an answer without end (status %i) is refused after 64 MB', async (status) => {
  const { url, sent } = await endless(status)
  const login = { side: 'target', url, username: 'ann', password: 'secret', database: 'dbt' } as const
  await expect(openServer(login)).rejects.toMatchObject({ kind: 'server' })
  expect(sent()).toBeLessThan(80e6)
})
