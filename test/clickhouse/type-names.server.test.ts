// Owns the spelling of types by the server, and that what it takes is no unknown type.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openServer } from '../../src/clickhouse/server.ts'
import { typeNames } from '../../src/clickhouse/server-words.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let login: TestServer
beforeAll(async () => {
  login = await startTestServer()
})
afterAll(() => login?.stop())

test('types have the names of the server; states over LowCardinality are known though it makes no value of them', async () => {
  const server = await openServer({ side: 'target', database: 'default', ...login })
  const states = [
    'AggregateFunction(uniq, LowCardinality(String))',
    'AggregateFunction(argMax, LowCardinality(Nullable(String)), UInt64)',
  ]
  const found = await typeNames(server, ['TEXT', 'Decimal64(4)', 'Boool', ...states])
  await server.close()
  expect(Object.fromEntries(found)).toEqual({
    TEXT: 'String',
    'Decimal64(4)': 'Decimal(18, 4)',
    Boool: undefined,
    ...Object.fromEntries(states.map((type) => [type, type])),
  })
})
