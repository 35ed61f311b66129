// Owns the promises of `verify`: what was built is found the same; what is stale, dirty or of another value each time.
import { expect, test } from 'vitest'
import { readDigests } from '../../../src/commands/digest/command.ts'
import { verifyStored } from '../../../src/commands/verify/stored.ts'
import type { Catalogue } from '../../../src/model/model.ts'
import { ledgerEvent } from '../../support/clickhouse.ts'
import { usingDencun, withDencun } from '../../support/changed-files.ts'
import { blocksWhere, edited } from '../../support/edited.ts'
import { post, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { useBuiltTables, oddities, verifyWorkspace } from '../../support/verifying.ts'
import type { TestWorkspace } from '../../support/workspace.ts'

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

/** A table of SLOTS with these columns and clauses, filled by this SELECT from the blocks of the source. */
async function builtAs(columns: string, behind: string, select: string): Promise<TestWorkspace> {
  const sql = `SELECT ${select} FROM (SELECT DISTINCT toUInt32(block_number) AS block_number
    FROM {source:Identifier}.canonical_execution_transaction
    WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64})`
  const text = `CREATE TABLE IF NOT EXISTS {target:Identifier}.int_${SLOTS} (block_number UInt32, ${columns}) ${behind}`
  const withSql = edited(catalogue, SLOTS, { sql })
  const tables = withSql.tables.map((table) =>
    table.key === SLOTS ? { ...table, ddl: { ...table.ddl, text } } : table,
  )
  const workspace = await built([SLOTS], 40, { catalogue: { ...withSql, tables } })
  await change(workspace, SLOTS, 'OPTIMIZE TABLE $T FINAL')
  return workspace
}

test('what the SQL itself makes anew each time, and what it computes from that, is not compared; arrayJoin is', async () => {
  const workspace = await builtAs(
    'salt UInt32, rest UInt8, n UInt8',
    'ENGINE = ReplacingMergeTree ORDER BY block_number',
    'block_number, rand() AS salt, salt % 7 AS rest, arrayJoin([7]) AS n',
  )
  expect(await oddities(workspace)).toEqual([])
  expect((await verifyWorkspace(workspace)).tables[0]).toMatchObject({
    columns: ['block_number', 'n'],
    notCompared: ['salt', 'rest'].map((name) => ({ name, why: 'nondeterministic' })),
  })
  await change(
    workspace,
    SLOTS,
    'ALTER TABLE $T UPDATE n = 8 WHERE block_number = 3 SETTINGS mutations_sync = 2',
  )
  expect(await oddities(workspace, { chunk: 40 })).toEqual([`${SLOTS} 1-40 different different=1`])
})

test('rows that the table drops by its TTL or as deleted are no difference; EPHEMERAL columns count by what is computed from them', async () => {
  const workspace = await builtAs(
    `x UInt64 EPHEMERAL, y UInt64 DEFAULT x * 2, z UInt64 EPHEMERAL 3, w UInt64 DEFAULT z, d DateTime, v UInt8,
      gone UInt8, faded String TTL d + INTERVAL 1 DAY`,
    `ENGINE = ReplacingMergeTree(v, gone) ORDER BY block_number TTL d + INTERVAL 1 DAY DELETE WHERE block_number > 20`,
    `block_number, toUInt64(7) AS x, toDateTime('2020-01-01') AS d, toUInt8(1) AS v, toUInt8(block_number % 3 = 0) AS gone, 'f' AS faded`,
  )
  expect(await oddities(workspace, { chunk: 40 })).toEqual([])
  expect((await verifyWorkspace(workspace)).tables[0]).toMatchObject({
    columns: ['block_number', 'd', 'v', 'gone', 'y', 'w'],
    notCompared: [{ name: 'faded', why: 'ttl' }],
  })
  // What is lost otherwise, or altered, is found all the same.
  await change(workspace, SLOTS, 'DELETE FROM $T WHERE block_number = 4')
  await change(
    workspace,
    SLOTS,
    "INSERT INTO $T (block_number, x, d, v, gone) VALUES (5, 8, '2020-01-01', 2, 0)",
  )
  expect(await oddities(workspace, { chunk: 40 })).toEqual([`${SLOTS} 1-40 different missing=1 different=1`])
})

test('a column of a type that the server calls suspicious, and that the table has all the same, is compared', async () => {
  const workspace = await builtAs(
    'n LowCardinality(UInt64)',
    'ENGINE = ReplacingMergeTree ORDER BY block_number SETTINGS allow_suspicious_low_cardinality_types = 1',
    'block_number, toUInt64(7) AS n',
  )
  expect(await oddities(workspace, { chunk: 40 })).toEqual([])
})

test('a TTL by a time that cannot be computed again explains that rows are missing', async () => {
  const workspace = await builtAs(
    'seen DateTime DEFAULT now() - 200000',
    'ENGINE = ReplacingMergeTree ORDER BY block_number TTL seen + INTERVAL 1 DAY',
    'block_number',
  )
  expect(await oddities(workspace, { chunk: 40 })).toEqual([`${SLOTS} 1-40 different dropped missing=40`])
})

const stored = async (workspace: TestWorkspace) =>
  await verifyStored(workspace.workspace, workspace.connected, new AbortController().signal)

test('a table with a TTL has no digest; rows that is_deleted drops count neither in the ledger nor in digest', async () => {
  const fading = await builtAs(
    'd DateTime',
    'ENGINE = ReplacingMergeTree ORDER BY block_number TTL d + INTERVAL 50 YEAR',
    "block_number, toDateTime('2020-01-01') AS d",
  )
  expect(await stored(fading)).toMatchObject([
    { comparedBlocks: 0, unknownBlocks: 40, rows: 40, differences: [] },
  ])
  const deleting = await builtAs(
    'v UInt8, gone UInt8',
    'ENGINE = ReplacingMergeTree(v, gone) ORDER BY block_number',
    'block_number, toUInt8(1) AS v, toUInt8(block_number % 3 = 0) AS gone',
  )
  expect(await stored(deleting)).toMatchObject([
    { comparedBlocks: 40, unknownBlocks: 0, rows: 27, differences: [] },
  ])
  const [sums] = await readDigests(deleting, { from: 1, to: 40, every: 100 })
  expect(sums!.ranges.map(({ rows }) => rows)).toEqual([27])
  await change(deleting, SLOTS, 'INSERT INTO $T VALUES (4, 2, 1)')
  expect(await stored(deleting)).toMatchObject([
    { differences: [{ kind: 'lost', recorded: 27, stored: 26 }] },
  ])
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
