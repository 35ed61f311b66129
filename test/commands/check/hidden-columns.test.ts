// Owns the promise that an alias that hides a column from an aggregate is found, and nothing else.
import { expect, test } from 'vitest'
import { hiddenColumns } from '../../../src/commands/check/hidden-columns.ts'

const found = (text: string) =>
  hiddenColumns({ file: 'x.sql', line: 1, text }).map(
    ({ name, line, aggregate, uses }) => `${line} ${name} ${aggregate} ${uses}`,
  )

test.each([
  ['SELECT now() AS seen, argMax(a, seen) AS a FROM t', ['1 seen argMax 1']],
  [
    'SELECT argMax(a, seen) AS a,\n max(seen) AS b,\n toDateTime(now64(3)) AS `seen` FROM t',
    ['3 seen argMax 2'],
  ],
  ['SELECT now() - INTERVAL 1 DAY AS seen, quantileIf(0.5)(x, seen > 3) FROM t', ['1 seen quantileIf 1']],
  ['SELECT now() - INTERVAL 1 DAY AS seen, quantile(0.5)(seen) FROM t GROUP BY k', ['1 seen quantile 1']],
  ['SELECT x FROM (SELECT a AS x, now() AS seen FROM t GROUP BY a HAVING max(seen) > 3)', ['1 seen max 1']],
  ['SELECT 1 UNION ALL SELECT rand() AS r, anyLastIf(r, x) AS y FROM t', ['1 r anyLastIf 1']],
])('a column is hidden in %s', (sql, expected) => expect(found(sql)).toEqual(expected))

test.each([
  'SELECT now() AS seen, argMax(a, t.seen) AS a FROM t',
  'SELECT now() AS seen, a FROM (SELECT argMax(a, seen) AS a FROM t)',
  'SELECT now() AS seen, (SELECT max(seen) FROM t) AS newest FROM u',
  'SELECT argMax(a, seen) AS a FROM t UNION ALL SELECT a, now() AS seen FROM u',
  'WITH x AS (SELECT argMax(a, seen) AS a FROM t) SELECT now() AS seen, a FROM x',
  'SELECT max(seen) AS seen, argMax(a, b) FROM t',
  'SELECT count() AS n, sum(n) FROM t',
  'SELECT lower(seen) AS seen, max(seen) FROM t',
  "SELECT 'x' AS seen, max(seen) FROM t",
  "SELECT now() AS seen, sumIf(a, b = 'seen') FROM t",
  'SELECT now() AS seen, minus(a, seen) FROM t',
  'SELECT fromUnixTimestamp({from:UInt64}) AS seen, max(seen) FROM t',
  'SELECT',
  'SELECT now() AS seen, max(',
])('nothing is hidden in %s', (sql) => expect(found(sql)).toEqual([]))
