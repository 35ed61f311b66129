// Owns the promises of src/clickhouse/client.ts: every statement goes over the wire that it makes, and what fails there
// comes back as a sentence that says what the statement was for.
import { ClickHouseError } from '@clickhouse/client'
import { expect, test } from 'vitest'
import { openServer, serverAs } from '../../src/clickhouse/server.ts'
import { answeringWire } from '../support/simulated.ts'

const connection = {
  side: 'target',
  url: 'http://db:8123',
  username: 'ann',
  password: 'secret',
  database: 'dbt',
} as const
const identity = [{ version: '26.7', identity: 'one', changed: [] }]

const words = (doing: string) =>
  `ClickHouse (target http://db:8123) failed${doing}: Table dbt.x does not exist (code 60)`

/** A server that knows who it is, and answers everything else by throwing. */
function failing(error: unknown) {
  answeringWire((query) => {
    if (query.includes('serverUUID')) return identity
    throw error
  })
  return openServer(connection)
}

test('a server is reached, and asked, over the wire that stands there', async () => {
  const heard = answeringWire((query) => (query.includes('serverUUID') ? identity : [{ n: 1 }]))
  const server = await openServer(connection)
  expect(await server.client.rows({ query: 'SELECT 1 AS n' })).toEqual([{ n: 1 }])
  expect(await server.db.selectFrom('system.tables').select('name').execute()).toEqual([{ n: 1 }])
  await server.client.command({ query: 'SYSTEM STOP MERGES' })
  expect(server.info.identity).toBe('one')
  expect(heard.slice(1).map(({ query }) => query)).toEqual([
    'SELECT 1 AS n',
    'select `name` from `system`.`tables`',
    'SYSTEM STOP MERGES',
  ])
})

test('a failure says the side, what the statement was for, the words and the code, and never a password', async () => {
  const server = await failing(new ClickHouseError({ code: '60', message: 'Table dbt.x does not exist' }))
  const failure = { kind: 'failed', code: 60, retry: 'stop' }
  const query = 'SELECT 1'
  await expect(server.client.rows({ query, doing: 'looking' })).rejects.toMatchObject({
    ...failure,
    message: words(' while looking'),
  })
  await expect(server.client.command({ query })).rejects.toMatchObject({ ...failure, message: words('') })
  await expect(server.client.exec({ query, doing: 'reading' })).rejects.toThrow(words(' while reading'))
  await expect(server.client.text({ query, doing: 'reading' })).rejects.toThrow(words(' while reading'))
  const named = server.during('looking for databases').selectFrom('system.tables').select('name')
  await expect(named.execute()).rejects.toThrow(words(' while looking for databases'))
  await expect(server.db.selectFrom('system.tables').select('name').execute()).rejects.toThrow(words(''))
})

test('the same connections under another side’s name say that name', async () => {
  const server = await failing(new Error('socket hang up'))
  const source = serverAs(server, { ...connection, side: 'source' })
  await expect(source.client.command({ query: 'SELECT 1', doing: 'probing' })).rejects.toThrow(
    'cannot reach ClickHouse (source http://db:8123) while probing: socket hang up',
  )
  await expect(source.db.selectFrom('system.tables').select('name').execute()).rejects.toThrow('(source ')
})
