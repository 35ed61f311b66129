import { expect, test } from 'vitest'
import { splitStatements } from '../../src/sql-syntax/statements.ts'
import { tablesRead } from '../../src/sql-syntax/table-refs.ts'
import { clauseSettings, onlySelect } from '../../src/project/transform-statement.ts'

const select = (text: string) => onlySelect('a.sql', text)

test.for([
  'SELECT 1',
  'with 1 AS x select x;',
  '(SELECT 1) UNION ALL (SELECT 2)',
  '-- why\nSELECT 1;\n-- the end',
  'SELECT 1 AS format',
  'SELECT format FROM t',
  'SELECT a, format, t.format FROM t AS format',
  'SELECT 1 ORDER BY format DESC',
  'SELECT * FROM (SELECT 1 AS into)',
  "SELECT 'INTO OUTFILE' -- FORMAT JSON",
  'SELECT limit = 0, settings FROM t WHERE offset = 5',
  'SELECT a FROM t GROUP BY a ORDER BY b LIMIT 2 OFFSET 1 BY a',
  'WITH rollup AS (SELECT 1 AS a), cube AS (SELECT 2 AS a) SELECT a FROM rollup',
  '(SELECT a FROM t) UNION ALL SELECT a FROM (SELECT a FROM t LIMIT 5)',
  'SELECT limit, offset - 1, a AS offset FROM t WHERE offset - 5 > limit (a) ORDER BY limit DESC, offset',
  'SELECT a FROM (SELECT a FROM t LIMIT 5) WHERE limit > 5 AND offset = 1',
  'SELECT top AS limit, a AS rollup FROM t GROUP BY GROUPING SETS ((a), (a, top))',
  // The SETTINGS of a subquery end with it: what follows is a column again.
  'SELECT * FROM (SELECT 1 SETTINGS max_threads = 1) WHERE greatest(a, limit = 0)',
])('%j is a transform', (text) => {
  expect(select(text).text).toBe(splitStatements('a.sql', text)[0]!.text)
})

test.for([
  ['', 'a.sql: the transform has no SELECT'],
  ['-- SELECT 1\n;', 'a.sql: the transform has no SELECT'],
  ['SELECT 1;\nSELECT 2', 'a.sql:2: a second statement begins here'],
  ['\nINSERT INTO t SELECT 1', 'a.sql:2: the transform begins with INSERT'],
  ['-- why\nCREATE TABLE t (a Int8)', 'a.sql:2: the transform begins with CREATE'],
  ['`SELECT` 1', 'a.sql:1: the transform begins with `SELECT`'],
  ['SELECT a FROM t\nLIMIT 5', 'a.sql:2: LIMIT of the outermost SELECT'],
  ['SELECT a FROM t LIMIT 1 BY a LIMIT {n:UInt8}', 'LIMIT of the outermost SELECT'],
  ['(SELECT a FROM t OFFSET 2) UNION ALL (SELECT 2)', 'OFFSET of the outermost SELECT'],
  ['SELECT a FROM t ORDER BY a OFFSET 0 ROW FETCH FIRST 3 ROWS ONLY', 'OFFSET of the outermost SELECT'],
  ['SELECT a FROM t LIMIT (2 + 1)', 'LIMIT of the outermost SELECT'],
  ['SELECT a FROM t ORDER BY a DESC LIMIT least(5, 3)', 'LIMIT of the outermost SELECT'],
  ['WITH 5 AS k SELECT a FROM t ORDER BY a LIMIT k', 'LIMIT of the outermost SELECT'],
  ['SELECT a FROM t LIMIT -5', 'LIMIT of the outermost SELECT'],
  ['(SELECT a FROM t) UNION ALL SELECT a FROM t ORDER BY a LIMIT 5', 'LIMIT of the outermost SELECT'],
  ['(SELECT a FROM t LIMIT 5) UNION ALL (SELECT a FROM t GROUP BY a)', 'LIMIT of the outermost SELECT'],
  ['SELECT a FROM t UNION ALL (SELECT a FROM t LIMIT 5)', 'LIMIT of the outermost SELECT'],
  ['(SELECT a FROM t LIMIT 5) EXCEPT DISTINCT SELECT a FROM t', 'LIMIT of the outermost SELECT'],
  ['SELECT TOP (3) a FROM t', 'TOP of the outermost SELECT'],
  ['SELECT DISTINCT TOP 3 a FROM t', 'TOP of the outermost SELECT'],
  ['SELECT a FROM t GROUP BY a WITH ROLLUP', 'ROLLUP of the outermost SELECT adds'],
  ['SELECT a FROM t GROUP BY CUBE(a, b)', 'CUBE of the outermost SELECT adds'],
  ['SELECT 1 SETTINGS `limit` = 5', "the setting '`limit`' may not be changed"],
  ['SELECT 1\nSETTINGS limit = 5', "a.sql:2: the setting 'limit' may not be changed"],
  ["SELECT * FROM (SELECT 1 SETTINGS profile = 'cut')", "the setting 'profile' may not be changed"],
  [
    "SELECT * FROM (SELECT 1 settings a = [1, 2], b = 'x', timeout_overflow_mode = 'break')",
    "the setting 'timeout_overflow_mode'",
  ],
  [
    'SELECT * FROM (SELECT 1 SETTINGS max_threads = 1, offset = 1)',
    "the setting 'offset' may not be changed",
  ],
])('%j is refused: %s', ([text, message]) => {
  expect(() => select(text!)).toThrow(message)
})

test.for<[string, Record<string, string>]>([
  ['SELECT 1', {}],
  ['SELECT limit = 0, settings FROM t WHERE settings > 5', {}],
  [
    "SELECT 1\nSETTINGS\n  join_algorithm = 'hash', -- of two\n  max_threads = 4",
    { join_algorithm: 'hash', max_threads: '4' },
  ],
  ['(SELECT 1 SETTINGS join_use_nulls = 1)', { join_use_nulls: '1' }],
  ['SELECT 1 UNION ALL SELECT 2 SETTINGS join_use_nulls = 1', { join_use_nulls: '1' }],
  ['SELECT 1 SETTINGS max_threads = 1 UNION ALL SELECT 2', { max_threads: '1' }],
  ['SELECT * FROM (SELECT 1 SETTINGS max_threads = 1)', {}],
])('what the SETTINGS clause at the end sets is sent with the statement: %j', ([text, set]) => {
  expect(clauseSettings(select(text))).toEqual(set)
})

test('tables are found by the parameter of their database, each with the line of its first mention', () => {
  const text = `SELECT {source:String}, source FROM { source : Identifier }.logs
    JOIN {target:Identifier}.int_a USING x JOIN {source:Identifier}.\`odd name\` USING y JOIN {source:Identifier}.logs AS z
    WHERE n IN {target:Identifier}.int_b -- {source:Identifier}.hidden`
  expect([...tablesRead(select(text), 'source')]).toEqual([
    ['logs', 1],
    ['odd name', 2],
  ])
  expect([...tablesRead(select(text), 'target')]).toEqual([
    ['int_a', 2],
    ['int_b', 3],
  ])
})

test('an audit and a readiness file are called what they are', () => {
  expect(() => onlySelect('a.sql', '', undefined, 'audit')).toThrow('a.sql: the audit has no SELECT')
  expect(() => onlySelect('a.sql', 'DROP TABLE t', undefined, 'readiness file')).toThrow(
    'a.sql:1: the readiness file begins with DROP',
  )
})
