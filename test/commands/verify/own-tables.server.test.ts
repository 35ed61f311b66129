// Owns the promises of `verify` for tables of a person's own: engines, TTL and kinds of columns that change or drop rows by themselves.
import { expect, test } from 'vitest'
import { readDigests } from '../../../src/commands/digest/command.ts'
import { verifyStored } from '../../../src/commands/verify/stored.ts'
import type { Catalogue } from '../../../src/model/model.ts'
import { edited } from '../../support/edited.ts'
import { useBuiltTables, oddities, verifyWorkspace } from '../../support/verifying.ts'
import type { TestWorkspace } from '../../support/workspace.ts'

const SLOTS = 'block_slots_stat'

let catalogue: Catalogue
const { built, change } = useBuiltTables(40, (place) => ({ catalogue } = place))

/** A table of SLOTS with these columns and clauses, filled by this SELECT from the blocks of the source. */
async function builtAs(
  columns: string,
  behind: string,
  select: string,
  number = 'UInt32',
): Promise<TestWorkspace> {
  const sql = `SELECT ${select} FROM (SELECT DISTINCT toUInt32(block_number) AS block_number
    FROM {source:Identifier}.canonical_execution_transaction
    WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64})`
  const text = `CREATE TABLE IF NOT EXISTS {target:Identifier}.int_${SLOTS} (block_number ${number}, ${columns}) ${behind}`
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

test('a row whose sums are all 0, which SummingMergeTree drops, is no difference; a row that is lost otherwise is one', async () => {
  const workspace = await builtAs(
    'n UInt64, m Nullable(Int32)',
    'ENGINE = SummingMergeTree ORDER BY block_number',
    'block_number, toUInt64(block_number % 2) AS n, if(block_number % 3 = 0, NULL, toInt32(block_number % 2)) AS m',
  )
  expect(await oddities(workspace, { chunk: 40 })).toEqual([])
  await change(workspace, SLOTS, 'DELETE FROM $T WHERE block_number = 5')
  expect(await oddities(workspace, { chunk: 40 })).toEqual([`${SLOTS} 1-40 different missing=1`])
})

test('several rows of a key in an engine that combines them are said not to be comparable; other values are a difference', async () => {
  const workspace = await builtAs(
    'n UInt64, s SimpleAggregateFunction(max, UInt64)',
    'ENGINE = AggregatingMergeTree ORDER BY (block_number, n)',
    'block_number, toUInt64(1) AS n, toUInt64(arrayJoin(if(block_number < 10, [1], [1, 2]))) AS s',
  )
  expect(await oddities(workspace, { chunk: 40 })).toEqual([`${SLOTS} 1-40 different dropped`])
  expect(await oddities(workspace, { chunk: 9, to: 9 })).toEqual([])
  await change(workspace, SLOTS, 'INSERT INTO $T (block_number, n, s) VALUES (3, 1, 7)')
  expect(await oddities(workspace, { chunk: 9, to: 9 })).toEqual([`${SLOTS} 1-9 different different=1`])
})

test('rows that cancel one another in a CollapsingMergeTree are said not to be comparable', async () => {
  const workspace = await builtAs(
    'n UInt64, sign Int8',
    'ENGINE = CollapsingMergeTree(sign) ORDER BY block_number',
    'block_number, toUInt64(1) AS n, toInt8(arrayJoin(if(block_number = 7, [1, -1], [1]))) AS sign',
  )
  expect(await oddities(workspace, { chunk: 40 })).toEqual([`${SLOTS} 1-40 different dropped missing=1`])
})

const stored = async (workspace: TestWorkspace) =>
  await verifyStored(workspace.workspace, workspace.connected, new AbortController().signal)

test('digest reads ranges of a Nullable block number', async () => {
  const workspace = await builtAs(
    'n UInt8',
    'ENGINE = ReplacingMergeTree ORDER BY block_number SETTINGS allow_nullable_key = 1',
    'block_number, toUInt8(1) AS n',
    'Nullable(UInt64)',
  )
  const [digest] = await readDigests(workspace, { from: 5, to: 30, every: 20 })
  expect(digest!.ranges).toMatchObject([
    { from: 5, to: 19, rows: 15 },
    { from: 20, to: 30, rows: 11 },
  ])
})

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
