// Owns the promises of `verify`: what was built is found the same; what is stale, dirty or of another value each time.
import { expect, test } from 'vitest'
import type { Catalogue } from '../../../src/model/model.ts'
import { ledgerEvent } from '../../support/clickhouse.ts'
import { usingDencun, withDencun } from '../../support/changed-files.ts'
import { blocksWhere, edited } from '../../support/edited.ts'
import { post, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { useBuiltTables, oddities, verifyWorkspace } from '../../support/verifying.ts'

const SLOTS = 'block_slots_stat'
const LATEST = 'address_last_access'
const BLOCKS = 40

let server: TestServer
let catalogue: Catalogue
const { open, built, change } = useBuiltTables(BLOCKS, (place) => ({ server, catalogue } = place))

test('all tables are the same as they were built, defaults included', async () => {
  const workspace = await built([], BLOCKS)
  const report = await verifyWorkspace(workspace, { chunk: BLOCKS })
  const tables = report.tables.map(({ table, chunks, ranges, notCompared, columns }) => ({
    table,
    odd: ranges.filter(({ outcome, why }) => outcome !== 'same' || why !== undefined).length,
    looked: `${ranges.length} of ${chunks}`,
    rows: ranges.some(({ recomputed }) => recomputed.rows > 0),
    notCompared,
    computed: columns.filter((name) => name === 'version' || name.startsWith('net_')),
  }))
  // Mainnet's Dencun is far above this chain.
  for (const table of tables.filter((one) => one.table !== 'post_6780_accounts_destructs'))
    expect(table).toMatchObject({ odd: 0, looked: '1 of 1', rows: true, notCompared: [] })
  expect(tables.filter(({ computed }) => computed.length > 0).length).toBe(4)

  await change(workspace, LATEST, "INSERT INTO $T VALUES ('0xforeign', 15, false)")
  const latest = await open([LATEST], workspace)
  expect(await oddities(latest)).toEqual([`${LATEST} 11-20 different unexpected=1`])
})

test('computed with the SQL and forks that built it, a range is as it was although file and fork are others now; damage is told apart', async () => {
  const files = (sql: string, dencun: number) =>
    withDencun(usingDencun(edited(catalogue, SLOTS, { sql }), SLOTS), dencun)
  const old = blocksWhere('block_number >= {dencun:UInt64}')
  const first = await built([SLOTS], 10, { catalogue: files(old, 15) })
  const now = await open([SLOTS], {
    ...first,
    catalogue: files(blocksWhere('block_number >= {dencun:UInt64} AND block_number % 2 = 0'), 20),
  })
  expect(await oddities(now)).toEqual(
    [
      `${SLOTS} 11-20 different sql unexpected=5`,
      `${SLOTS} 21-30 different sql unexpected=5`,
      `${SLOTS} 31-40 different sql unexpected=5`,
      `${SLOTS} 1-10 same sql`,
    ].toSorted(),
  )
  expect(await oddities(now, { asBuilt: true })).toEqual([])
  await change(now, SLOTS, 'DELETE FROM $T WHERE block_number = 23')
  expect(await oddities(now, { asBuilt: true })).toEqual([`${SLOTS} 21-30 different missing=1`])
})

test('what is stale differs for a known reason; what the ledger does not call done is not looked at', async () => {
  const own = uniqueDatabase('source')
  await createSourceTables(server, catalogue, own)
  await addBlocks(server, own, { from: 1, to: BLOCKS })
  const workspace = await built([SLOTS], 10, { source: own })
  // Its rows have other values than those of the file: set is the number of transactions, which is the same here.
  const same = edited(catalogue, SLOTS, { sql: blocksWhere('true') })
  const fewer = edited(catalogue, SLOTS, { sql: blocksWhere('block_number != 5') })
  expect(await oddities(await open([SLOTS], { ...workspace, catalogue: same }))).toEqual(
    ['1-10', '11-20', '21-30', '31-40'].map((range) => `${SLOTS} ${range} same sql`),
  )
  expect((await oddities(await open([SLOTS], { ...workspace, catalogue: fewer })))[0]).toBe(
    `${SLOTS} 1-10 different sql unexpected=1`,
  )

  await post(
    server,
    `INSERT INTO {own:Identifier}.canonical_execution_transaction
    SELECT * REPLACE (now() AS updated_date_time, false AS success)
    FROM {own:Identifier}.canonical_execution_transaction WHERE block_number = 15`,
    { own },
  )
  await post(
    server,
    'DELETE FROM {own:Identifier}.canonical_execution_storage_diffs WHERE block_number = 25',
    { own },
  )
  const { ports } = workspace.workspace
  const { uuid } = (await ports.target.tables([`int_${SLOTS}`])).get(`int_${SLOTS}`)!
  const lock = await ports.locks.acquire(SLOTS, () => {})
  const dirty = { from: 38, to: 40 }
  await ports.ledger.append(lock, ledgerEvent({ event: 'started', targetUuid: uuid, range: dirty }))
  await lock.release()
  expect(await oddities(workspace)).toEqual([
    `${SLOTS} 11-20 different sources unexpected=1`,
    `${SLOTS} 25-25 different gone unexpected=1`,
  ])
  const [table] = (await verifyWorkspace(workspace)).tables
  expect(table).toMatchObject({ dirty: [dirty] })
  expect(table!.ranges.at(-1)).toMatchObject({ from: 31, to: 37 })
})

test('NULL is no empty text; a default that has another value each time, and what is computed from it, is not compared, and said to be so', async () => {
  const workspace = await built([SLOTS], 40)
  await change(
    workspace,
    SLOTS,
    `ALTER TABLE $T ADD COLUMN remark Nullable(String), ADD COLUMN seen DateTime DEFAULT now(),
      ADD COLUMN day Date DEFAULT toDate(utc), ADD COLUMN utc DateTime DEFAULT UTCTimestamp(),
      ADD COLUMN twice UInt64 DEFAULT multiply(block_number, 2), ADD COLUMN text String DEFAULT 'now()'`,
  )
  const withRemark = async (remark: string) => {
    const sql = `SELECT toUInt32(block_number) AS block_number, toUInt32(0) AS slots_cleared, toUInt32(1) AS slots_set,
        CAST(${remark} AS Nullable(String)) AS remark
      FROM {source:Identifier}.canonical_execution_transaction
      WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}`
    return await open([SLOTS], { ...workspace, catalogue: edited(catalogue, SLOTS, { sql }) })
  }
  expect(await oddities(await withRemark('NULL'), { chunk: 40 })).toEqual([`${SLOTS} 1-40 same sql`])
  const empty = await withRemark("''")
  expect(await oddities(empty, { chunk: 40 })).toEqual([`${SLOTS} 1-40 different sql different=40`])
  expect((await verifyWorkspace(empty, { to: 1 })).tables[0]).toMatchObject({
    columns: expect.arrayContaining(['twice', 'text']),
    notCompared: ['seen', 'utc', 'day'].map((name) => ({ name, why: 'nondeterministic' })),
  })
})

test('a sample is the same for the same seed, and of chunks anywhere', async () => {
  const workspace = await built([SLOTS], 40)
  const sampled = async (seed: number) => {
    const { tables } = await verifyWorkspace(workspace, { chunk: 2, sample: 5, seed })
    expect(tables[0]!.chunks).toBe(20)
    return tables[0]!.ranges.map(({ from }) => from)
  }
  const first = await sampled(7)
  expect(first.length).toBe(5)
  expect(await sampled(7)).toEqual(first)
  expect(await sampled(8)).not.toEqual(first)
})
