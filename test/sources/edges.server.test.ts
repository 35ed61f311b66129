// Owns the promises about the ends of sources, and about rows far away from all others.
import { XATU_COLUMNS } from '../../src/model/model.ts'
import { expect, test } from 'vitest'
import type { Server } from '../../src/clickhouse/server.ts'
import { openSource } from '../../src/sources/source.ts'
import { createSources, insertRows, useServer } from '../support/clickhouse.ts'

const TRANSACTION = 'canonical_execution_transaction'
const TRACES = 'canonical_execution_traces'

let server: Server

useServer((_, connected) => void (server = connected))

/** A chain with rows of these blocks, by source. */
async function chainOf(blocks: Readonly<Record<string, readonly (number | string)[]>>) {
  const own = await createSources(server)
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
    new Map([[TRANSACTION, { from: 5, to: 9, stray: true }]]),
  )
})
