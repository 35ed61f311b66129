// Owns the promise that a view without FINAL, and a row policy, are found wherever they stand behind a source.
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { rowPolicies } from '../../src/clickhouse/row-policies.ts'
import { openServer } from '../../src/clickhouse/server.ts'
import { viewProblems } from '../../src/clickhouse/source-views.ts'
import { tablesBehind } from '../../src/clickhouse/tables-behind.ts'
import { launchWithUsers } from '../support/users.ts'

let users: Awaited<ReturnType<typeof launchWithUsers>>
let server: Awaited<ReturnType<typeof openServer>>
beforeAll(async () => {
  const sees = { database: 'raw', table: 'stored', filter: 'n = 1' }
  users = await launchWithUsers({
    half: { grants: ['GRANT ALL ON *.*'], sees },
    whole: { grants: ['GRANT ALL ON *.*'] },
  })
  const connection = { side: 'source' as const, url: users.url, username: 'half', password: 'secret' }
  server = await openServer({ ...connection, database: 'default' })
  for (const query of SCENE) await server.client.command({ query })
})
afterAll(async () => {
  await server?.close()
  await users?.stop()
})

const SCENE = [
  'CREATE DATABASE raw ENGINE = Atomic',
  'CREATE TABLE raw.stored (n UInt64, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY n',
  'CREATE VIEW raw.plain AS SELECT * FROM raw.stored',
  'CREATE TABLE direct (n UInt64, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY n',
  'CREATE VIEW plain AS SELECT * FROM raw.stored',
  'CREATE VIEW final AS SELECT * FROM raw.stored FINAL',
  'CREATE VIEW over_plain AS SELECT * FROM raw.plain FINAL',
  'CREATE VIEW over_final AS SELECT * FROM final FINAL',
  "CREATE TABLE merged AS raw.stored ENGINE = Merge(raw, '^plain$')",
  "CREATE TABLE merged_all AS raw.stored ENGINE = Merge(REGEXP('^r.w$'), '^p\\\\w+n$')",
  "CREATE TABLE merged_tables AS raw.stored ENGINE = Merge(raw, '^stored$')",
  "CREATE TABLE alias ENGINE = Alias('raw', 'plain')",
  "CREATE TABLE dotted ENGINE = Alias('raw.plain')",
]

test('a view without FINAL is found behind views, Merge and Alias tables', async () => {
  const sources =
    'direct plain final over_plain over_final merged merged_all merged_tables alias dotted'.split(' ')
  const problems = viewProblems(server, await tablesBehind(server, sources))
  expect(problems.map(({ source }) => source).toSorted()).toEqual(
    'alias dotted merged merged_all over_plain plain'.split(' '),
  )
  const of = (table: string) => problems.find(({ source }) => source === table)?.sentence
  expect(of('plain')).toMatch(/^the source default\.plain is a view that reads without FINAL/)
  expect(of('merged')).toMatch(
    /^the source default\.merged reads raw\.plain, a view that reads without FINAL/,
  )
  expect(await rowsOfTwice('merged'), 'ClickHouse ignores FINAL there').toBe(2)
})

/** The rows that are read with FINAL of a row that was written twice. */
async function rowsOfTwice(table: string): Promise<number> {
  await server.client.command({ query: 'SYSTEM STOP MERGES raw.stored' })
  for (const v of [1, 2]) await server.client.command({ query: `INSERT INTO raw.stored VALUES (1, ${v})` })
  const [row] = await server.client.rows<{ n: number }>({
    query: `SELECT toUInt32(count()) AS n FROM ${table} FINAL`,
  })
  return row!.n
}
test('a Buffer is found wherever it stands: FINAL does not merge its rows with those of the table behind it', async () => {
  const numbers = '1, 1000, 1000, 1000000, 10000000, 1000000000, 10000000000'
  for (const query of [
    'CREATE TABLE raw.behind (n UInt64, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY n',
    `CREATE TABLE buffered AS raw.behind ENGINE = Buffer('raw', 'behind', ${numbers})`,
    'CREATE VIEW over_buffer AS SELECT * FROM buffered FINAL',
    'INSERT INTO raw.behind VALUES (1, 1)',
    'INSERT INTO buffered VALUES (1, 2)',
  ])
    await server.client.command({ query })
  const counted = await server.client.rows<{ n: number }>({
    query: 'SELECT toUInt32(count()) AS n FROM buffered FINAL',
  })
  expect(counted, 'ClickHouse counts the row twice').toEqual([{ n: 2 }])
  const problems = viewProblems(server, await tablesBehind(server, ['buffered', 'over_buffer', 'direct']))
  expect(problems.map(({ sentence }) => sentence)).toEqual([
    expect.stringMatching(/^the source default\.buffered is a Buffer, whose rows FINAL does not merge/),
    expect.stringMatching(/^the source default\.over_buffer reads default\.buffered, a Buffer, whose rows/),
  ])
})

test('a row policy is found behind views, Merge and Alias tables', async () => {
  const found = await rowPolicies(server, ['direct', 'over_final', 'merged', 'alias', 'dotted'])
  expect(found.map(({ table }) => table).toSorted()).toEqual(['alias', 'dotted', 'merged', 'over_final'])
  expect(found[0]!.sentence).toContain("shows user 'half' of the source server only those rows of raw.stored")
})

test('a row policy is found that holds for the user as whom a view reads', async () => {
  const connection = { side: 'source' as const, url: users.url, username: 'whole', password: 'secret' }
  const whole = await openServer({ ...connection, database: 'default' })
  onTestFinished(() => whole.close())
  for (const query of [
    'CREATE VIEW as_half DEFINER = half SQL SECURITY DEFINER AS SELECT * FROM raw.stored FINAL',
    'CREATE VIEW over_half AS SELECT * FROM as_half',
    'CREATE VIEW as_whole DEFINER = `whole` SQL SECURITY DEFINER AS SELECT * FROM raw.stored FINAL',
    'INSERT INTO raw.stored VALUES (1, 9), (2, 9)',
  ])
    await whole.client.command({ query })
  const counted = (table: string) =>
    whole.client.rows<{ n: number }>({ query: `SELECT toUInt32(count()) AS n FROM ${table}` })
  expect([await counted('as_half'), await counted('as_whole')]).toEqual([[{ n: 1 }], [{ n: 2 }]])
  const found = await rowPolicies(whole, ['direct', 'final', 'as_half', 'over_half', 'as_whole'])
  expect(found.map(({ table }) => table).toSorted()).toEqual(['as_half', 'over_half'])
  expect(found[0]!.sentence).toContain(
    "shows user 'half', as whom a view reads it, of the source server only",
  )
})

test('a view that takes the settings of a profile is found; one with a column of that name is not', async () => {
  for (const query of [
    "CREATE VIEW profiled AS SELECT * FROM raw.stored FINAL SETTINGS max_threads = 1, profile = 'default'",
    'CREATE VIEW filtered AS SELECT * FROM (SELECT n, v AS profile FROM raw.stored FINAL SETTINGS max_threads = 1) WHERE profile = 1',
  ])
    await server.client.command({ query })
  const problems = viewProblems(server, await tablesBehind(server, ['profiled', 'filtered']))
  expect(problems.map(({ source }) => source)).toEqual(['profiled'])
})
