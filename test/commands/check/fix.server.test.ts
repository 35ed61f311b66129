import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { columnMisfits } from '../../../src/sql-syntax/column-fit.ts'
import { folderOf } from '../../support/check-fixtures.ts'
import { backfillInside } from '../../support/inside.ts'
import { post, startTestServer, type TestServer } from '../../support/server.ts'
import { soundScene } from '../../support/sound-scene.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

const NARROWED = { edit: [{ file: 'transforms/gas.sql', was: 'toUInt32(block) AS', is: 'block AS' }] }

test('`check --fix` writes the casts, says where, and the folder is clean from then on', async () => {
  const { folder, run } = await soundScene(server, NARROWED)
  const file = join(folder, 'transforms/gas.sql')
  const others = readFileSync(join(folder, 'transforms/last_gas.sql'), 'utf8')
  const fixed = await run('check', '--fix')
  expect(fixed.stderr).toMatch(/^Wrote \S+gas\.sql: a SELECT around it converts block_number\n/)
  expect([fixed.code, fixed.stdout]).toEqual([0, expect.stringContaining(': no errors')])
  expect(readFileSync(file, 'utf8')).toContain("accurateCast(`block_number`, 'UInt32') AS `block_number`")
  expect(readFileSync(join(folder, 'transforms/last_gas.sql'), 'utf8')).toBe(others)
  const written = readFileSync(file, 'utf8')
  const again = await run('check', '--fix', '--json')
  expect(JSON.parse(again.stdout)).toMatchObject({ errors: 0, fixed: [] })
  expect(readFileSync(file, 'utf8')).toBe(written)
})

test('`check --fix` leaves out what is always NULL where the table has a default, and says so', async () => {
  const always = { file: 'transforms/gas.sql', was: 'sum(gas) AS', is: 'NULL AS is_heavy, sum(gas) AS' }
  const { run, transactions, databases } = await soundScene(server, { edit: [...NARROWED.edit, always] })
  const { code, stderr } = await run('check', '--fix')
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/^Wrote \S+gas\.sql: .* converts block_number, and leaves out is_heavy\n/),
  ])
  await transactions('number, 2000000, now()', 'numbers(1, 9)')
  expect(await run('up', 'gas', '--lag', '0')).toMatchObject({ code: 0 })
  const rows = await post(server, 'SELECT count() FROM {target:Identifier}.int_gas WHERE is_heavy', databases)
  expect(rows.trim()).toBe('9')
})

test('`check --fix` leaves a read-only file as it is, and says so', async () => {
  const { folder, run } = await soundScene(server, NARROWED)
  const file = join(folder, 'transforms/gas.sql')
  const before = readFileSync(file, 'utf8')
  chmodSync(file, 0o444)
  const { code, stderr } = await run('check', '--fix')
  expect([code, stderr]).toEqual([2, expect.stringMatching(/gas\.sql is read-only\n {2}make it writable/)])
  expect(readFileSync(file, 'utf8')).toBe(before)
})

test.for([
  ['a shared step', ['--! rows:', '--! shared: s\n--! rows:'], ['SELECT', 'WITH s AS (SELECT 1) SELECT']],
  [
    'settings in brackets',
    ['\n\nSELECT', '\n\n(SELECT'],
    ['GROUP BY block', 'GROUP BY block SETTINGS max_threads = 1)'],
  ],
] as const)('`check --fix` says that it leaves %s to a person', async ([, ...more]) => {
  const edit = more.map(([was, is]) => ({ file: 'transforms/gas.sql', was, is }))
  const { folder, run } = await soundScene(server, { edit: [...NARROWED.edit, ...edit] })
  const file = join(folder, 'transforms/gas.sql')
  const before = readFileSync(file, 'utf8')
  const { code, stderr } = await run('check', '--fix')
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^Left \S+gas\.sql as it is: .* by hand\n/)])
  expect(readFileSync(file, 'utf8')).toBe(before)
})

test('after `check --fix` a value that does not fit fails its range, and no row of it is stored', async () => {
  const { folder, run, transactions, databases } = await soundScene(server, NARROWED)
  // Gas is UInt64 in the source, and so it may be more than a UInt8 column takes.
  const ddl = join(folder, 'ddl/gas.sql')
  writeFileSync(ddl, readFileSync(ddl, 'utf8').replace('gas_used     UInt64', 'gas_used     UInt8'))
  const add = (block: number, gas: number) => transactions(`${block}, ${gas}, now() - 9`, 'numbers(1)')
  await add(1, 255)
  expect((await run('check', '--fix')).code).toBe(0)
  const up = () => run('up', 'gas', '--lag', '0', '--from', '1')
  const stored = () =>
    post(server, 'SELECT block_number, gas_used FROM {target:Identifier}.int_gas ORDER BY ALL', databases)
  expect((await up()).code).toBe(0)
  await add(2, 256)
  const failed = await up()
  expect([failed.code, failed.stderr]).toEqual([
    1,
    expect.stringMatching(
      /cannot be safely converted[^]*\n {2}A value does not fit into the type of its column/,
    ),
  ])
  expect(await stored()).toBe('1\t255\n')
})

test('after `check --fix` a NULL that has no place fails its range, and what to write is said', async () => {
  const edit = [{ file: 'transforms/gas.sql', was: 'sum(gas) AS', is: 'nullIf(sum(gas), 3) AS' }]
  const { run, transactions } = await soundScene(server, { edit })
  await transactions('number, number, now() - 9', 'numbers(2, 2)')
  expect((await run('check', '--fix')).code).toBe(0)
  const { code, stderr } = await run('up', 'gas', '--lag', '0', '--from', '2')
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(
      /Cannot convert NULL[^]*\n {2}A row has NULL where the column's type has none: write ifNull/,
    ),
  ])
})

test('`check --fix` cuts fractions off as an INSERT does, and says so; a number that is too large fails its range', async () => {
  const edit = [
    { file: 'transforms/gas.sql', was: 'sum(gas) AS', is: 'quantile(0.5)(gas) AS' },
    { file: 'ddl/gas.sql', was: 'gas_used     UInt64', is: 'gas_used     UInt32' },
  ]
  const { run, databases } = await soundScene(server, { edit })
  const add = (block: number, gas: string) =>
    post(
      server,
      `INSERT INTO {source:Identifier}.canonical_execution_transaction (block_number, transaction_index, gas_used, meta_network_name)
      SELECT ${block}, number, ${gas}, 'mainnet' FROM numbers(2)`,
      databases,
    )
  await add(2, 'number + 1')
  const fixed = await run('check', '--fix')
  expect([fixed.code, fixed.stderr]).toEqual([
    0,
    expect.stringMatching(/converts gas_used\n {2}It cuts fractions of gas_used off, as an INSERT does/),
  ])
  const up = () => run('up', 'gas', '--lag', '0', '--from', '2')
  expect((await up()).code).toBe(0)
  // The quantile is 1.5.
  const select =
    "SELECT gas_used, CAST(1.5, 'UInt32') FROM {target:Identifier}.int_gas WHERE block_number = 2"
  expect(await post(server, select, databases)).toBe('1\t1\n')
  await add(3, '5000000000')
  const { code, stderr } = await up()
  expect([code, stderr]).toEqual([1, expect.stringMatching(/\n {2}A number is too large or negative/)])
})

test('`check --fix` without a server is refused, and with --offline, too', async () => {
  const folder = folderOf(NARROWED)
  const none = await backfillInside(['check', '--fix', '--sql', folder])
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('TARGET_CLICKHOUSE_URL')])
  expect((await backfillInside(['check', '--fix', '--offline', '--sql', folder])).code).toBe(2)
})

test.for([
  ['UInt64', '256', 'UInt8'],
  ['Int64', '-1', 'UInt64'],
  ['Float64', '-1.5', 'UInt32'],
  ['Float64', 'nan', 'Int64'],
  ['Nullable(UInt8)', 'NULL', 'UInt8'],
  ['LowCardinality(Nullable(String))', 'NULL', 'String'],
  ['UInt64', '9007199254740993', 'Float64'],
  ['Array(Nullable(UInt64))', '[1, NULL]', 'Array(UInt8)'],
  ['Map(String, UInt64)', "map('a', 300)", 'Map(String, UInt8)'],
  ['Tuple(UInt64, String)', "(300, 'a')", 'Tuple(UInt8, String)'],
  ['DateTime64(3)', "'2200-01-01 00:00:00.5'", 'DateTime'],
  ['Nullable(DateTime64(3))', 'NULL', 'DateTime'],
])('the cast of %s %s into %s throws', async ([from, value, to]) => {
  const target = [{ name: 'x', type: to!, defaultKind: '' as const }]
  const [{ repair } = {}] = columnMisfits([{ name: 'x', type: from! }], target)
  const statement = `SELECT ${repair} FROM (SELECT CAST(${value}, '${from}') AS x)`
  await expect(post(server, statement)).rejects.toThrow(/cannot be safely converted|Cannot convert NULL|nan/i)
})

test('the cast of a time into coarser ones stores what an INSERT stores', async () => {
  const target = [{ name: 'x', type: 'Nullable(DateTime)', defaultKind: '' as const }]
  const [{ repair } = {}] = columnMisfits([{ name: 'x', type: "Nullable(DateTime64(3, 'UTC'))" }], target)
  const values = "SELECT arrayJoin([toDateTime64('2024-03-13 00:00:11.999', 3, 'UTC'), NULL]) AS x"
  const select = `SELECT ${repair}, CAST(b AS Nullable(DateTime)) = x FROM (SELECT *, x AS b FROM (${values}))`
  expect(await post(server, select)).toBe('2024-03-13 00:00:11\t1\n\\N\t\\N\n')
})

test('an alias that hides a column within another aggregate is told with the setting that helps', async () => {
  const { run } = await soundScene(server, {
    edit: [
      {
        file: 'transforms/gas.sql',
        was: 'sum(gas) AS gas_used',
        is: 'max(gas) AS gas, sum(gas) AS gas_used',
      },
    ],
  })
  expect((await run('check', 'gas')).stdout).toContain(
    'write `--! settings: prefer_column_name_to_alias = 1`',
  )
})
