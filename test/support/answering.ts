// Owns a server of the tests' own that answers as a test says, and a client that asks it.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { openClient } from '../../src/clickhouse/client.ts'

/** Its URL; it is closed when the test has finished. */
export async function listening(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export const connectionTo = (url: string) =>
  ({ side: 'target', url, username: 'ann', password: '', database: 'dbt' }) as const

export const ask = (url: string) => clientOf(url).rows({ query: 'SELECT 1 AS n' })

export function clientOf(url: string) {
  const client = openClient(connectionTo(url), {})
  onTestFinished(() => client.close())
  return client
}
