// Owns the promise that settings are known to have arrived before anything is written.
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openServer } from '../../src/clickhouse/server.ts'
import { startTestServer } from '../support/server.ts'

test('settings that a proxy drops are noticed before anything is written', async () => {
  const server = await startTestServer()
  onTestFinished(() => server.stop())
  const { username, password } = server
  const connection = { side: 'target', url: server.url, username, password, database: 'default' } as const
  const opened = await openServer(connection)
  await opened.close()
  const proxy = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url!, server.url)
    url.searchParams.delete('insert_null_as_default')
    const passed = request(url, { method: incoming.method!, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(passed)
  })
  await new Promise<void>((ready) => proxy.listen(0, '127.0.0.1', ready))
  onTestFinished(() => void proxy.close())
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  await expect(openServer({ ...connection, url })).rejects.toMatchObject({
    kind: 'server',
    message: `settings that are sent to ClickHouse (target ${url}) do not arrive: insert_null_as_default; rows could be missing silently`,
  })
})
