// Owns the promise that no run writes into a table that would keep one row for several blocks, whether or not `check` was run before.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { environmentFor } from '../support/cli.ts'
import { editedFolder } from '../support/edited-folder.ts'
import { backfillInside } from '../support/inside.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

let server: TestServer
const source = uniqueDatabase('source')
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  await addBlocks(server, source, {
    from: 1,
    to: 20,
    tables: ['storage_diffs', 'storage_reads', 'transaction'],
  })
})
afterAll(() => server?.stop())

let databases: { readonly source: string; readonly target: string; readonly ledger: string }
beforeEach(() => {
  databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
})

const run = (words: string, sql: string = SQL_FOLDER) => {
  const env = { ...environmentFor(server, databases), BACKFILL_LAG: '0', BACKFILL_SQL: sql }
  return backfillInside([...words.split(' '), '--tables', 'block_slots_stat'], env)
}

/** The project's folder, in which the table has another engine, and is for no cluster. */
const withEngine = (engine: string) =>
  editedFolder('ddl/block_slots_stat.sql', (text) =>
    text.replace(/^--! shard.*\n/, '').replace(/ENGINE[^]*?ORDER BY block_number/, engine),
  )

test.each([
  ['ENGINE = Join(ANY, LEFT, slots_set)', 'the keys of Join(ANY, …) lack block_number'],
  ['ENGINE = ReplacingMergeTree ORDER BY slots_set', 'ORDER BY lacks block_number'],
])('up and plan refuse a file whose table would keep one row of many blocks: %s', async (engine, says) => {
  const sql = withEngine(engine)
  for (const words of ['up', 'plan', 'create-tables']) {
    const { code, stderr } = await run(words, sql)
    expect({ words, code }).toEqual({ words, code: 2 })
    expect(stderr).toContain(says)
  }
  const made = await rowsOf<{ name: string }>(
    server,
    'SELECT name FROM system.databases WHERE name IN {names:Array(String)}',
    { names: `['${databases.target}','${databases.ledger}']` },
  )
  expect(made).toEqual([])
})

test('up writes nothing into a table that exists with such a key, though its file has a better one', async () => {
  await post(server, `CREATE DATABASE ${databases.target}`)
  await post(
    server,
    `CREATE TABLE ${databases.target}.int_block_slots_stat (updated_date_time DateTime DEFAULT now(), block_number UInt32,
      slots_cleared UInt32, slots_set UInt32, meta_network_name String DEFAULT '') ENGINE = ReplacingMergeTree ORDER BY slots_set`,
  )
  const { code, stderr } = await run('up')
  expect({ code, stderr }).toMatchObject({ code: 1 })
  expect(stderr).toContain(
    `block_slots_stat: ${databases.target}.int_block_slots_stat: ORDER BY lacks block_number: rows of different blocks would replace one another`,
  )
  expect(stderr).toContain('`backfill rebuild block_slots_stat` builds it as')
  const [rows] = await rowsOf<{ n: number }>(
    server,
    `SELECT count() AS n FROM ${databases.target}.int_block_slots_stat`,
  )
  expect(rows!.n).toBe(0)
})

test('up writes nothing into a table with a row per key that was made without the version of its file, so that the last one inserted would stay', async () => {
  const table = 'address_storage_slot_last_access'
  const env = { ...environmentFor(server, databases), BACKFILL_LAG: '0' }
  const runOf = (...words: readonly string[]) => backfillInside(words, env)
  expect(await runOf('create-tables', '--tables', table)).toMatchObject({ code: 0 })
  const name = `${databases.target}.int_${table}`
  const [made] = await rowsOf<{ statement: string }>(server, `SHOW CREATE TABLE ${name}`)
  await post(server, `DROP TABLE ${name} SYNC`)
  await post(server, made!.statement.replace('ReplacingMergeTree(block_number)', 'ReplacingMergeTree'))
  const { code, stderr } = await runOf('up', '--tables', table)
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/without a version keeps the last one inserted[^]*`backfill rebuild /),
  })
  expect(await rowsOf(server, `SELECT count() AS n FROM ${name}`)).toEqual([{ n: 0 }])
  expect(await runOf('rebuild', table, '--drop-old', '--yes')).toMatchObject({ code: 0 })
})
