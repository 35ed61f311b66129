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
