// Owns the promises of what stands before a real server: settings are known to have arrived before anything is written, and
// a connection that falls silent is noticed.
import { request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { openAgain, openServer } from '../../src/clickhouse/server.ts'
import { replaceSilenceLimits } from '../../src/clickhouse/silence.ts'
import { listening } from '../support/answering.ts'
import { startProxy } from '../support/proxy.ts'
import { startTestServer, uniqueDatabase } from '../support/server.ts'

/** A proxy that changes the parameters of what it passes on, and may answer under the name of another host. */
async function startBefore(
  server: string,
  change: (search: URLSearchParams) => string | void,
): Promise<string> {
  return await listening((incoming, outgoing) => {
    const url = new URL(incoming.url!, server)
    const host = change(url.searchParams)
    const passed = request(url, { method: incoming.method!, headers: incoming.headers }, (answer) => {
      const named = host !== undefined && { 'x-clickhouse-server-display-name': host }
      outgoing.writeHead(answer.statusCode!, { ...answer.headers, ...named })
      answer.pipe(outgoing)
    })
    incoming.pipe(passed)
  })
}

async function startServer() {
  const server = await startTestServer()
  onTestFinished(() => server.stop())
  const { username, password } = server
  return { side: 'target', url: server.url, username, password, database: 'default' } as const
}

test('settings that a proxy drops are noticed before anything is written', async () => {
  const connection = await startServer()
  const opened = await openServer(connection)
  await opened.close()
  const url = await startBefore(connection.url, (search) => search.delete('insert_null_as_default'))
  await expect(openServer({ ...connection, url })).rejects.toMatchObject({
    kind: 'server',
    message: `settings that are sent to ClickHouse (target ${url}) do not arrive: insert_null_as_default; rows could be missing silently`,
  })
})

test('behind a load balancer each other host is asked whether the settings have arrived, until it answers so', async () => {
  const connection = await startServer()
  let isSecond = false
  const url = await startBefore(connection.url, (search) => {
    if (isSecond) search.delete('insert_null_as_default')
    return isSecond ? 'two' : 'one'
  })
  const opened = await openServer({ ...connection, url })
  const again = openAgain(opened)
  onTestFinished(async () => void (await Promise.all([opened.close(), again.close()])))
  const question = { query: 'SELECT 1 AS n' }
  expect(await opened.client.rows(question)).toEqual([{ n: 1 }])
  isSecond = true
  for (const { client } of [opened, opened, again])
    await expect(client.rows(question)).rejects.toThrow('do not arrive: insert_null_as_default')
})

/** A server behind a proxy that may fall silent: such connections are looked after five times a second. */
async function behindProxy() {
  onTestFinished(replaceSilenceLimits({ lookMs: 200, answerMs: 5_000 }))
  const connection = await startServer()
  const proxy = await startProxy(connection.url)
  onTestFinished(() => proxy.close())
  const opened = await openServer({ ...connection, url: proxy.url })
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

test('a statement to which a proxy gives an id of its own, as chproxy does, is waited for', async () => {
  onTestFinished(replaceSilenceLimits({ lookMs: 200, answerMs: 5_000 }))
  const connection = await startServer()
  const sent: unknown[] = []
  const url = await startBefore(connection.url, (search) => {
    sent.push(search.get('query_id'))
    search.delete('query_id')
  })
  const opened = await openServer({ ...connection, url })
  onTestFinished(() => opened.close())
  const question = { query: 'SELECT sleep(1.5) AS n', query_id: 'mine' }
  expect(await opened.client.rows(question)).toEqual([{ n: 0 }])
  expect(sent.filter((id) => id === 'mine')).toHaveLength(1)
})

test('a question that is cut off by closing is not asked again', async () => {
  const opened = await openServer(await startServer())
  const asked = opened.client
    .rows({ query: 'SELECT sleepEachRow(1) FROM numbers(2)' })
    .catch((error: unknown) => error)
  await sleep(300)
  await opened.close()
  expect(await asked).toMatchObject({ kind: 'server' })
})
