// Owns the promises of what stands before a real server: settings are known to have arrived before anything is written, and
// a connection that falls silent is noticed.
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openServer } from '../../src/clickhouse/server.ts'
import { replaceSilenceLimits } from '../../src/clickhouse/silence.ts'
import { startProxy } from '../support/proxy.ts'
import { startTestServer, uniqueDatabase } from '../support/server.ts'

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

test('behind a load balancer each other host is asked whether the settings have arrived', async () => {
  const server = await startTestServer()
  onTestFinished(() => server.stop())
  let second = false
  const balancer = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url!, server.url)
    if (second) url.searchParams.delete('insert_null_as_default')
    const host = second ? 'two' : 'one'
    const passed = request(url, { method: incoming.method!, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, { ...answer.headers, 'x-clickhouse-server-display-name': host })
      answer.pipe(outgoing)
    })
    incoming.pipe(passed)
  })
  await new Promise<void>((ready) => balancer.listen(0, '127.0.0.1', ready))
  onTestFinished(() => void balancer.close())
  const url = `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`
  const { username, password } = server
  const opened = await openServer({ side: 'source', url, username, password, database: 'default' })
  onTestFinished(() => opened.close())
  const question = { query: 'SELECT 1 AS n' }
  expect(await opened.client.rows(question)).toEqual([{ n: 1 }])
  second = true
  await expect(opened.client.rows(question)).rejects.toThrow('do not arrive: insert_null_as_default')
})

/** A server behind a proxy that may fall silent: such connections are looked after five times a second. */
async function behindProxy() {
  onTestFinished(replaceSilenceLimits({ lookMs: 200, answerMs: 5_000 }))
  const server = await startTestServer()
  onTestFinished(() => server.stop())
  const proxy = await startProxy(server.url)
  onTestFinished(() => proxy.close())
  const { username, password } = server
  const opened = await openServer({ side: 'target', url: proxy.url, username, password, database: 'default' })
  onTestFinished(() => opened.close())
  return { proxy, client: opened.client }
}

test('a question whose connection falls silent is asked again, and the answer comes', async () => {
  const { proxy, client } = await behindProxy()
  proxy.hold(({ statement }) => statement.includes('numbers(7)'), 'answer')
  expect(await client.rows({ query: 'SELECT count() AS n FROM numbers(7)' })).toEqual([{ n: 7 }])
  proxy.hold(({ statement }) => statement.includes('numbers(8)'), 'answer')
  expect((await client.table({ query: 'SELECT count() AS n FROM numbers(8)' })).data).toEqual([{ n: 8 }])
})

test('a statement that writes and whose connection falls silent ends with a sentence, and is not sent again', async () => {
  const { proxy, client } = await behindProxy()
  const name = uniqueDatabase('silent')
  onTestFinished(() => client.command({ query: `DROP DATABASE IF EXISTS ${name}` }))
  proxy.hold(({ statement }) => statement.includes('CREATE'), 'answer')
  await expect(
    client.command({ query: `CREATE DATABASE ${name}`, doing: 'creating it' }),
  ).rejects.toMatchObject({
    kind: 'server',
    retry: 'reconnect',
    message: expect.stringMatching(/while creating it: the connection has fallen silent$/),
  })
  expect(await client.rows({ query: `SELECT name FROM system.databases WHERE name = '${name}'` })).toEqual([
    { name },
  ])
})

test('a statement that the server still runs is waited for, however silent it is', async () => {
  const { proxy, client } = await behindProxy()
  let sent = 0
  proxy.hold(({ statement }) => {
    if (statement.includes('sleep(1.5)')) sent += 1
    return false
  })
  expect(await client.rows({ query: 'SELECT sleep(1.5) AS n' })).toEqual([{ n: 0 }])
  expect(sent).toBe(1)
})
