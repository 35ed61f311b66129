// Owns the promises of `verify` about differences: each kind is found and counted, on one server and on two.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import type { Catalogue } from '../../../src/model/model.ts'
import { blocksWhere, edited, ROW_BY_ROW } from '../../support/edited.ts'
import { startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { builtTables, oddities, verifyWorkspace } from '../../support/verifying.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

const SLOTS = 'block_slots_stat'
const PER_ADDRESS = 'address_slots_stat_per_block'
const EARLIEST = 'address_storage_slot_first_access'
const BLOCKS = 40

let servers: readonly TestServer[]
let catalogue: Catalogue
let source: string
beforeAll(async () => {
  catalogue = await readCatalogue(SQL_FOLDER)
  servers = await Promise.all([startTestServer(), startTestServer()])
  source = uniqueDatabase('source')
  for (const server of servers) {
    await createSourceTables(server, catalogue, source)
    await addBlocks(server, source, { from: 1, to: BLOCKS })
  }
})
afterAll(() => Promise.all((servers ?? []).map((server) => server.stop())))

const { open, built, change } = builtTables(() => ({ server: servers[0]!, source }))

test.each([
  ['on one server', () => servers[0]!],
  ['on two servers', () => servers[1]!],
] as const)('rows that are lost, foreign or altered are found, %s', async (_name, sourceServer) => {
  const workspace = await built([SLOTS, EARLIEST], 20, { sourceServer: sourceServer() })
  expect(await oddities(workspace)).toEqual([])

  // Lost; of no block that is done; altered, with the right count in the table.
  await change(workspace, SLOTS, 'DELETE FROM $T WHERE block_number = 3')
  const intoSlots = 'INSERT INTO $T (block_number, slots_cleared, slots_set) VALUES'
  await change(workspace, SLOTS, `${intoSlots} (41, 0, 1), (12, 1, 0)`)

  // Of before the chain: another range may have yielded it. Altered; lost; later than it should be; of nobody.
  const all = 'SELECT address, slot_key, block_number, value FROM $T FINAL WHERE block_number'
  const into = 'INSERT INTO $T (address, slot_key, block_number, value)'
  await change(workspace, EARLIEST, `${into} SELECT address, slot_key, 0, value FROM (${all} = 1)`)
  await change(workspace, EARLIEST, `${into} SELECT address, slot_key, 2, 'wrong' FROM (${all} = 2)`)
  const late = `SELECT address, slot_key, 99, value FROM (${all} = 4)`
  await change(workspace, EARLIEST, `CREATE TABLE {target:Identifier}.late ENGINE = Memory AS ${late}`)
  await change(workspace, EARLIEST, 'DELETE FROM $T WHERE block_number IN (3, 4)')
  await change(workspace, EARLIEST, `${into} SELECT * FROM {target:Identifier}.late`)
  await change(workspace, EARLIEST, `${into} VALUES ('0xforeign', '0x1', 33, '0x')`)

  expect(await oddities(workspace)).toEqual([
    `${EARLIEST} 1-10 different missing=1 different=1 behind=1`,
    `${EARLIEST} 31-40 different unexpected=1`,
    `${SLOTS} 1-10 different missing=1`,
    `${SLOTS} 11-20 different different=1`,
  ])
  const { tables } = await verifyWorkspace(workspace, { from: 12, to: 12 })
  expect(tables[1]).toMatchObject({
    columns: ['block_number', 'slots_cleared', 'slots_set', 'net_slots', 'net_slots_bytes'],
    ranges: [
      {
        from: 12,
        to: 12,
        recomputed: { rows: 1, keys: 1 },
        stored: { rows: 1, keys: 1 },
        examples: [
          {
            kind: 'different',
            recomputed: ['12', '0', '1', '1', '64'],
            stored: ['12', '1', '0', '-1', '-64'],
          },
        ],
      },
    ],
  })
})

test.each([
  ['on one server', () => servers[0]!],
  ['on two servers', () => servers[1]!],
] as const)('every differing key is counted, however many there are, %s', async (_name, sourceServer) => {
  const sql = `SELECT toUInt32(block_number) AS block_number, concat('0x', toString(one)) AS address,
      toUInt32(0) AS slots_cleared, toUInt32(1) AS slots_set
    FROM {source:Identifier}.canonical_execution_transaction FINAL ARRAY JOIN range(1000) AS one
    WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}`
  const workspace = await built([PER_ADDRESS], BLOCKS, {
    sourceServer: sourceServer(),
    catalogue: edited(catalogue, PER_ADDRESS, { sql }),
  })
  await change(workspace, PER_ADDRESS, 'DELETE FROM $T WHERE toUInt32(substring(address, 3)) % 3 = 1')
  await change(
    workspace,
    PER_ADDRESS,
    'INSERT INTO $T (block_number, address, slots_cleared, slots_set) SELECT block_number, address, 7, 7 FROM $T FINAL WHERE block_number = 9',
  )
  expect(await oddities(workspace, { chunk: BLOCKS })).toEqual([
    `${PER_ADDRESS} 1-40 different missing=${333 * BLOCKS} different=667`,
  ])
})

test('an error among the rows of the other server is an error of that server', async () => {
  const workspace = await built([SLOTS], BLOCKS, { sourceServer: servers[1]! })
  const sql = blocksWhere('throwIf(block_number = 35) = 0')
  const failing = edited(catalogue, SLOTS, { sql, settings: ROW_BY_ROW })
  const error = await verifyWorkspace(
    await open([SLOTS], { ...workspace, sourceServer: servers[1]!, catalogue: failing }),
    { chunk: BLOCKS },
  ).catch((thrown: unknown) => thrown)
  expect(String(error)).toMatch(
    /ClickHouse \(source .*failed while verifying blocks 1-40 of block_slots_stat/,
  )
})

test('several rows of one key within a result are an error, whatever the table has made of them', async () => {
  const sql = `SELECT toUInt32(block_number) AS block_number, toUInt32(0) AS slots_cleared, toUInt32(1) AS slots_set
    FROM {source:Identifier}.canonical_execution_transaction
    ARRAY JOIN [1, 2] AS twice
    WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}`
  const workspace = await built([SLOTS], 10, { catalogue: edited(catalogue, SLOTS, { sql }) })
  expect(await oddities(workspace, { from: 1, to: 4 })).toEqual([`${SLOTS} 1-4 duplicates`])
})

/** Every table keeps all rows, by its file, too. */
const plain = ({ tables, ...rest }: Catalogue): Catalogue => ({
  ...rest,
  tables: tables.map((table) => ({
    ...table,
    ddl: { ...table.ddl, text: table.ddl.text.replace('ReplacingMergeTree', 'MergeTree') },
  })),
})

test('a table that keeps all rows by its file may have several of one key', async () => {
  const sql = `SELECT toUInt32(block_number) AS block_number, twice AS slots_cleared, toUInt32(1) AS slots_set
    FROM {source:Identifier}.canonical_execution_transaction ARRAY JOIN [toUInt32(1), toUInt32(2)] AS twice
    WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}`
  const workspace = await built([SLOTS], 10, { catalogue: plain(edited(catalogue, SLOTS, { sql })) })
  expect(await oddities(workspace)).toEqual([])
  await change(workspace, SLOTS, 'DELETE FROM $T WHERE block_number = 3 AND slots_cleared = 2')
  expect(await oddities(workspace)).toEqual([`${SLOTS} 1-10 different different=1`])
})

test('a row that a table holds twice is a difference', async () => {
  const workspace = await built([SLOTS], 10, { catalogue: plain(catalogue) })
  await change(
    workspace,
    SLOTS,
    'INSERT INTO $T (block_number, slots_cleared, slots_set) SELECT block_number, slots_cleared, slots_set FROM $T WHERE block_number = 3',
  )
  expect(await oddities(workspace)).toEqual([`${SLOTS} 1-10 different different=1`])
})
