// Owns the promises of `backfill try` where sources are on another server: it says what it says on one server, and writes
// nothing on the source.
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor, startBackfill } from '../../support/cli.ts'
import { editedFolder } from '../../support/edited-folder.ts'
import { startProxy } from '../../support/proxy.ts'
import { rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

const FILE = 'transforms/address_diffs.sql'
const names = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
let target: TestServer
let source: TestServer
let env: Record<string, string>
beforeAll(async () => {
  ;[target, source] = await Promise.all([startTestServer(), startTestServer()])
  env = { ...environmentFor(target, names), BACKFILL_LAG: '0' }
  const catalogue = await readCatalogue(SQL_FOLDER)
  for (const server of [target, source]) {
    await createSourceTables(server, catalogue, names.source)
    await addBlocks(server, names.source, { from: 1, to: 30 })
  }
  const { code, stderr } = await run('up --tables +accounts_alive')
  if (code !== 0) throw new Error(stderr)
  // From here on another server has the sources.
  env = {
    ...env,
    SOURCE_CLICKHOUSE_URL: source.url,
    SOURCE_CLICKHOUSE_USERNAME: source.username,
    SOURCE_CLICKHOUSE_PASSWORD: source.password,
  }
})
afterAll(() => Promise.all([target?.stop(), source?.stop()]))

const onTarget = () => ({
  SOURCE_CLICKHOUSE_URL: target.url,
  SOURCE_CLICKHOUSE_USERNAME: target.username,
  SOURCE_CLICKHOUSE_PASSWORD: target.password,
})

const run = (words: string, folder?: string, more = {}) =>
  backfillHere([...words.split(' '), ...(folder === undefined ? [] : ['--sql', folder])], {
    env: { ...env, ...more },
  })
const databases = async (server: TestServer) =>
  await rowsOf(server, "SELECT name FROM system.databases WHERE name != 'system' ORDER BY name")

test('rows cross from the source into the scratch database, whatever their compression, and the answer is that of one server', async () => {
  const before = await Promise.all([target, source].map(databases))
  const folder = editedFolder(FILE, (was) =>
    was.replace('toUInt32(arrayUniq(groupArray(tx)))', 'toUInt32(arrayUniq(groupArray(tx)) + 1)'),
  )
  const answer = async (more: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await run('try --from 3 --to 12 --json', folder, more)
    expect(code, stderr).toBe(0)
    const { blocks, tables, left } = JSON.parse(stdout) as {
      blocks: unknown
      tables: object[]
      left: unknown
    }
    return { blocks, left, tables: tables.map((one) => ({ ...one, cost: 0, whole: 0, examples: 0 })) }
  }
  const one = await answer(onTarget())
  expect(one).toMatchObject({
    tables: [
      { table: 'address_diffs', edited: true, same: 0, new: 0, gone: 0 },
      { table: 'accounts_alive', edited: false, changed: 0, new: 0, gone: 0 },
    ],
  })
  expect(one.tables[0]).not.toMatchObject({ changed: 0 })
  for (const form of ['lz4', 'zstd', 'none'])
    expect(await answer({ BACKFILL_COMPRESSION: form }), form).toEqual(one)
  expect(await Promise.all([target, source].map(databases))).toEqual(before)
})

/** It counts for longer than the test, and the server sees after every block that nobody waits any more. */
const slow = () =>
  editedFolder(FILE, (was) => was.replace(/^WHERE tx IN/m, `WHERE tx NOT IN (${COUNTING})\n  AND tx IN`))
const COUNTING = 'SELECT number FROM numbers(60000000000) WHERE cityHash64(number) = 7'
const scratch = () =>
  rowsOf(target, "SELECT name FROM system.databases WHERE startsWith(name, 'backfill_try_')")

test('an error of the source is said, and leaves no database', async () => {
  const failing = editedFolder(FILE, (was) =>
    was.replace('max(tx) % 1048576', "max(tx) % 1048576 + throwIf(max(tx) >= 0, 'no rows today')"),
  )
  const failed = await run('try', failing)
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('no rows today') })
  expect(await scratch()).toEqual([])
})

test.each(['one server', 'two servers'])(
  'a `try` that is stopped while it computes leaves no database and no statement, on %s',
  async (place) => {
    const reader = place === 'one server' ? target : source
    const child = startBackfill(['try', '--sql', slow()], {
      env: { ...env, ...(place === 'one server' && onTarget()) },
    })
    const ended = Promise.all([text(child.stderr!), new Promise((resolve) => child.once('exit', resolve))])
    const running = async () =>
      await rowsOf(
        reader,
        "SELECT toUInt32(count()) AS n FROM system.processes WHERE query LIKE '%numbers(60000000000)%' AND query NOT LIKE '%system.processes%'",
      )
    // DESCRIBE and INSERT, or what reads for it.
    const filled = async () =>
      await rowsOf(
        target,
        "SELECT toUInt32(count()) AS n FROM system.tables WHERE startsWith(database, 'backfill_try_')",
      )
    await expect.poll(filled, { timeout: 20_000 }).toEqual([{ n: 3 }])
    await expect.poll(running, { timeout: 20_000 }).toEqual([{ n: 1 }])
    child.kill('SIGINT')
    expect(await ended).toEqual(['Stopping: the scratch database is dropped.\n', 130])
    expect(await scratch()).toEqual([])
    await expect.poll(running, { timeout: 20_000 }).toEqual([{ n: 0 }])
  },
)

test('a statement that the server begins only after it was told to kill it is killed, too', async () => {
  const proxy = await startProxy(target.url)
  try {
    const filling = proxy.hold(({ statement }) => /^INSERT INTO `?backfill_try_/.test(statement))
    const killing = proxy.hold(({ statement }) => statement.startsWith('KILL QUERY'), 'answer')
    const child = startBackfill(['try', '--sql', slow()], {
      env: { ...env, ...onTarget(), TARGET_CLICKHOUSE_URL: proxy.url, SOURCE_CLICKHOUSE_URL: proxy.url },
    })
    const ended = Promise.all([text(child.stderr!), new Promise((resolve) => child.once('exit', resolve))])
    const { search } = await filling.arrived
    child.kill('SIGINT')
    await killing.arrived
    const filled = filling.release()
    const running = () =>
      rowsOf(target, `SELECT query_id FROM system.processes WHERE query_id = '${search.get('query_id')}'`)
    await expect.poll(running, { timeout: 20_000 }).toHaveLength(1)
    await killing.release()
    expect(await ended).toEqual(['Stopping: the scratch database is dropped.\n', 130])
    expect((await filled).text).toContain('QUERY_WAS_CANCELLED')
    expect(await scratch()).toEqual([])
  } finally {
    await proxy.close()
  }
})
