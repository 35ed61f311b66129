// Owns the promises about whose a table is: one network's, known by a UUID, attached, and with a ledger that keeps its events.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { environmentFor } from '../support/cli.ts'
import { editedFolder } from '../support/edited-folder.ts'
import { backfillInside } from '../support/inside.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

const TABLE = 'int_block_slots_stat'

let server: TestServer
const source = uniqueDatabase('source')
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  for (const network of ['mainnet', 'sepolia', 'fusaka-devnet-3'])
    await addBlocks(server, source, { from: 1, to: 20, network, tables: ['storage_diffs', 'transaction'] })
})
afterAll(() => server?.stop())

let databases: { readonly source: string; readonly target: string; readonly ledger: string }
beforeEach(() => {
  databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
})

const run = (words: string, env: Readonly<Record<string, string>> = {}) =>
  backfillInside(
    [...words.split(' '), ...(words.includes('--tables') ? [] : ['--tables', 'block_slots_stat'])],
    {
      ...environmentFor(server, databases),
      BACKFILL_LAG: '0',
      ...env,
    },
  )
const say = (statement: string) =>
  post(server, statement, { target: databases.target, ledger: databases.ledger })
const events = async () =>
  (await rowsOf<{ n: number }>(server, `SELECT count() AS n FROM ${databases.ledger}.ledger`))[0]!.n

test('a database with the blocks of another network is refused, and nothing is written', async () => {
  expect((await run('up')).code).toBe(0)
  const before = await events()
  for (const words of ['up', 'status', 'verify', 'verify --stored', 'digest']) {
    const { code, stderr } = await run(`${words} --network sepolia`)
    expect(code, words).toBe(2)
    expect(stderr).toContain(
      `the table of block_slots_stat in the database ${databases.target} holds blocks of the network 'mainnet'`,
    )
    expect(stderr).toContain("set TARGET_CLICKHOUSE_DATABASE to another database for 'sepolia'")
  }
  expect(await events()).toBe(before)
  expect((await run('status --check')).code).toBe(0)
})

test('a missing table is not created among the tables of another network', async () => {
  expect((await run('up')).code).toBe(0)
  for (const words of ['up', 'create-tables'])
    expect((await run(`${words} --network sepolia --tables block_slots_stat,address_reads`)).code).toBe(2)
  const tables = await rowsOf(server, `SELECT name FROM system.tables WHERE database = '${databases.target}'`)
  expect(tables).toEqual([{ name: TABLE }])
})

/** The server makes an Ordinary database only where a setting allows it. */
async function createDatabase(name: string, engine: string) {
  const { url, username, password } = server
  const login = { 'X-ClickHouse-User': username, 'X-ClickHouse-Key': password }
  const body = `CREATE DATABASE ${name} ENGINE = ${engine}`
  const made = await fetch(`${url}/?allow_deprecated_database_ordinary=1`, {
    method: 'POST',
    headers: login,
    body,
  })
  expect(await made.text()).toBe('')
}

test.each(['Ordinary', 'Memory'])(
  'a database with the engine %s, whose tables have no UUID, holds neither tables nor the ledger',
  async (engine) => {
    for (const name of [databases.target, databases.ledger]) {
      await createDatabase(name, engine)
      for (const words of ['up', 'check', 'status']) {
        const { code, stderr } = await run(words)
        expect(code, words).toBe(2)
        expect(stderr).toContain(`the database ${name} has the engine ${engine}, whose tables have no UUID`)
      }
      const { code, stdout } = await run('doctor --idle 1')
      expect(code).toBe(1)
      expect(stdout).toMatch(new RegExp(`fail +fold .*engine ${engine}`))
      await post(server, `DROP DATABASE ${name}`)
    }
  },
)

test('a detached table and a detached ledger are named as detached, with what attaches them', async () => {
  expect((await run('up')).code).toBe(0)
  await say(`DETACH TABLE {target:Identifier}.${TABLE}`)
  for (const words of ['up', 'status']) {
    const { code, stdout, stderr } = await run(words)
    expect(code).toBe(2)
    expect(stderr).toContain(`the table ${databases.target}.${TABLE} is detached`)
    expect(stderr).toContain(`ATTACH TABLE ${databases.target}.${TABLE}`)
    expect(stdout).not.toContain('created')
  }
  await say(`ATTACH TABLE {target:Identifier}.${TABLE}`)
  await say('DETACH TABLE {ledger:Identifier}.ledger')
  const { code, stderr } = await run('up')
  expect(code).toBe(2)
  expect(stderr).toContain(`ATTACH TABLE ${databases.ledger}.ledger`)
  await say('ATTACH TABLE {ledger:Identifier}.ledger')
  expect((await run('status --check')).code).toBe(0)
})

test('a detached target database is named as detached by up, and is as it was once it is attached', async () => {
  expect((await run('up')).code).toBe(0)
  await say('DETACH DATABASE {target:Identifier}')
  const { code, stderr } = await run('up')
  expect(code).not.toBe(0)
  expect(stderr).toContain(`creating the database ${databases.target}`)
  expect(stderr).toContain('A detached database has this name: ATTACH DATABASE brings it back')
  await say('ATTACH DATABASE {target:Identifier}')
  expect((await run('status --check')).code).toBe(0)
})

test('a TTL on the ledger, of the table or of a column, fails doctor and check; the word in a comment does not', async () => {
  expect((await run('up')).code).toBe(0)
  const verdicts = async () => [(await run('doctor --idle 1')).code, (await run('check')).code]
  await say(`ALTER TABLE {ledger:Identifier}.ledger MODIFY COMMENT 'it has no TTL at all'`)
  expect(await verdicts()).toEqual([0, 0])
  await say('ALTER TABLE {ledger:Identifier}.ledger MODIFY TTL toDateTime(event_time) + INTERVAL 9 YEAR')
  expect(await verdicts()).toEqual([1, 2])
  expect((await run('check')).stderr).toContain(`ALTER TABLE ${databases.ledger}.ledger REMOVE TTL`)
  await say('ALTER TABLE {ledger:Identifier}.ledger REMOVE TTL')
  await say(
    'ALTER TABLE {ledger:Identifier}.ledger MODIFY COLUMN error String TTL toDateTime(event_time) + INTERVAL 9 YEAR',
  )
  expect(await verdicts()).toEqual([1, 2])
})

test('a network whose name has hyphens runs in a database of that name, beside one whose name begins its own', async () => {
  const sql = editedFolder('networks.json', () =>
    JSON.stringify({
      mainnet: { forks: { spurious_dragon: 0, dencun: 0 } },
      'fusaka-devnet-3': { forks: { spurious_dragon: 0, dencun: 0 } },
      fusaka: { forks: { spurious_dragon: 0, dencun: 0 } },
    }),
  )
  const env = { TARGET_CLICKHOUSE_DATABASE: `${databases.target}-devnet-3` }
  const words = `--network fusaka-devnet-3 --sql ${sql}`
  const { code, stderr } = await run(`up ${words}`, env)
  expect(code, stderr).toBe(0)
  for (const command of ['status --check', 'verify', 'doctor --idle 1'])
    expect((await run(`${command} ${words}`, env)).code, command).toBe(0)
  const rows = await rowsOf(
    server,
    `SELECT uniqExact(block_number) AS blocks FROM \`${databases.target}-devnet-3\`.${TABLE}`,
  )
  expect(rows).toEqual([{ blocks: 20 }])
  // Its lock is not taken for one of the shorter network.
  expect((await run(`unlock --network fusaka --sql ${sql}`)).stdout).toBe('block_slots_stat  has no lock\n')
})

test('a source without the columns by which missing blocks are found is refused before anything is made', async () => {
  const other = uniqueDatabase('other')
  await post(server, `CREATE DATABASE ${other}`)
  await post(
    server,
    `CREATE TABLE ${other}.canonical_execution_storage_diffs (block_num UInt64, updated_date_time DateTime, meta_network_name String)
      ENGINE = MergeTree ORDER BY block_num`,
  )
  databases = { ...databases, source: other }
  for (const command of ['up', 'status', 'plan']) {
    const { code, stderr } = await run(command)
    expect(code).toBe(2)
    expect(stderr).toContain(
      `the source ${other}.canonical_execution_storage_diffs has no column block_number, by which missing blocks are found`,
    )
    expect(stderr).toContain('--! position')
  }
  const [made] = await rowsOf<{ n: number }>(
    server,
    'SELECT count() AS n FROM system.databases WHERE name IN {names:Array(String)}',
    { names: `['${databases.target}','${databases.ledger}']` },
  )
  expect(made!.n).toBe(0)
})
