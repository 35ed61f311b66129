// Owns the promise that columns which are made anew each time are known by their SQL, and no others are taken for them.
import { expect, test } from 'vitest'
import type { Server } from '../../src/clickhouse/server.ts'
import { volatileNames } from '../../src/targets/compared-columns.ts'
import { useServer } from '../support/clickhouse.ts'

let server: Server
useServer((_login, connected) => (server = connected))

test.for<[string, string[]]>([
  ['SELECT now() AS at, b AS block_number FROM t', ['at']],
  ['SELECT toStartOfHour(at) AS hour, n AS n FROM (SELECT now() AS at, n FROM t)', ['at', 'hour']],
  ['WITH rand() AS salt SELECT salt % 7 AS rest, b AS b FROM t', ['salt', 'rest']],
  // The name of a subquery is no column, and the type of a CAST no name.
  ['SELECT t.b AS block_number, t.at AS at FROM (SELECT b, now() AS at FROM x) AS t', ['at']],
  ['SELECT a.b AS block_number FROM x AS a JOIN (SELECT b, now() AS at FROM y) AS c ON a.b = c.b', ['at']],
  ['SELECT CAST(now() AS DateTime) AS at, CAST(day AS DateTime) AS since FROM t', ['at']],
  // The time of writing of an input is a column like others.
  ['WITH c AS (SELECT b, argMax(n, at) AS n FROM x GROUP BY b) SELECT now() AS at, n AS m FROM c', ['at']],
  ['SELECT now() AS at, n AS m FROM (SELECT b, argMax(n, at) AS n FROM x GROUP BY b)', ['at']],
  [
    'WITH c AS (SELECT now() AS at FROM x), d AS (SELECT toDate(at) AS day FROM c) SELECT day FROM d',
    ['at', 'day'],
  ],
  [
    'SELECT a + 1 AS m, b AS n FROM (SELECT CAST(a AS UInt64) AS a, b FROM (SELECT rand() AS a, b FROM x))',
    ['a', 'm'],
  ],
  ["SELECT arrayJoin(a) AS n, dictGet('d', 'x', k) AS v, sum(g) AS gas FROM t", []],
])('%s', async ([text, names]) => {
  const found = await volatileNames(server, { file: 'a.sql', text, line: 1 })
  expect([...found].toSorted()).toEqual(names.toSorted())
})
