import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { post, startTestServer, type TestServer } from '../../support/server.ts'
import { soundScene } from '../../support/sound-scene.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

type Edit = { readonly file: string; readonly was: string; readonly is: string }

/** Splits a table of the sound folder, whose files were edited, over blocks 1 to 40; each has two transactions with gas 7 and 1,000 times its number. */
async function split(key: string, ...edit: readonly Edit[]) {
  return await splitRange(key, [1, 40], edit)
}

async function splitRange(key: string, [from, to]: readonly [number, number], edit: readonly Edit[] = []) {
  const { folder, databases, run } = await soundScene(server, { edit })
  await post(
    server,
    `INSERT INTO {source:Identifier}.canonical_execution_transaction (block_number, transaction_index, gas_used, meta_network_name)
    SELECT number, index, if(index = 0, 7, number * 1000), 'mainnet' FROM numbers(50) ARRAY JOIN [0, 1] AS index`,
    databases,
  )
  await post(server, 'CREATE DATABASE {target:Identifier}', databases)
  for (const { ddl } of (await readCatalogue(folder)).tables) await post(server, ddl.text, databases)
  await post(
    server,
    `INSERT INTO {target:Identifier}.int_gas (block_number, gas_used) SELECT number, 7 FROM numbers(50)`,
    databases,
  )
  const { code, stdout, stderr } = await run('check', '--split', key, '--from', `${from}`, '--to', `${to}`)
  return { code, found: stdout.match(/: (E\d+) /)?.[1], stderr, stdout }
}

const GAS = 'transforms/gas.sql'
const LAST = 'transforms/last_gas.sql'
const PLAIN = { file: 'ddl/gas.sql', was: 'ReplacingMergeTree', is: 'MergeTree' }
const TWENTIES = { file: GAS, was: 'toUInt32(block) AS', is: 'toUInt32(intDiv(block, 20)) AS' }

test('a table whose ranges depend on themselves alone is the same in pieces, and that is said', async () => {
  const { code, stderr } = await split('gas')
  expect([code, stderr]).toEqual([
    0,
    expect.stringContaining('gas: blocks 1-40 yield 40 rows, the same in one piece and in 6 pieces.'),
  ])
})

test('one row per key: the latest of all pieces is the row of the one, of inputs as they are stored', async () => {
  const { code, stderr } = await split('last_gas')
  expect([code, stderr]).toEqual([0, expect.stringContaining('in 6 pieces (gas read as stored).')])
})

test('one row per key is found to differ if its key depends on the range', async () => {
  // The key of a piece is how many blocks it has.
  const sizes = { file: LAST, was: 'intDiv(block, 1000) AS thousand', is: 'toUInt32(count()) AS thousand' }
  const byRange = { file: LAST, was: 'GROUP BY thousand', is: '' }
  expect(await split('last_gas', sizes, byRange)).toMatchObject({ code: 2, found: 'E081' })
})

test.for<[what: string, ...edit: readonly Edit[]]>([
  [
    'a group that a cut goes through',
    TWENTIES,
    { file: GAS, was: 'GROUP BY block', is: 'GROUP BY intDiv(block, 20)' },
  ],
  [
    'a limit over the range',
    { file: GAS, was: '{to_block:UInt64}', is: '{to_block:UInt64} ORDER BY block_number LIMIT 9' },
  ],
  [
    'a number within the range',
    { file: GAS, was: 'sum(gas) AS', is: 'row_number() OVER (ORDER BY block) AS' },
  ],
])('found: %s', async ([, ...edit]) => {
  expect(await split('gas', ...edit)).toMatchObject({ code: 2, found: 'E081' })
})

test('a group that each range reads the whole of is the same, unless the engine keeps it twice', async () => {
  const whole = {
    file: GAS,
    was: 'BETWEEN {from_block:UInt64} AND {to_block:UInt64}',
    is: 'BETWEEN intDiv({from_block:UInt64}, 20) * 20 AND intDiv({to_block:UInt64}, 20) * 20 + 19',
  }
  const group = { file: GAS, was: 'GROUP BY block', is: 'GROUP BY intDiv(block, 20)' }
  expect(await split('gas', TWENTIES, whole, group)).toMatchObject({ code: 0 })
  expect(await split('gas', TWENTIES, whole, group, PLAIN)).toMatchObject({ code: 2, found: 'E081' })
})

test('pieces that the server has no room for at once are fewer', async () => {
  // Each piece has a join whose buckets take some 100 MB whatever they hold: 5 of them fit, and 17 do not.
  const heavy = {
    file: GAS,
    was: '--! rows: per-block',
    is: `--! rows: per-block\n--! settings: join_algorithm = 'grace_hash', grace_hash_join_initial_buckets = 32, max_memory_usage = 1000000000`,
  }
  const joined = {
    file: GAS,
    was: ')\nWHERE gas',
    is: ') AS transactions INNER JOIN (SELECT number AS other FROM numbers(100)) AS others ON other = block\nWHERE gas',
  }
  expect(await splitRange('gas', [1, 4000], [heavy, joined])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('the same in one piece and in 4 pieces.'),
  })
})

test('several rows of one key are named, which no cut makes differ, unless the engine keeps all', async () => {
  const two = { file: GAS, was: 'GROUP BY block', is: 'GROUP BY block, gas' }
  const { code, found, stdout } = await split('gas', two)
  expect([code, found]).toEqual([2, 'E081'])
  expect(stdout).toMatch(
    /blocks 1-40 of gas yield several rows of 40 keys, such as in one piece \(block_number \d+, gas_used .*: which of them the table keeps is random/,
  )
  expect(await split('gas', two, PLAIN)).toMatchObject({ code: 0 })
})

test('a table that does not exist is named, with the command that creates it', async () => {
  const { run } = await soundScene(server)
  const { code, stderr } = await run('check', '--split', 'gas', '--from', '1', '--to', '9')
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/int_gas does not exist\n {2}backfill create-tables .*--tables gas\n$/),
  ])
})

test('one block cannot be cut, and of no rows nothing is said to be the same', async () => {
  const one = await splitRange('gas', [5, 5])
  expect([one.code, one.stderr]).toEqual([
    2,
    expect.stringContaining('--split cuts a range into pieces, and block 5 is one'),
  ])
  const none = await splitRange('gas', [1000, 2000])
  expect([none.code, none.stderr]).toEqual([0, expect.stringContaining('blocks 1000-2000 have no rows')])
  expect(none.stderr).not.toContain('the same')
})
