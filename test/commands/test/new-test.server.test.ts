// Owns the promise that `test --new` writes a test that passes, whatever the statement names of the tables that it reads.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { post, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'

let server: TestServer
const source = uniqueDatabase('source')
const EVENTS = `CREATE TABLE IF NOT EXISTS {source:Identifier}.events
  (block_number UInt64, idx UInt32, who UInt32, v Float64, j JSON, few Array(JSON), any Dynamic, one Variant(UInt64, String), n Nested(k String, v UInt64)) ENGINE = ReplacingMergeTree ORDER BY (block_number, idx)`
const NAMES = `CREATE TABLE IF NOT EXISTS {source:Identifier}.names
  (id UInt32, name String, letters UInt64 MATERIALIZED length(name), st AggregateFunction(uniq, String)) ENGINE = ReplacingMergeTree ORDER BY id`

beforeAll(async () => {
  server = await startTestServer()
  await post(server, 'CREATE DATABASE {source:Identifier}', { source })
  for (const ddl of [EVENTS, NAMES]) await post(server, ddl, { source })
  await post(
    server,
    `INSERT INTO {source:Identifier}.events SELECT intDiv(number, 3) AS b, number % 3, number % 2, if(b = 5, nan, number),
      '{"n":18446744073709551615,"text":"12","it":["a\\'b",{"x":1.5}]}', ['{"a":1}'], if(number % 2 = 0, '5'::Dynamic, toInt64(number)::Dynamic),
      if(number % 2 = 0, 'five'::Variant(UInt64, String), number::Variant(UInt64, String)), ['a', 'b'], [number, 1] FROM numbers(30)`,
    { source },
  )
  await post(
    server,
    `INSERT INTO {source:Identifier}.names (id, name, st) SELECT number, ['even', 'odd'][number + 1], uniqState(arrayJoin(['a', 'b', toString(number)])) FROM numbers(2) GROUP BY number`,
    {
      source,
    },
  )
})
afterAll(() => server?.stop())

/** A folder with one table, and what `test --new` writes there, and says; `test` passes it; `reads`: header lines of a table that is filled before. */
async function newTest(
  columns: string,
  select: string,
  reads?: string,
  more: Readonly<Record<string, string>> = {},
) {
  const cwd = temporaryDirectory()
  const files: Readonly<Record<string, string>> = {
    'sql/networks.json': '{ "mainnet": { "forks": {} } }',
    'sql/source/events.sql': `--! block-coverage: most-blocks\n--! network: none\n--! written: none\n\n${EVENTS}\n`,
    'sql/source/names.sql': `--! block-coverage: sparse\n--! network: none\n--! written: none\n\n${NAMES}\n`,
    'sql/ddl/t.sql': `CREATE TABLE IF NOT EXISTS {target:Identifier}.t (block_number UInt64, ${columns}) ENGINE = ReplacingMergeTree ORDER BY block_number\n`,
    'sql/transforms/t.sql': `--! description: A table\n--! target: t\n${reads ?? READS}\n${select}\n`,
    ...more,
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(cwd, dirname(name)), { recursive: true })
    writeFileSync(join(cwd, name), text)
  }
  const env = environmentFor(server, {
    source,
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  })
  if (reads !== undefined) {
    const filled = await backfillHere(['up', '--lag', '0', '--sql', 'sql'], { cwd, env })
    expect(filled.code, filled.stderr).toBe(0)
  }
  const words = ['test', '--new', 't', '--from', '4', '--to', '6', '--sql', 'sql']
  const written = await backfillHere(words, { cwd, env })
  expect(written.code, written.stderr).toBe(0)
  const ended = await backfillHere(['test', '--sql', 'sql'], { cwd })
  expect(ended.stdout, ended.stdout + ended.stderr).toContain('1 test: 1 passed')
  return readFileSync(join(cwd, 'sql/tests/t/mainnet-4-6.yaml'), 'utf8') + written.stderr
}

const READS = '--! sources: events\n--! lookup: names\n--! rows: per-block\n'

const RANGE = 'block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}'

test('a statement that names no column of the sorting key but the block gets all rows of a block', async () => {
  const text = await newTest(
    'n UInt64',
    `SELECT block_number, count() AS n FROM {source:Identifier}.events FINAL WHERE ${RANGE} GROUP BY block_number`,
  )
  expect(text).toContain('- { block_number: 4, n: 3 }')
})

test('a look-up is given whole, and nan is nan', async () => {
  const text = await newTest(
    'names Array(String), v Float64',
    `SELECT block_number, arraySort(groupUniqArray(name)) AS names, sum(v) AS v FROM {source:Identifier}.events FINAL
     ANY LEFT JOIN {source:Identifier}.names ON id = who WHERE ${RANGE} GROUP BY block_number`,
  )
  expect(text).toContain('- { id: 0, name: even }')
  expect(text).toContain('- { block_number: 5, names: [even, odd], v: nan }')
})

test('a statement that reads all columns without their names gets all of them', async () => {
  const text = await newTest(
    'v Float64, place Point',
    `SELECT block_number, max(v) AS v, (1.5, 2)::Point AS place FROM (SELECT * EXCEPT (idx) FROM {source:Identifier}.events FINAL WHERE ${RANGE}) GROUP BY block_number`,
  )
  expect(text).toContain('who: ')
})

test('values of the type JSON, Dynamic or Variant stay what they are: 12 is a number, "12" a text', async () => {
  const text = await newTest(
    'j JSON, few Array(JSON), any Dynamic, one Variant(UInt64, String), types Array(String), numbers String',
    `SELECT block_number, argMax(e.j, idx) AS j, argMax(e.few, idx) AS few, argMax(e.any, idx) AS any, argMax(e.one, idx) AS one,
       [argMax(dynamicType(e.j.n), idx), argMax(dynamicType(e.j.text), idx), argMax(dynamicType(e.any), idx)] AS types, toJSONString(map('n', block_number)) AS numbers
     FROM (SELECT * FROM {source:Identifier}.events FINAL WHERE ${RANGE}) AS e GROUP BY block_number`,
  )
  expect(text).toContain(
    `j: "{\\"it\\":[\\"a'b\\",{\\"x\\":1.5}],\\"n\\":18446744073709551615,\\"text\\":\\"12\\"}"`,
  )
  expect(text).toContain(`any: '"5"', one: '"five"'`)
  expect(text).toContain(`types: [UInt64, String, `)
  expect(text).toContain(`numbers: '{"n":4}'`)
})

test('a statement that reads around its range is given the rows around it, and no more', async () => {
  const text = await newTest(
    'v UInt64',
    `SELECT block_number, v FROM (
       SELECT block_number, sum(who) OVER (ORDER BY block_number RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS v
       FROM {source:Identifier}.events FINAL
       WHERE block_number BETWEEN {from_block:UInt64} - 1 AND {to_block:UInt64}
     ) WHERE ${RANGE} GROUP BY ALL`,
  )
  const blocks = [...text.matchAll(/\{ block_number: (\d+), idx: 0/g)].map(([, block]) => block)
  expect(blocks).toEqual(['3', '4', '5', '6', '7'])
})

test('the expected rows have the types of the target: 1 in a Bool is true, however that is spelled, and a time is that of the zone of its column', async () => {
  const text = await newTest(
    `odd Bool, even BOOLEAN, both Array(bool), at DateTime('Asia/Tokyo')`,
    `SELECT block_number, block_number % 2 AS odd, NOT odd AS even, [odd, even] AS both, toDateTime(block_number, 'UTC') AS at FROM {source:Identifier}.events FINAL WHERE ${RANGE} GROUP BY block_number`,
  )
  expect(text).toContain(
    '- { block_number: 5, odd: true, even: false, both: [true, false], at: "1970-01-01 09:00:05" }',
  )
})

test('a statement that reads its own rows is given those before the range', async () => {
  const text = await newTest(
    'total UInt64',
    `SELECT block_number, sum(count()) OVER (ORDER BY block_number) + ifNull((SELECT max(total) FROM {target:Identifier}.t FINAL WHERE block_number < {from_block:UInt64}), 0) AS total
     FROM {source:Identifier}.events FINAL WHERE ${RANGE} GROUP BY block_number`,
    `${READS}--! after: itself\n--! order: sequential\n`,
  )
  expect(text).toContain(
    '  t:\n    - { block_number: 3, total: 12 }\nexpect:\n  - { block_number: 4, total: 15 }',
  )
})

test('a roll-up whose rows name no block is given whole', async () => {
  const tens = {
    'sql/ddl/tens.sql':
      'CREATE TABLE IF NOT EXISTS {target:Identifier}.tens (ten UInt64, n UInt64, at DateTime) ENGINE = ReplacingMergeTree(at) ORDER BY ten\n',
    'sql/transforms/tens.sql': `--! description: Rows of ten blocks\n--! target: tens\n--! sources: events\n--! rows: per-key latest at\n--! order: sequential\n
SELECT intDiv(block_number, 10) AS ten, count() AS n, now() AS at FROM {source:Identifier}.events FINAL
WHERE block_number >= intDiv({from_block:UInt64}, 10) * 10 AND block_number < intDiv({to_block:UInt64}, 10) * 10 + 10 GROUP BY ten\n`,
  }
  const text = await newTest(
    'n UInt64, at DateTime',
    `SELECT 0 AS block_number, sum(n) AS n, now() AS at FROM {target:Identifier}.tens FINAL WHERE ten BETWEEN intDiv({from_block:UInt64}, 10) AND intDiv({to_block:UInt64}, 10)`,
    '--! after: tens (all before)\n--! rows: per-key latest at\n--! order: sequential\n',
    tens,
  )
  expect(text).toContain('tens:\n    - { ten: 0, n: 30')
})

test('a column in double quotes is given', async () => {
  const text = await newTest(
    'w UInt64',
    `SELECT block_number, max("who") AS w FROM {source:Identifier}.events FINAL WHERE ${RANGE} GROUP BY block_number`,
  )
  expect(text).toContain('- { block_number: 4, idx: 1, who: 1 }')
})

test('the columns of a Nested are given to a statement that names it', async () => {
  const text = await newTest(
    'k String, total UInt64',
    `SELECT block_number, max(n.k) AS k, sum(n.v) AS total FROM {source:Identifier}.events FINAL ARRAY JOIN n WHERE ${RANGE} GROUP BY block_number`,
  )
  expect(text).toContain('n.v')
})

test('what a table computes itself is computed from given columns', async () => {
  const text = await newTest(
    'letters UInt64',
    `SELECT block_number, max(letters) AS letters FROM {source:Identifier}.events FINAL
     ANY LEFT JOIN {source:Identifier}.names ON id = who WHERE ${RANGE} GROUP BY block_number`,
  )
  expect(text).toContain('- { id: 0, name: even }')
})

test('a column that the table takes and does not keep is not expected', async () => {
  const text = await newTest(
    'n UInt64 EPHEMERAL, twice UInt64 DEFAULT n * 2',
    `SELECT block_number, count() AS n FROM {source:Identifier}.events FINAL WHERE ${RANGE} GROUP BY block_number`,
  )
  expect(text).toContain('- { block_number: 4 }')
})

test('states of aggregate functions are given as digits', async () => {
  const text = await newTest(
    'n UInt64, letters UInt64',
    `SELECT block_number, uniqMerge(st) AS n, max(letters) AS letters FROM {source:Identifier}.events FINAL
     ANY LEFT JOIN {source:Identifier}.names ON id = who WHERE ${RANGE} GROUP BY block_number`,
  )
  expect(text).toMatch(/- \{ id: 0, name: even, st: "?[0-9A-F]{12,}"? \}/)
  expect(text).toContain('- { block_number: 4, n: 4, letters: 4 }')
})
