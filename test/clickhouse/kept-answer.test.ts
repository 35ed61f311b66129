// Owns the promise that an answer which something in between has kept of an earlier question is noticed, and named.
import { expect, test } from 'vitest'
import { kyselyFor } from '../../src/clickhouse/dialect.ts'
import type { Client } from '../../src/clickhouse/client.ts'
import type { Schema } from '../../src/clickhouse/schema.ts'
import { ask, clientOf, listening } from '../support/answering.ts'

const ROW = '{"data":[{"n":1}]}'
const queryId = (address = '') => new URL(address, 'http://any').searchParams.get('query_id') ?? ''

test('an answer that was kept of an earlier question is refused in plain words', async () => {
  let first: string | undefined
  const url = await listening(({ url: address }, response) => {
    first ??= queryId(address)
    response.setHeader('x-clickhouse-query-id', first).end(ROW)
  })
  const client = clientOf(url)
  await client.rows({ query: 'SELECT 1 AS n' })
  await expect(client.rows({ query: 'SELECT 2 AS n', doing: 'connecting' })).rejects.toMatchObject({
    kind: 'server',
    message: `something before ClickHouse (target ${url}) is a cache while connecting: it gave an answer that it had kept of an earlier question`,
    hint: 'Have it keep no answers, or set TARGET_CLICKHOUSE_URL to the server itself: what is kept may be older than the rows',
  })
})

test.for([
  ['age', '3'],
  ['x-cache', 'HIT'],
  ['x-cache', 'MISS, HIT'],
  ['x-cache', 'TCP_MEM_HIT from edge'],
  ['x-cache-status', 'STALE'],
  ['cf-cache-status', 'hit'],
] as const)('what a cache says of itself is believed: %s: %s', async ([name, value]) => {
  const url = await listening((_, response) => void response.setHeader(name, value).end(ROW))
  await expect(ask(url)).rejects.toThrow('is a cache')
})

test.for([
  ['age', '0'],
  ['x-cache', 'MISS from hit.example'],
  ['x-cache-status', 'BYPASS'],
] as const)('what a cache passes on is none of its answers: %s: %s', async ([name, value]) => {
  const url = await listening((_, response) => void response.setHeader(name, value).end(ROW))
  expect(await ask(url)).toEqual([{ n: 1 }])
})

test('a proxy that gives ids of its own is not taken for a cache', async () => {
  let asked = 0
  const url = await listening((_, response) => {
    asked += 1
    response.setHeader('x-clickhouse-query-id', `of-the-proxy-${asked}`).end(ROW)
  })
  const client = clientOf(url)
  for (const n of [1, 2, 3])
    expect(await client.rows({ query: `SELECT ${n} AS n`, query_id: 'same' })).toEqual([{ n: 1 }])
})

test('a statement that is sent again under its id is answered under it', async () => {
  const url = await listening(({ url: address }, response) => {
    response.setHeader('x-clickhouse-query-id', queryId(address)).end(ROW)
  })
  const client = clientOf(url)
  for (const query_id of ['one', 'one'])
    expect(await client.rows({ query: 'SELECT 1 AS n', query_id })).toEqual([{ n: 1 }])
})

test('an answer without the columns of its question is that to another one', async () => {
  const sender = { rows: async () => [{ version: '1' }], command: async () => {} } as Pick<
    Client,
    'rows' | 'command'
  >
  const question = kyselyFor<Schema>(sender, { doing: 'looking for locks' })
    .selectFrom('system.tables')
    .select('name as key')
  await expect(question.execute()).rejects.toMatchObject({
    kind: 'server',
    message: 'something before ClickHouse gave the answer to another question while looking for locks',
  })
})
