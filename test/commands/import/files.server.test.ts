// Owns the promises of `import` about files that are slow, broken, cut off, not public, older than others or not files.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, type Databases, environmentFor } from '../../support/cli.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import {
  answering,
  asFile,
  atFirst,
  oldFashioned,
  cutShort,
  exportFiles,
  onGet,
  publicPath,
  type PublicServer,
  servePublic,
  slowly,
  writeParquet,
  stalled,
} from '../../support/public-files.ts'
import { rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { differences, SQL_FOLDER } from '../../support/workspace.ts'

const catalogue = await readCatalogue(SQL_FOLDER)
const network = 'holesky'
const TABLE = 'canonical_execution_nonce_reads'

let server: TestServer
const original = uniqueDatabase('original')
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, catalogue, original)
  await addBlocks(server, original, { from: 0, to: 5999, network })
})
afterAll(() => server?.stop())

let folder: string
let files: PublicServer
let databases: Databases
beforeEach(async () => {
  folder = temporaryDirectory()
  files = await servePublic(folder)
  databases = {
    source: uniqueDatabase('imported'),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  return () => files.close()
})

const write = (table: string, ...firsts: readonly number[]) =>
  exportFiles(server, { folder, source: original, network, tables: [table], firsts })

const run = (words: string) =>
  backfillHere(['import', '--network', network, ...words.split(' ')], {
    env: { ...environmentFor(server, databases), BACKFILL_IMPORT_URL: files.url },
  })

const fileOf = (first: number, table = TABLE) => publicPath({ network, table, first })

/** Blocks that are there, by file, with their rows. */
async function imported(table = TABLE) {
  return await rowsOf<{ first: number; rows: number }>(
    server,
    `SELECT intDiv(block_number, 1000) * 1000 AS first, count() AS rows FROM {d:Identifier}.{t:Identifier}
      GROUP BY first ORDER BY first`,
    { d: databases.source, t: table },
  )
}

test('what goes wrong for a moment is tried again; slow files, redirections and servers without HEAD are no trouble', async () => {
  await write(TABLE, 0, 1000, 2000, 3000, 4000, 5000)
  files.behave('/0.parquet', onGet(slowly(4, 400)))
  files.behave('/1000.parquet', onGet(atFirst(1, stalled)))
  files.behave('/2000.parquet', onGet(atFirst(1, cutShort)))
  files.behave('/3000.parquet', atFirst(2, answering(503)))
  files.behave('/4000.parquet', answering(302, '', { location: '/elsewhere' }))
  files.behave('/elsewhere', (exchange) => asFile(exchange, readFileSync(join(folder, fileOf(4000)))))
  files.behave('/5000.parquet', ({ incoming, outgoing }, bytes) =>
    incoming.method === 'HEAD' ? outgoing.writeHead(405).end() : asFile({ incoming, outgoing }, bytes),
  )
  const { code, stdout, stderr } = await run('--from 0 --to 5999 --tables nonce_reads --stall 1 --jobs 4')
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/^\S+Z Done: 6 chunks, 6,000 blocks, 6,000 rows/)
  expect(stderr).toMatch(/1000-1999 {2}failed: http:\S+\/1000\.parquet broke off: no data for 1 seconds/)
  expect(stderr).toMatch(/2000-2999 {2}failed: http:\S+\/2000\.parquet broke off/)
  expect(await imported()).toEqual([0, 1000, 2000, 3000, 4000, 5000].map((first) => ({ first, rows: 1000 })))
})

test('a broken file fails its own blocks, by its address, and no others; mended, it is imported', async () => {
  await write(TABLE, 0, 1000, 2000, 3000, 4000, 5000)
  const whole = readFileSync(join(folder, fileOf(0)))
  writeFileSync(join(folder, fileOf(0)), whole.subarray(0, whole.length - 20))
  const corrupt = readFileSync(join(folder, fileOf(1000)))
  corrupt.fill(7, 40, corrupt.length / 2)
  writeFileSync(join(folder, fileOf(1000)), corrupt)
  files.behave('/2000.parquet', onGet(answering(200, '<!DOCTYPE html><title>Sign in</title>')))
  const rows = `FROM {d:Identifier}.{t:Identifier} WHERE block_number BETWEEN 3000 AND 3999`
  await writeParquet(server, join(folder, fileOf(3000)), `SELECT * EXCEPT nonce ${rows}`, {
    d: original,
    t: TABLE,
  })
  await writeParquet(
    server,
    join(folder, fileOf(4000)),
    `SELECT * REPLACE ('mainnet' AS meta_network_name) ${rows.replaceAll('3', '4')}`,
    { d: original, t: TABLE },
  )
  const bad = await run('--from 0 --to 5999 --tables nonce_reads')
  expect(bad.code).toBe(1)
  expect(bad.stdout).toMatch(/^\S+Z 1 table failed; done: 1 chunk, 1,000 blocks, 1,000 rows/)
  for (const said of [
    /\/0\.parquet is truncated: its \d+ bytes do not end like a Parquet file/,
    /while importing http:\S+\/1000\.parquet \(query backfill-holesky-import-nonce_reads-1000-/,
    /\/2000\.parquet is a web page, not a Parquet file/,
    /\/3000\.parquet has no column nonce/,
    /\/4000\.parquet has 1000 rows, but only 0 are of holesky, blocks 4000-4999/,
  ])
    expect(bad.stderr).toMatch(said)
  expect(await imported()).toEqual([{ first: 5000, rows: 1000 }])

  await write(TABLE, 0, 1000, 2000, 3000, 4000)
  files.behave('/2000.parquet', undefined)
  const mended = await run('--from 0 --to 5999 --tables nonce_reads')
  expect(mended.code, mended.stderr).toBe(0)
  expect(await differences(server, [TABLE], { actual: databases.source, expected: original })).toEqual([])
})

test('a table whose files are all broken stops after ten, the others go on', async () => {
  const firsts = Array.from({ length: 12 }, (_, index) => index * 1000)
  await write(TABLE, ...firsts)
  for (const first of firsts) writeFileSync(join(folder, fileOf(first)), 'PAR1 and no more')
  await write('canonical_execution_contracts', 0)
  const { code, stderr, stdout } = await run('--from 0 --to 11999 --tables nonce_reads,contracts --jobs 1')
  expect(code).toBe(1)
  expect(stderr.match(/^backfill: import-nonce_reads: /gm)).toHaveLength(10)
  expect(stdout).toMatch(/^\S+Z 1 table failed; done: 1 chunk,/)
})

test('a file that cannot be asked for, or does not say how long it is, is fetched all the same', async () => {
  await write(TABLE, 0, 1000)
  files.behave('/0.parquet', onGet(oldFashioned))
  files.behave('/1000.parquet', ({ incoming, outgoing }, bytes) =>
    incoming.method === 'HEAD' ? outgoing.writeHead(500).end() : asFile({ incoming, outgoing }, bytes),
  )
  const { code, stderr } = await run('--from 0 --to 1999 --tables nonce_reads')
  expect(code, stderr).toBe(0)
  expect(await imported()).toEqual([0, 1000].map((first) => ({ first, rows: 1000 })))
})

test('files that may not be read stop their table, and the address is said', async () => {
  await write(TABLE, 0)
  files.behave('.parquet', answering(403))
  const { code, stderr } = await run('--from 0 --tables nonce_reads')
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /^backfill: import-nonce_reads: http:\S+\/0\.parquet answers 403\n {2}Check --base-url/m,
  )
})

test('a big number as the bytes of a text column is refused, not misread', async () => {
  const table = 'canonical_execution_balance_reads'
  await writeParquet(
    server,
    join(folder, fileOf(0, table)),
    `SELECT * REPLACE (unhex(concat('05', repeat('00', 31))) AS balance) FROM {d:Identifier}.{t:Identifier} WHERE block_number < 1000`,
    { d: original, t: table },
  )
  const { code, stderr } = await run('--from 0 --tables balance_reads')
  expect(code).toBe(1)
  expect(stderr).toMatch(/0\.parquet .*Cannot parse string .* as UInt256: .*column: balance/)
  expect(await imported(table)).toEqual([])
})

test('a NULL that the table does not take, and a number that does not fit, fail the file', async () => {
  const rows = 'FROM {d:Identifier}.{t:Identifier} WHERE intDiv(block_number, 1000) * 1000 = {first:UInt64}'
  const put = (columns: string, first: number) =>
    writeParquet(server, join(folder, fileOf(first)), `SELECT * REPLACE (${columns}) ${rows}`, {
      d: original,
      t: TABLE,
      first,
    })
  await put('if(block_number = 500, NULL, address) AS address', 0)
  await put('toUInt64(internal_index) + 4294967296 AS internal_index', 1000)
  const { code, stderr } = await run('--from 0 --to 1999 --tables nonce_reads')
  expect(code).toBe(1)
  expect(
    stderr.match(/^backfill: import-nonce_reads: .*importing http:\S+\/(0|1000)\.parquet/gm),
  ).toHaveLength(2)
  expect(await imported()).toEqual([])
})

/** How older exports, and other tools, write the same values; `internal_index` they do not have. */
const OLDER: Readonly<Record<string, string>> = {
  nonce_diffs: `* EXCEPT internal_index REPLACE (toUInt32(block_number) AS block_number, toString(transaction_hash) AS transaction_hash,
    toUnixTimestamp(updated_date_time) AS updated_date_time, toInt64(from_value) AS from_value)`,
  balance_diffs: `* EXCEPT internal_index REPLACE (toUInt32(block_number) AS block_number, toUInt32(transaction_index) AS transaction_index,
    toString(from_value) AS from_value, toDecimal256(to_value, 0) AS to_value,
    toDateTime64(updated_date_time, 3, 'UTC') AS updated_date_time)`,
  transaction: `* REPLACE (toUInt64(gas_price) AS gas_price, toUInt32(transaction_type) AS transaction_type, toUInt8(success) AS success,
    toFixedString(reinterpretAsString(value), 32) AS value, toString(updated_date_time) AS updated_date_time)`,
  traces: `* EXCEPT internal_index REPLACE (toString(action_value) AS action_value, toUInt32(action_gas) AS action_gas, toInt64(toUnixTimestamp(updated_date_time)) AS updated_date_time)`,
}

test.for(Object.entries(OLDER))('%s of an older export are the same rows', async ([name, columns]) => {
  const table = `canonical_execution_${name}`
  await writeParquet(
    server,
    join(folder, fileOf(2000, table)),
    `SELECT ${columns} FROM {d:Identifier}.{t:Identifier} WHERE block_number BETWEEN 2000 AND 2999`,
    { d: original, t: table },
  )
  const { code, stderr } = await run(`--from 2000 --tables ${name}`)
  expect(code, stderr).toBe(0)
  const sums = (database: string) =>
    rowsOf(
      server,
      `SELECT count() AS rows, toString(sum(cityHash64(tuple(*${name === 'transaction' ? '' : ' EXCEPT internal_index'})))) AS hash
        FROM {d:Identifier}.{t:Identifier} WHERE block_number BETWEEN 2000 AND 2999`,
      { d: database, t: table },
    )
  expect(await sums(databases.source)).toEqual(await sums(original))
})

const unnumbered = (block: number, order: string) =>
  `SELECT now() AS updated_date_time, ${block} AS block_number, 0 AS transaction_index, concat('0x', repeat('a', 64)) AS transaction_hash,
    '0xc0' AS address, concat('0x', toString(number)) AS slot, '0x0' AS from_value, '0x1' AS to_value, '${network}' AS meta_network_name
    FROM numbers(5) ORDER BY number ${order}`

test('rows that an older export does not number are numbered by what they are about, whatever their order', async () => {
  const table = 'canonical_execution_storage_diffs'
  await writeParquet(server, join(folder, fileOf(0, table)), unnumbered(7, 'DESC'))
  await writeParquet(server, join(folder, fileOf(1000, table)), unnumbered(1007, 'ASC'))
  expect((await run('--from 0 --to 1999 --tables storage_diffs')).code).toBe(0)
  const found = await rowsOf<{ numbers: string[] }>(
    server,
    `SELECT arraySort(groupArray(concat(slot, ' ', toString(internal_index)))) AS numbers
      FROM {d:Identifier}.{t:Identifier} FINAL GROUP BY block_number`,
    { d: databases.source, t: table },
  )
  const numbers = ['0x0 1', '0x1 2', '0x2 3', '0x3 4', '0x4 5']
  expect(found).toEqual([{ numbers }, { numbers }])
})
