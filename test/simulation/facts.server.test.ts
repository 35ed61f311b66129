// What the simulation takes for granted about ClickHouse, each fact shown on the real engine; and real runs whose every
// statement goes to the simulated world as well: both must answer the same.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { playOnBoth } from './both.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

/** The code of the error that the server answers with; 0: none. */
async function code(sql: string, params: Readonly<Record<string, string>> = {}): Promise<number> {
  try {
    await post(server, sql, params)
    return 0
  } catch (error) {
    return Number(/Code: (\d+)/.exec(String(error))?.[1])
  }
}

async function database(...tables: readonly string[]): Promise<string> {
  const name = uniqueDatabase('facts')
  await post(server, `CREATE DATABASE ${name}`)
  for (const table of tables) await post(server, `CREATE TABLE ${name}.${table}`)
  return name
}

test('a table is created once; a comment on a table that is not there is an error, dropping it is none', async () => {
  const name = await database()
  const lock = `CREATE TABLE ${name}.lock (nothing UInt8) ENGINE = Null COMMENT 'mine'`
  expect([await code(lock), await code(lock)]).toEqual([0, 57])
  expect(await code(`ALTER TABLE ${name}.other MODIFY COMMENT 'x'`)).toBe(60)
  expect(await code(`DROP TABLE IF EXISTS ${name}.other`)).toBe(0)
})

test('a statement whose fence does not hold writes nothing', async () => {
  const name = await database('rows (n UInt8) ENGINE = MergeTree ORDER BY n')
  const fenced = (fails: number) =>
    `INSERT INTO ${name}.rows SELECT 1 WHERE (SELECT throwIf(${fails}, 'lock lost')) = 0`
  expect([await code(fenced(1)), await code(fenced(0))]).toEqual([395, 0])
  expect(await rowsOf(server, `SELECT n FROM ${name}.rows`)).toEqual([{ n: 1 }])
})

test('a statement that asks for the UUID of its table writes nothing into another that has taken its place', async () => {
  const name = await database(
    'rows (n UInt8) ENGINE = MergeTree ORDER BY n',
    'other (n UInt8) ENGINE = MergeTree ORDER BY n',
  )
  const [{ uuid }] = (await rowsOf(
    server,
    `SELECT uuid FROM system.tables WHERE database = '${name}' AND name = 'rows'`,
  )) as [{ uuid: string }]
  const fence = `(SELECT throwIf(count() = 0, 'table replaced') FROM system.tables WHERE database = '${name}' AND name = 'rows' AND uuid = '${uuid}') = 0`
  const insert = `INSERT INTO ${name}.rows SELECT 1 WHERE ${fence}`
  const remove = `DELETE FROM ${name}.rows WHERE n = 1 AND ${fence}`
  expect([await code(insert), await code(remove), await code(insert)]).toEqual([0, 0, 0])
  await post(server, `INSERT INTO ${name}.other SELECT 1`)
  await post(server, `EXCHANGE TABLES ${name}.rows AND ${name}.other`)
  expect([await code(insert), await code(remove)]).toEqual([395, 395])
  expect(await rowsOf(server, `SELECT count() AS n FROM ${name}.rows`)).toEqual([{ n: 1 }])
  // Nothing is left in its queue.
  expect(
    await rowsOf(server, `SELECT command FROM system.mutations WHERE database = '${name}' AND NOT is_done`),
  ).toEqual([])
})

test('the parts of an INSERT can be read while it runs, and stay when it is killed', async () => {
  const name = await database('rows (n UInt64) ENGINE = MergeTree ORDER BY n')
  const id = uniqueDatabase('id')
  const insert = `INSERT INTO ${name}.rows SELECT number + sleepEachRow(0.1) FROM numbers(200)
    SETTINGS max_block_size = 1, min_insert_block_size_rows = 1, max_insert_block_size = 1, function_sleep_max_microseconds_per_block = 0, max_threads = 1`
  const slow = code(insert.replace('SETTINGS', `SETTINGS log_comment = '${id}',`)).catch(() => 0)
  const running = async () =>
    await rowsOf<{ query_id: string }>(
      server,
      `SELECT query_id FROM system.processes WHERE Settings['log_comment'] = '${id}'`,
    )
  const rows = async () =>
    (await rowsOf<{ n: number }>(server, `SELECT count() AS n FROM ${name}.rows`))[0]!.n
  await expect.poll(rows, { timeout: 20_000 }).toBeGreaterThan(0)
  const [{ query_id: own } = { query_id: '' }] = await running()
  await post(server, `KILL QUERY WHERE query_id = '${own}' ASYNC`)
  expect(await slow).toBe(394)
  expect(await running()).toEqual([])
  const left = await rows()
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThan(200)
  await post(server, 'SYSTEM FLUSH LOGS')
  expect(
    await rowsOf(
      server,
      `SELECT type FROM system.query_log WHERE query_id = '${own}' AND type != 'QueryStart'`,
    ),
  ).toEqual([{ type: 'ExceptionWhileProcessing' }])
})

test('of rows with one key FINAL shows the highest version, and of one version the row that came last', async () => {
  const name = await database(
    'plain (key UInt8, value UInt8) ENGINE = ReplacingMergeTree ORDER BY key',
    'last (key UInt8, version UInt8, value UInt8) ENGINE = ReplacingMergeTree(version) ORDER BY key',
  )
  for (const value of [1, 2]) await post(server, `INSERT INTO ${name}.plain VALUES (1, ${value})`)
  for (const [version, value] of [
    [2, 1],
    [2, 2],
    [1, 3],
  ])
    await post(server, `INSERT INTO ${name}.last VALUES (1, ${version}, ${value})`)
  expect(await rowsOf(server, `SELECT value FROM ${name}.plain FINAL`)).toEqual([{ value: 2 }])
  expect(await rowsOf(server, `SELECT value FROM ${name}.last FINAL`)).toEqual([{ value: 2 }])
})

test('a DELETE takes only rows that came before it', async () => {
  const name = await database('rows (n UInt8) ENGINE = MergeTree ORDER BY n')
  await post(server, `INSERT INTO ${name}.rows VALUES (1)`)
  await post(server, `DELETE FROM ${name}.rows WHERE n < 9 SETTINGS lightweight_deletes_sync = 0`)
  await post(server, `INSERT INTO ${name}.rows VALUES (2)`)
  await expect
    .poll(() => rowsOf(server, `SELECT n FROM ${name}.rows`), { timeout: 20_000 })
    .toEqual([{ n: 2 }])
})

test('the simulated server answers every statement of real runs as the real one does: built, cut off, recovered, idle, rebuilt, adopted, looked at', async () => {
  const { differences, names, outcomes } = await playOnBoth(server)
  expect(differences).toEqual([])
  expect(outcomes).toEqual([
    'ok',
    'failed',
    'ok',
    'ok',
    'ok',
    ...Array<string>(4).fill('swapped'),
    'ok',
    'adopted',
    'ok',
    'adopted',
    'ok',
    'ok',
  ])
  // What a history rests on was asked for.
  expect(names).toEqual(
    expect.arrayContaining([
      'fold of the ledger',
      'tails of the ledger',
      'attempts',
      'delete',
      'rows of a range',
      'kill deletions',
      'end of a statement',
      'changes of inputs',
      'versions of inputs',
      'exchange tables',
      'comparison of a range',
      'gaps of a table',
      'digests of stored ranges',
      'earlier tables of an input',
      'take over events',
    ]),
  )
})
