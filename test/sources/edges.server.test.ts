// Owns the promises about the ends of sources, and about rows far away from all others.
import { XATU_COLUMNS } from '../../src/model/model.ts'
import { expect, test } from 'vitest'
import type { Server } from '../../src/clickhouse/server.ts'
import { openSource, MAX_BLOCK } from '../../src/sources/source.ts'
import { createSources, insertRows, useServer } from '../support/clickhouse.ts'

const TRANSACTION = 'canonical_execution_transaction'
const TRACES = 'canonical_execution_traces'

let server: Server
/** The connection to the sources that `chainOf` has made last. */
let lastSources: Server

useServer((_, connected) => void (server = connected))

/** A chain with rows of these blocks, by source. */
async function chainOf(blocks: Readonly<Record<string, readonly (number | string)[]>>) {
  const own = await createSources(server)
  lastSources = own
  for (const [table, numbers] of Object.entries(blocks))
    await insertRows(
      own,
      `${own.connection.database}.${table}`,
      numbers.map((block_number) => ({
        meta_network_name: 'mainnet',
        block_number,
        updated_date_time: 1_000,
      })),
    )
  return openSource({ server: own, network: 'mainnet', columnsOf: () => XATU_COLUMNS })
}

test('the next row of each source in either direction is found', async () => {
  const source = await chainOf({ [TRANSACTION]: [5, 4_000_000_000], [TRACES]: [70] })
  const next = async (order: 'oldest' | 'newest', block: number) => {
    const rows = await source.nextRows([TRANSACTION, TRACES], block, order)
    return [rows.get(TRANSACTION), rows.get(TRACES)]
  }
  const upwards = [5, 6, 71, 4_000_000_001].map((block) => next('oldest', block))
  expect(await Promise.all(upwards)).toEqual([
    [5, 70],
    [4_000_000_000, 70],
    [4_000_000_000, undefined],
    [undefined, undefined],
  ])
  const downwards = [3_999_999_999, 69, 4].map((block) => next('newest', block))
  expect(await Promise.all(downwards)).toEqual([
    [5, 70],
    [5, undefined],
    [undefined, undefined],
  ])
  expect(await source.nextRows([], 5, 'oldest')).toEqual(new Map())
})

test('rows of blocks that no chain can have are left out, and their source is known', async () => {
  const stray = '18446744073709551615'
  const source = await chainOf({ [TRANSACTION]: [5, 9, stray], [TRACES]: [stray] })
  expect(await source.extents([TRANSACTION, TRACES])).toEqual(
    new Map([[TRANSACTION, { from: 5, to: 9, stray: MAX_BLOCK }]]),
  )
})

test('the ends of a source are those of the rows that are left, however rows were deleted', async () => {
  const source = await chainOf({ [TRANSACTION]: [5, 6, 7, 8, 9], [TRACES]: [1, 2, 3] })
  const { database } = lastSources.connection
  const ends = async () => Object.fromEntries(await source.extents([TRANSACTION, TRACES]))
  const say = (query: string) => lastSources.client.command({ query })
  expect(await ends()).toEqual({ [TRANSACTION]: { from: 5, to: 9 }, [TRACES]: { from: 1, to: 3 } })
  await say(`DELETE FROM ${database}.${TRANSACTION} WHERE block_number IN (5, 9)`)
  await say(`ALTER TABLE ${database}.${TRACES} DELETE WHERE block_number = 3 SETTINGS mutations_sync = 2`)
  expect(await ends()).toEqual({ [TRANSACTION]: { from: 6, to: 8 }, [TRACES]: { from: 1, to: 2 } })
  await say(`TRUNCATE TABLE ${database}.${TRACES}`)
  expect(await ends()).toEqual({ [TRANSACTION]: { from: 6, to: 8 } })
})

test('the ends of sources come in the order in which these were asked for', async () => {
  const source = await chainOf({ [TRANSACTION]: [5], [TRACES]: [1] })
  for (const names of [
    [TRANSACTION, TRACES],
    [TRACES, TRANSACTION],
  ])
    for (let round = 0; round < 10; round++) expect([...(await source.extents(names)).keys()]).toEqual(names)
})

test('the ends of a source partitioned by network and block are known without reading its rows', async () => {
  const source = await chainOf({})
  const { database } = lastSources.connection
  const fill = `INSERT INTO ${database}.${TRACES} (meta_network_name, block_number, updated_date_time)
    SELECT 'mainnet', number, 1000 FROM numbers(3000000)`
  await lastSources.client.command({ query: fill })
  expect([...(await source.extents([TRACES]))]).toEqual([[TRACES, { from: 0, to: 2_999_999 }]])
  await lastSources.client.command({ query: 'SYSTEM FLUSH LOGS query_log' })
  const [asked] = await lastSources.client.rows<{ rows: number }>({
    query: `SELECT toUInt32(read_rows) AS rows FROM system.query_log WHERE type = 'QueryFinish' AND has(databases, {database:String})
      AND query LIKE '%max_rows_to_read = 1000000%' AND query_kind = 'Select' ORDER BY event_time_microseconds DESC LIMIT 1`,
    query_params: { database },
  })
  expect(asked!.rows).toBeLessThan(100)
})

test('where the server would have to read the rows, the ends are those of the first and the last row', async () => {
  const source = await chainOf({})
  const { database } = lastSources.connection
  const say = (query: string) => lastSources.client.command({ query })
  await say(`DROP TABLE ${database}.${TRACES} SYNC`)
  await say(`CREATE TABLE ${database}.${TRACES} (meta_network_name String, block_number UInt64, updated_date_time DateTime)
    ENGINE = MergeTree ORDER BY (meta_network_name, block_number)`)
  await say(`INSERT INTO ${database}.${TRACES} SELECT 'mainnet', number, 1000 FROM numbers(3000000)`)
  expect([...(await source.extents([TRACES]))]).toEqual([[TRACES, { from: 0, to: 2_999_999 }]])
})
