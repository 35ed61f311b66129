// Owns the promise that a table is found where ClickHouse reads one, also where FROM is written first, and nowhere else.
import { expect, test } from 'vitest'
import { significantTokens } from '../../src/sql-syntax/lexer.ts'
import { selectAround, tableReads } from '../../src/sql-syntax/table-refs.ts'

const sqlOf = (text: string) => ({ file: 't.sql', text, line: 1 })

test.each([
  ['FROM a SELECT x', 'a'],
  ['FROM a FINAL SELECT x WHERE y UNION ALL FROM b SELECT x', 'a b'],
  ['(SELECT x FROM a) UNION DISTINCT FROM b SELECT x', 'a b'],
  ['WITH c AS (FROM a SELECT x) FROM c SELECT x', 'a'],
  ['WITH 1 AS one FROM a SELECT x', 'a'],
  ['SELECT x FROM (FROM a SELECT x EXCEPT FROM b SELECT x)', 'a b'],
  ['SELECT * EXCEPT (x) FROM a', 'a'],
  ["SELECT trim(BOTH 'x' FROM a), substring(b FROM 1 FOR 2), extract(YEAR FROM c) FROM d", 'd'],
  ['SELECT x IS DISTINCT FROM y FROM a ORDER BY x WITH FILL FROM 1 TO 2', 'a'],
  ['SELECT x FROM a, (FROM b SELECT y) AS c', 'a b'],
  ['SELECT x FROM a WHERE x IN b.c AND x GLOBAL NOT IN (d.e) AND (x, y) IN `f`.`g`', 'a c e g'],
  ['SELECT x FROM a WHERE x IN b AND x NOT IN (c) AND x IN (NULL) AND x IN (true)', 'a'],
  ['SELECT x FROM a WHERE x IN (b, c) AND x IN (1) AND x IN f(y) AND x IN (SELECT y FROM d)', 'a d'],
  ['WITH [1, 2] AS some SELECT x, y AS z FROM a WHERE x IN some AND z IN (z)', 'a'],
  ['SELECT x FROM d.a AS s CROSS JOIN e.b WHERE x IN s.list AND x IN b.list', 'a b'],
])('%s reads %s', (text, tables) => {
  expect(tableReads(sqlOf(text)).map(({ table }) => table)).toEqual(tables.split(' '))
})

test('the SELECT around a table that is written first has its conditions', () => {
  const sql = sqlOf('FROM a SELECT x WHERE n > 1 UNION ALL FROM b SELECT x WHERE m > 1')
  const [a, b] = tableReads(sql)
  const around = (read: typeof a) => selectAround(significantTokens(sql), read!.from).map(({ text }) => text)
  expect(around(a)).toEqual('FROM a SELECT x WHERE n > 1'.split(' '))
  expect(around(b)).toEqual('FROM b SELECT x WHERE m > 1'.split(' '))
})
