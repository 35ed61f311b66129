import * as fc from 'fast-check'
import { XATU_COLUMNS } from '../../src/model/model.ts'
import { expect, test } from 'vitest'
import { openSource } from '../../src/sources/source.ts'
import type { Range } from '../../src/model/blocks.ts'
import type { Server } from '../../src/clickhouse/server.ts'
import { createSources, insertRows, useServer } from '../support/clickhouse.ts'

const TRANSACTION = 'canonical_execution_transaction'
const NONCE_DIFFS = 'canonical_execution_nonce_diffs'
const TRACES = 'canonical_execution_traces'
const BALANCE_DIFFS = 'canonical_execution_balance_diffs'
const TRACES_ARE_WEAK = [TRACES]

let server: Server

useServer((_, connected) => void (server = connected))

type RowOptions = {
  readonly network?: string
  readonly perBlock?: number
  /** Unix seconds of `updated_date_time`. */
  readonly updated?: number
}

/** Empty source tables of their own, a way to fill them, and the port under test for the network `mainnet`. */
async function openChain() {
  const own = await createSources(server)
  const { database } = own.connection
  const insert = (
    table: string,
    blocks: readonly number[],
    { network = 'mainnet', perBlock = 1, updated = 1_000 }: RowOptions = {},
  ) =>
    insertRows(
      own,
      `${database}.${table}`,
      blocks.flatMap((block) =>
        Array.from({ length: perBlock }, (_, index) => ({
          meta_network_name: network,
          block_number: block,
          transaction_index: index,
          transaction_hash: `0x${String(block * 1000 + index).padStart(64, '0')}`,
          updated_date_time: updated,
        })),
      ),
    )
  const merge = (table: string) =>
    own.client.command({
      query: 'OPTIMIZE TABLE {database:Identifier}.{table:Identifier} FINAL',
      query_params: { database, table },
    })
  const drop = (table: string) =>
    own.client.command({
      query: 'DROP TABLE {database:Identifier}.{table:Identifier}',
      query_params: { database, table },
    })
  return {
    insert,
    merge,
    drop,
    source: openSource({ server: own, network: 'mainnet', columnsOf: () => XATU_COLUMNS }),
  }
}

const everything = { from: 0, to: Number.MAX_SAFE_INTEGER }

test('extents are the network’s own lowest and highest blocks; a source without rows of it has none', async () => {
  const { source, insert } = await openChain()
  await insert(TRANSACTION, [500, 7, 20_000_000])
  await insert(TRANSACTION, [1, 30_000_000], { network: 'sepolia' })
  await insert(NONCE_DIFFS, [5], { network: 'sepolia' })
  await insert(TRACES, [0])
  expect(await source.extents([TRANSACTION, NONCE_DIFFS, TRACES, BALANCE_DIFFS])).toEqual(
    new Map([
      [TRANSACTION, { from: 7, to: 20_000_000 }],
      [TRACES, { from: 0, to: 0 }],
    ]),
  )
})

test('a source table that is missing is named', async () => {
  const { source, drop } = await openChain()
  await drop(TRACES)
  await expect(source.extents([TRANSACTION, TRACES, NONCE_DIFFS])).rejects.toThrow(
    /^the source table \w+\.canonical_execution_traces cannot be read: /,
  )
})

test('where the database is another, the hint names the one that has the tables', async () => {
  await openChain()
  const elsewhere = { ...server, connection: { ...server.connection, database: 'nowhere' } }
  const source = openSource({ server: elsewhere, network: 'mainnet', columnsOf: () => XATU_COLUMNS })
  const names = 'Tables of these names are in '
  await expect(source.extents([TRANSACTION, TRACES])).rejects.toMatchObject({
    message: expect.stringContaining('nowhere'),
    hint: expect.stringMatching(new RegExp(`^${names}\\w+.*: set SOURCE_CLICKHOUSE_DATABASE to it$`)),
  })
})

test('buckets tell what is in them, are aligned at 0, and are absent where there is nothing', async () => {
  const { source, insert } = await openChain()
  await insert(TRANSACTION, [0, 999, 1000, 5002, 5900], { perBlock: 3 })
  await insert(TRANSACTION, [2500], { network: 'sepolia' })
  await insert(TRACES, [7])
  const buckets = await source.buckets([TRANSACTION, TRACES, NONCE_DIFFS], { from: 0, to: 9999 }, 1000)
  const hash: unknown = expect.stringMatching(/^\d+$/)
  const newest: unknown = expect.any(Number)
  expect(buckets.get(TRANSACTION)).toMatchObject([
    { first: 0, last: 999, rows: 6, blocks: 2, newest, hash },
    { first: 1000, last: 1000, rows: 3, blocks: 1, newest, hash },
    { first: 5002, last: 5900, rows: 6, blocks: 2, newest, hash },
  ])
  expect(buckets.get(TRACES)).toMatchObject([{ first: 7, last: 7, rows: 1, blocks: 1 }])
  expect(buckets.has(NONCE_DIFFS)).toBe(false)
})

test('buckets see both ends of the range and nothing beyond', async () => {
  const { source, insert } = await openChain()
  await insert(TRANSACTION, [9, 10, 20, 21])
  const buckets = async (range: Range) =>
    (await source.buckets([TRANSACTION], range, 1000)).get(TRANSACTION) ?? []
  expect(await buckets({ from: 10, to: 20 })).toMatchObject([{ first: 10, last: 20, blocks: 2 }])
  expect(await buckets({ from: 11, to: 19 })).toEqual([])
})

test('hashes are equal if and only if the blocks are, whatever the rows, their order and their copies', async () => {
  const { source, insert, merge } = await openChain()
  await insert(TRANSACTION, [3, 4, 1005])
  await insert(NONCE_DIFFS, [1005, 4, 3], { perBlock: 5 })
  await insert(NONCE_DIFFS, [3, 4], { updated: 2_000 })
  await insert(TRACES, [3, 5, 1005])
  const hashes = async (table: string) =>
    (await source.buckets([table], everything, 1000)).get(table)?.map(({ hash }) => hash)
  const [transaction, nonces, traces] = await Promise.all([TRANSACTION, NONCE_DIFFS, TRACES].map(hashes))
  expect(nonces).toEqual(transaction)
  expect(traces![0]).not.toBe(transaction![0])
  expect(traces![1]).toBe(transaction![1])

  await merge(NONCE_DIFFS)
  expect(await hashes(NONCE_DIFFS)).toEqual(nonces)
})

test('whatever the blocks, the sources have the same hashes where they have the same blocks', async () => {
  const someBlocks = fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 25 })
  await fc.assert(
    fc.asyncProperty(someBlocks, fc.array(fc.nat(40), { maxLength: 2 }), async (blocks, missing) => {
      const { source, insert } = await openChain()
      await insert(TRANSACTION, blocks)
      const fewer = blocks.filter((block) => !missing.includes(block))
      if (fewer.length > 0) await insert(NONCE_DIFFS, fewer)
      const buckets = await source.buckets([TRANSACTION, NONCE_DIFFS], everything, 10)
      for (const { first, hash } of buckets.get(TRANSACTION)!) {
        const start = Math.floor(first / 10) * 10
        const within = (block: number) => Math.floor(block / 10) * 10 === start
        const other = buckets.get(NONCE_DIFFS)?.find((bucket) => within(bucket.first))
        expect(other?.hash === hash).toBe(!blocks.some((block) => within(block) && missing.includes(block)))
      }
    }),
    { numRuns: 8 },
  )
})

test('a block that one transaction source has and another lacks disagrees, whichever of them has it', async () => {
  const { source, insert } = await openChain()
  await insert(TRANSACTION, [1, 2, 3, 5])
  await insert(NONCE_DIFFS, [1, 2, 4, 5], { perBlock: 2 })
  await insert(NONCE_DIFFS, [1, 2], { updated: 2_000 })
  await insert(NONCE_DIFFS, [3], { network: 'sepolia' })
  expect(await source.disagreeing([TRANSACTION, NONCE_DIFFS], [], [{ from: 0, to: 9 }])).toEqual([3, 4])
})

test('a block that only traces has proves nothing; traces and one more prove it', async () => {
  const { source, insert } = await openChain()
  await insert(TRANSACTION, [1, 2])
  await insert(NONCE_DIFFS, [1, 2, 8])
  await insert(TRACES, [2, 7, 8])
  const all = [TRANSACTION, NONCE_DIFFS, TRACES]
  // 1 lacks traces, 8 lacks its transaction; 7 is an empty block with a reward.
  expect(await source.disagreeing(all, TRACES_ARE_WEAK, [{ from: 0, to: 9 }])).toEqual([1, 8])
  expect(await source.disagreeing([TRANSACTION, TRACES], TRACES_ARE_WEAK, [{ from: 0, to: 9 }])).toEqual([1])
})

test('only the given ranges are compared, and a single source never disagrees', async () => {
  const { source, insert } = await openChain()
  await insert(TRANSACTION, [1, 2, 3, 50, 70])
  await insert(NONCE_DIFFS, [60])
  const ranges = [
    { from: 2, to: 3 },
    { from: 55, to: 70 },
  ]
  expect(await source.disagreeing([TRANSACTION, NONCE_DIFFS], [], ranges)).toEqual([2, 3, 60, 70])
  expect(await source.disagreeing([TRANSACTION, NONCE_DIFFS], [], [])).toEqual([])
  expect(await source.disagreeing([TRANSACTION], [], ranges)).toEqual([])
})

test('more ranges than a parameter can hold are compared all the same', async () => {
  const { source, insert } = await openChain()
  await insert(TRANSACTION, [20_000_001, 20_039_999])
  const ranges = Array.from({ length: 20_000 }, (_, index) => ({
    from: 20_000_001 + 2 * index,
    to: 20_000_001 + 2 * index,
  }))
  expect(await source.disagreeing([TRANSACTION, NONCE_DIFFS], [], ranges)).toEqual([20_000_001, 20_039_999])
})

test('a fingerprint names blocks and newest row of every source, whatever order they are named in', async () => {
  const { source, insert } = await openChain()
  await insert(TRANSACTION, [1, 2, 3, 11], { perBlock: 4, updated: 5_000 })
  await insert(TRANSACTION, [2], { updated: 7_000 })
  await insert(TRANSACTION, [4], { network: 'sepolia', updated: 9_000 })
  const range = { from: 1, to: 10 }
  const facts = new Map([
    [NONCE_DIFFS, { blocks: 0, newest: 0 }],
    [TRANSACTION, { blocks: 3, newest: 7_000 }],
  ])
  expect(await source.fingerprint([TRANSACTION, NONCE_DIFFS], range)).toEqual(facts)
  expect(await source.fingerprint([NONCE_DIFFS, TRANSACTION], range)).toEqual(facts)
  expect(await source.fingerprint([], range)).toEqual(new Map())
})

test('a fingerprint survives merges, and changes when a row is re-written or a block arrives', async () => {
  const { source, insert, merge } = await openChain()
  const range = { from: 0, to: 10 }
  const read = () => source.fingerprint([TRANSACTION, TRACES], range)
  await insert(TRANSACTION, [1, 2, 3], { perBlock: 4 })
  await insert(TRANSACTION, [1, 2, 3], { perBlock: 4 })
  await insert(TRACES, [1, 2, 3])
  const first = await read()
  await merge(TRANSACTION)
  expect(await read()).toEqual(first)

  await insert(TRANSACTION, [2], { updated: 1_001 })
  const rewritten = await read()
  expect(rewritten).not.toEqual(first)
  await merge(TRANSACTION)
  expect(await read()).toEqual(rewritten)

  await insert(TRACES, [9])
  const arrived = await read()
  expect(arrived).not.toEqual(rewritten)

  await insert(TRACES, [11], { updated: 9_000 })
  await insert(TRACES, [5], { network: 'sepolia', updated: 9_000 })
  expect(await read()).toEqual(arrived)
})
