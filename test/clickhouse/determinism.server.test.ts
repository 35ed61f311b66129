// Owns the promise that the server says which expressions have another value each time, and that what it does not say is not guessed.
import { expect, onTestFinished, test } from 'vitest'
import { determinismOf } from '../../src/clickhouse/server-words.ts'
import { openServer, type Server } from '../../src/clickhouse/server.ts'
import { useServer } from '../support/clickhouse.ts'
import { startWithUsers } from '../support/users.ts'

let server: Server
useServer((_, connected) => void (server = connected))

test.each([
  ['', 'deterministic'],
  ['a + 1', 'deterministic'],
  ["concat('now()', toString(a))", 'deterministic'],
  ["if((a IN (1, 2)) AND (b > 0), CAST(a, 'Date'), NULL)", 'deterministic'],
  ['now()', 'nondeterministic'],
  ['UTCTimestamp()', 'nondeterministic'],
  ['utc_TIMESTAMP()', 'nondeterministic'],
  ['CURRENT_TIMESTAMP', 'nondeterministic'],
  ['toYear(current_date) + a', 'nondeterministic'],
  ['cityHash64(a, rand(1))', 'nondeterministic'],
  ['`generateUUIDv7`()', 'nondeterministic'],
  ['runningDifference(a)', 'unknown'],
  ['runningDifference(a) + now()', 'nondeterministic'],
])("'%s' is %s", async (expression, expected) => {
  expect(await determinismOf(server, [expression, 'lower(a)', 'today()'])).toEqual([
    expected,
    'deterministic',
    'nondeterministic',
  ])
})

test('a function that somebody has made is as deterministic as what it calls, through others of them', async () => {
  for (const body of [
    'made_now AS () -> now()',
    'made_again AS a -> a + toYear(made_now())',
    'made_twice AS a -> a * 2',
  ])
    await server.client.command({ query: `CREATE FUNCTION ${body}`, doing: 'making a function' })
  const fresh = { client: server.client }
  expect(await determinismOf(fresh, ['made_now()', 'made_again(1)'])).toEqual([
    'nondeterministic',
    'nondeterministic',
  ])
  expect(await determinismOf(fresh, ['made_twice(1)'])).not.toEqual(['nondeterministic'])
  for (const name of ['made_now', 'made_again', 'made_twice'])
    await server.client.command({ query: `DROP FUNCTION ${name}`, doing: 'dropping it' })
})

test('a user with no other right than to read its table is told, too', async () => {
  const login = await startWithUsers({ reader: { grants: ['GRANT SELECT ON some.table'] } })
  const limited = await openServer({
    side: 'target',
    ...login,
    username: 'reader',
    password: 'secret',
    database: 'some',
  })
  onTestFinished(() => limited.close())
  expect(await determinismOf(limited, ['UTCTimestamp()', 'lower(a)'])).toEqual([
    'nondeterministic',
    'deterministic',
  ])
})
