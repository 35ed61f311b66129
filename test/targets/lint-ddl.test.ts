// Owns what `check` says about keys and engines by the file alone.
import { expect, test } from 'vitest'
import { lintDdl } from '../../src/targets/lint-ddl.ts'

const COLUMNS = 'block_number UInt32, n UInt64, d DateTime, t Tuple(a UInt8, b String), arr Array(UInt8)'

function findingsOf(tail: string, columns = COLUMNS, position?: string): readonly string[] {
  const text = `CREATE TABLE IF NOT EXISTS {target:Identifier}.t (${columns}) ENGINE = ${tail}`
  const found = [...lintDdl({ file: 'ddl/t.sql', text, line: 1 }, { kind: 'per-block' }, position)]
  return found.map(({ finding }) => `${finding!.rule} ${finding!.sentence}`)
}

test.each([
  'PARTITION BY toStartOfInterval(d, INTERVAL 1 WEEK) ORDER BY (block_number, d)',
  'PARTITION BY CAST(block_number / 1000000 AS UInt32) ORDER BY block_number',
  'PARTITION BY (block_number / 1000000)::UInt32 ORDER BY block_number',
  'PARTITION BY block_number DIV 1000000 ORDER BY block_number',
  'ORDER BY (block_number, CASE WHEN n > 1 THEN 1 ELSE 0 END)',
  'ORDER BY (block_number, CASE n WHEN 1 THEN 1 ELSE 0 END DESC)',
  'ORDER BY (block_number, n BETWEEN 1 AND 5)',
  'ORDER BY (block_number, EXTRACT(YEAR FROM d))',
  'ORDER BY (block_number, d + INTERVAL 1 QUARTER)',
  'ORDER BY (block_number, date_diff(day, d, toDateTime(0)))',
  'ORDER BY (block_number, t.a)',
  'ORDER BY (block_number, t.b ASC)',
  'ORDER BY (block_number, arrayMap(x -> x + 1, arr))',
  'ORDER BY (block_number, arrayMap((x, y) -> plus(x, y), arr, arr))',
  'ORDER BY (block_number, n IS NULL, if(n > 1, true, NULL))',
  "ORDER BY (block_number, TRIM(BOTH ' ' FROM toString(n)), SUBSTRING(t.b FROM 1 FOR 2))",
])('check --offline takes %s, as ClickHouse does', (keys) => {
  expect(findingsOf(`ReplacingMergeTree ${keys}`)).toEqual([])
})

test.each([
  ['(`a(`, n)', []],
  ['(n, `a(`)', [expect.stringContaining('W059 ORDER BY does not begin with a(')]],
])('a position in quotes is the column that it names, whatever its name: ORDER BY %s', (keys, found) => {
  const said = findingsOf(`MergeTree ORDER BY ${keys}`, '`a(` UInt32, n UInt64', '`a(`')
  expect(said.filter((one) => one.startsWith('W059'))).toEqual(found)
})

test.each(['`a b`', '"a b"', '(`a b`, n)', 'toUInt64(`a b`)'])(
  'a position with a blank in its name is found at the beginning of ORDER BY %s',
  (keys) => {
    const said = findingsOf(`MergeTree ORDER BY ${keys}`, '`a b` UInt32, n UInt64', 'toUInt64(`a b`)')
    expect(said).toEqual([expect.stringContaining('W057')])
  },
)

test.each([
  'String',
  'Nullable(FixedString(3))',
  'LowCardinality(Nullable(String))',
  'UUID',
  'Array(UInt8)',
  'Date',
])('a block number of the type %s, which cannot be compared with numbers, is refused', (type) => {
  const columns = `n UInt64, block_number ${type} DEFAULT 1`
  expect(findingsOf('ReplacingMergeTree ORDER BY block_number', columns)).toEqual([
    `E054 the rows are per block, but block_number is a ${type}, which ClickHouse cannot compare with numbers of blocks`,
  ])
  expect(
    findingsOf('ReplacingMergeTree ORDER BY block_number', columns, 'toUInt64(block_number + n)'),
  ).toEqual([])
})

test.each([
  'UInt8',
  'Int256',
  'Nullable(UInt64)',
  'LowCardinality(UInt32)',
  'Decimal(20, 0)',
  'Float64',
  'DateTime',
  "DateTime64(3, 'UTC')",
  'BIGINT UNSIGNED',
])('a block number of the type %s is a number', (type) => {
  expect(findingsOf('ReplacingMergeTree ORDER BY block_number', `block_number ${type}`)).toEqual([])
})

test('a primary key may stand in the list of columns, or behind one of them', () => {
  expect(findingsOf('ReplacingMergeTree', `${COLUMNS}, PRIMARY KEY (block_number, n)`)).toEqual([])
  expect(findingsOf('ReplacingMergeTree', 'block_number UInt32 PRIMARY KEY, n UInt64')).toEqual([])
  expect(findingsOf('ReplacingMergeTree', 'block_number UInt32, n UInt64 PRIMARY KEY')[0]).toMatch(/^E055/)
})

test('the words among the arguments of an engine that merges nothing are no columns', () => {
  expect(findingsOf('Join(ANY, LEFT, block_number)').filter((one) => one.startsWith('E'))).toEqual([])
})

test.each([
  ['ORDER BY (block_number, m)', 'ORDER BY'],
  ['ORDER BY (block_number, m DESC)', 'ORDER BY'],
  ['ORDER BY (block_number, arrayMap(x -> plus(x, m), arr))', 'ORDER BY'],
  ['PARTITION BY intDiv(m, 10) ORDER BY block_number', 'PARTITION BY'],
])('a name that can be nothing but a column has to be one: %s', (keys, clause) => {
  expect(findingsOf(`ReplacingMergeTree ${keys}`)).toEqual([
    `E052 ${clause} names 'm', which is not a column of the table`,
  ])
})

test.each([
  'Summing',
  'Aggregating',
  'Coalescing',
  'VersionedCollapsing',
  'ReplicatedSumming',
  'SharedSumming',
])('a %sMergeTree without the block in its key makes one row of many blocks, which is refused', (name) => {
  const found = (keys: string) => findingsOf(`${name}MergeTree ORDER BY ${keys}`).join('\n')
  const one = name.replace(/^(Replicated|Shared)/, '')
  expect(found('intDiv(block_number, 10)')).toContain(
    `E055 ORDER BY lacks block_number: rows of different blocks would become one in a ${one}MergeTree`,
  )
  expect(found('if(n > 1, 0, block_number)')).toContain('E055 ORDER BY lacks block_number')
  expect(found('(n, block_number)')).not.toContain('E055')
  for (const key of [
    'toString(block_number)',
    'CAST(block_number AS UInt64)',
    'block_number::UInt64',
    '-toInt64(block_number)',
    '(block_number, n)',
  ])
    expect(found(`(n, ${key})`)).not.toContain('E055')
  for (const key of [
    '(block_number + n)',
    '(block_number * 8) + n',
    'if(n > 1, (block_number, n), (0, n))',
    '(block_number, n) = (1, 2)',
  ])
    expect(found(key)).toContain('E055')
})

test.each(['Null', 'Set', "Buffer('d', 't', 1, 1, 1, 1, 1, 1, 1)", "Merge('d', 't')", 'GenerateRandom'])(
  'an engine that keeps no rows of its own is refused: %s',
  (engine) => {
    expect(findingsOf(engine).join('\n')).toContain('E053')
  },
)

test.each(['Join(ANY, LEFT, n)', 'EmbeddedRocksDB PRIMARY KEY n', "KeeperMap('/k') PRIMARY KEY n"])(
  'a table that keeps one row of each key, without the block in the key, is refused: %s',
  (engine) => {
    expect(findingsOf(engine).join('\n')).toContain('E055')
    expect(findingsOf(engine.replace(/\bn\b/, 'block_number')).join('\n')).not.toContain('E055')
  },
)

test('a Memory table that keeps its newest rows only is refused', () => {
  expect(findingsOf('Memory SETTINGS min_rows_to_keep = 1, max_rows_to_keep = 50')).toContain(
    'E055 a Memory table with max_rows_to_keep drops its oldest rows',
  )
  expect(findingsOf('Memory SETTINGS compress = 1').join('\n')).not.toContain('E055')
})

test.each(['AS SELECT number AS block_number FROM numbers(500)', 'POPULATE AS SELECT 1', 'AS SELECT 7 AS n'])(
  'a table that would come with rows is refused: %s',
  (tail) => {
    const of = () => findingsOf(`ReplacingMergeTree ORDER BY block_number ${tail}`)
    expect(of).toThrow('CREATE TABLE … AS would bring rows that no transform has made and no ledger knows')
  },
)

test('EMPTY AS brings no rows', () => {
  expect(findingsOf('ReplacingMergeTree ORDER BY block_number EMPTY AS SELECT 1')).toEqual([])
})

test.each([
  'toUnixTimestamp(d - INTERVAL 500 MILLISECOND)',
  'CAST(n AS UInt64)',
  'n::UInt64',
  'n DIV 1000',
  'CASE WHEN n > 5 THEN n ELSE block_number END',
  'EXTRACT(EPOCH FROM d)',
  't.a + 1',
])('a position names columns, and not the words of SQL in it: %s', (position) => {
  const said = findingsOf('ReplacingMergeTree ORDER BY block_number', COLUMNS, position)
  expect(said.filter((one) => one.startsWith('E054'))).toEqual([])
})

test('a column may be called end', () => {
  const said = findingsOf('ReplacingMergeTree ORDER BY end', 'n UInt64', 'toUnixTimestamp(end)')
  expect(said).toContain('E054 the rows are per block, but the table has no column end')
})
