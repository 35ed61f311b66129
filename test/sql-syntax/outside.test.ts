// Owns the promise that SQL which leaves the server is seen, however it is written, and that nothing else is taken for it.
import { describe, expect, test } from 'vitest'
import type { BackfillError } from '../../src/model/errors.ts'
import { reportOutside } from '../../src/sql-syntax/outside.ts'

/** Names that are reported. */
function outside(text: string, named: readonly string[] = []): readonly string[] {
  const found: string[] = []
  reportOutside({ file: 'a.sql', text, line: 1 }, named, ({ finding }: BackfillError) =>
    found.push(/ (\S+) (?:reaches outside|has a backslash)/.exec(finding!.sentence)![1]!),
  )
  return found
}

test.each([
  "SELECT * FROM '/etc/passwd'",
  "SELECT (SELECT a FROM numbers(3) AS n, '/etc/passwd')",
  "SELECT 1 FROM t INNER JOIN '/etc/passwd' AS x USING a",
  'FROM $$/etc/passwd$$ SELECT 1',
  "SELECT 1 FROM t AS limit, '/etc/passwd'",
])('a text in place of a table, which clickhouse-local reads as a file, is reported: %s', (text) => {
  const found: string[] = []
  reportOutside({ file: 'a.sql', text, line: 1 }, [], ({ message }) => found.push(message))
  expect(found).toEqual([expect.stringContaining('/etc/passwd')])
})

test.each([
  "SELECT 'a', 'b' FROM t WHERE x IN ('a', 'b') AND f(1, 'a') GROUP BY 'a', 'b' LIMIT 1",
  "SELECT a FROM t ARRAY JOIN ['a'] AS a, 'b' AS c",
  "SELECT trim(LEADING 'a' FROM 'ab'), x, 'a' FROM t AS t, values('a String', 'b', 'c') AS v",
  "SELECT 1 FROM t JOIN u ON a = 'b' AND c IN (1, 2), 'b'::String = d ORDER BY 1, 'a'",
])('a text elsewhere is not: %s', (text) => {
  expect(outside(text)).toEqual([])
})

describe('what leaves the server', () => {
  test.each([
    ['a table function', "SELECT * FROM url('http://x', 'TSV', 'a String')", 'url'],
    ['one that is written first', "FROM url('http://x') SELECT *", 'url'],
    ['one that is written first behind WITH', "WITH 1 AS a FROM url('http://x') SELECT a", 'url'],
    [
      'one that is written first in a UNION',
      "(SELECT 1) UNION DISTINCT FROM url('http://x') SELECT 1",
      'url',
    ],
    ['one in other letters', "SELECT * FROM uRl('http://x', 'TSV', 'a String')", 'uRl'],
    ['one in quotes', "SELECT * FROM `file`('/etc/passwd', 'LineAsString')", 'file'],
    ['one behind a comment', "SELECT * FROM /* a */ s3 -- b\n('http://x')", 's3'],
    ['one in a scalar subquery', "SELECT (SELECT count() FROM remote('h', system.one))", 'remote'],
    ['one after JOIN', "SELECT 1 FROM t LEFT JOIN mysql('h', 'd', 't', 'u', 'p') AS m USING a", 'mysql'],
    [
      'one behind a comma',
      "SELECT 1 FROM t, numbers(3) AS n, executable('a.sh', 'TSV', 'a String')",
      'executable',
    ],
    ['one after IN', "SELECT 1 WHERE 'a' IN s3('http://x')", 's3'],
    [
      'one in a view()',
      "SELECT 1 FROM view(SELECT * FROM postgresql('h', 'd', 't', 'u', 'p'))",
      'postgresql',
    ],
    ['one that nobody knows yet', "SELECT 1 FROM newLakeOfNextYear('x')", 'newLakeOfNextYear'],
    ['one before SELECT', "FROM gcs('http://x') SELECT 1", 'gcs'],
    ['the other nodes', "SELECT 1 FROM clusterAllReplicas('c', system.one)", 'clusterAllReplicas'],
    ['a file as a value', "SELECT file('/etc/passwd')", 'file'],
    ['a function applied to columns', "SELECT * APPLY file FROM (SELECT '/etc/passwd')", 'file'],
    ['a function for each element', "SELECT arrayMap(file, ['/etc/passwd'])", 'file'],
    ['a model elsewhere', "SELECT aiGenerate('tell me')", 'aiGenerate'],
    ['an engine', "CREATE TABLE t (a String) ENGINE = File(TSVRaw, '/bin/tool')", 'File'],
    ['an engine without =', "CREATE TABLE t (a String) ENGINE URL('http://x', TSV)", 'URL'],
    ['the engine of a database', "CREATE DATABASE d ENGINE = MySQL('h', 'd', 'u', 'p')", 'MySQL'],
    [
      'a disk',
      'CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = s3)',
      'disk',
    ],
    ['a default', "CREATE TABLE t (a String DEFAULT file('/etc/passwd')) ENGINE = Memory", 'file'],
    [
      'a dictionary',
      'CREATE DICTIONARY d (k UInt64) PRIMARY KEY k SOURCE(HTTP(url 1)) LAYOUT(FLAT())',
      'DICTIONARY',
    ],
    ['a function with another name of its own', "SELECT arrayMap(file AS f, ['/etc/passwd'])", 'file'],
    ['the same without AS', "SELECT arrayMap((file f), ['/etc/passwd'])", 'file'],
    ['a default of columns in a text', "SELECT * FROM format(TSV, 'a Int8 DEFAULT 1', '')", 'format'],
    ['one behind a comma', "SELECT 1 FROM t, format('TSV', concat('a Int8'), '') AS f", 'format'],
    ['one of which a text is made', "SELECT 1 FROM t, format(upper('{tsv'), 'a Int8', '') AS f", 'format'],
    ['one for columns that are null', "SELECT 1 FROM view(SELECT 1), null('a Int8 DEFAULT 1')", 'null'],
    ['one that is random', "SELECT 1 FROM generateRandom(concat('a Int8'))", 'generateRandom'],
    ['one of values', "SELECT 1 FROM values('a Int8, b Int8 default 1', (1, 2))", 'values'],
    ['one with an escape', "SELECT 1 FROM values('a Int8, b Int8 \\x64efault 1', (1, 2))", 'values'],
    ['one in a heredoc', 'SELECT 1 FROM values($$a Int8 ALIAS 1$$, 1)', 'values'],
    ['one in hexadecimal digits', "SELECT 1 FROM values(x'61', 1)", 'values'],
    ['one of rows that are sent', "SELECT 1 FROM input('a Int8 DEFAULT 1')", 'input'],
    ['one that is computed', "SELECT 1 FROM input('a Int8' || ' DEFAULT 1')", 'input'],
    ['one of a schema', "SELECT structureToProtobufSchema('a Int8 DEFAULT 1')", 'structureToProtobufSchema'],
    [
      'a setting that names a file',
      "SELECT 1 SETTINGS a = 1, format_template_row = '/a'",
      'format_template_row',
    ],
    [
      'a setting that is computed',
      "SELECT 1 FROM (SELECT 1 SETTINGS additional_result_filter = '1')",
      'additional_result_filter',
    ],
    ['an INSERT into a function', "INSERT INTO FUNCTION hdfs('h', 'TSV', 'a Int8') SELECT 1", 'hdfs'],
  ])('%s is reported', (_, text, name) => {
    expect(outside(text)).toContain(name)
  })

  test.each([
    [String.raw`SELECT ${'`'}f\x69le${'`'}('/etc/passwd')`],
    [String.raw`SELECT "f\x69le"('/etc/passwd')`],
    [String.raw`CREATE TABLE t (a Int8) ENGINE = ${'`'}F\x69le${'`'}(TSV)`],
    [String.raw`SELECT 1 SETTINGS ${'`'}format\x5ftemplate_row${'`'} = '/a'`],
    [String.raw`SELECT a AS ${'`'}b\\c${'`'} FROM t`],
  ])('%s: a quoted name with a backslash may hide any other name', (text) => {
    expect(outside(text)).toHaveLength(1)
    expect(outside(text, ['file', 'f\\x69le', 'fx69le'])).toHaveLength(1)
  })

  test('a name in the header allows it, but never a file as a value, nor text that is run', () => {
    expect(outside("SELECT * FROM url('http://x', TSV)", ['URL'])).toEqual([])
    expect(outside("SELECT * FROM url('http://x', TSV)", ['s3'])).toEqual(['url'])
    expect(outside("SELECT file('/etc/passwd'), * FROM file('a')", ['file'])).toEqual(['file'])
    expect(outside("SELECT * FROM eval('SELECT 1')", ['eval'])).toEqual(['eval'])
    expect(outside("SELECT * FROM format(TSV, 'a Int8', '')", ['format'])).toEqual(['format'])
    expect(outside("SELECT 1 SETTINGS dialect = 'prql'", ['dialect'])).toEqual(['dialect'])
  })
})

test.each([
  ["SELECT url, file, s3 FROM {source:Identifier}.t WHERE file = 'a' ORDER BY url"],
  ["SELECT trim(BOTH ' ' FROM lower(a)), extract(DAY FROM toDate(d)), a IS DISTINCT FROM lower(b) FROM t"],
  ['SELECT arrayJoin(a) AS x, URLHash(a) FROM t ARRAY JOIN range(3) AS b'],
  ['SELECT 1 FROM t, (SELECT 2) AS s WHERE a IN (1, 2), lower(b)'],
  ['WITH file AS (SELECT 1) SELECT * FROM file, numbers(3), view(SELECT 1)'],
  [
    "SELECT format('{} of {}', a, b), dialect FROM t WHERE (file IN (1)) AND dialect = 'a' SETTINGS max_threads = 1",
  ],
  ["SELECT * FROM input('a Int8, b Array(String)')"],
  ["SELECT * FROM values('a Int8, b Enum8(''x'' = 1)', (1, 'default'))"],
  ["SELECT 'FROM url(1)' /* file(1) */ -- s3(1)"],
  [
    'CREATE TABLE t (engine String, file String, url String) ENGINE = ReplicatedReplacingMergeTree ORDER BY engine',
  ],
  ['CREATE TABLE t (a Int8) ENGINE = SharedMergeTree ORDER BY a'],
])('%s stays on the server', (text) => {
  expect(outside(text)).toEqual([])
})
