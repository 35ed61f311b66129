// Owns the promise that sources are warned of whose rows of one key may be in several tables, on several shards, or not on all replicas.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tablesBehind } from '../../src/clickhouse/tables-behind.ts'
import { keptApart } from '../../src/sources/kept-apart.ts'
import { connect } from '../support/clickhouse.ts'
import { post, rowsOf, uniqueDatabase } from '../support/server.ts'
import { CLUSTER, everywhere, REPLICAS, type Shards, startShards } from '../support/shards.ts'
import { soundScene } from '../support/sound-scene.ts'

let shards: Shards
beforeAll(async () => {
  shards = await startShards()
})
afterAll(async () => {
  await Promise.all(shards?.map((one) => one.stop()) ?? [])
})

/** A source that is sharded by this, over an empty local table on each shard. */
async function shardedSource(key: string) {
  const { folder, run, databases } = await soundScene(shards[0])
  const [table, local] = ['canonical_execution_transaction', 'stored']
  const there = (name: string) => `${databases.source}.${name}`
  for (const { url, username, password } of shards) {
    const at = { url, username, password }
    await post(at, `CREATE DATABASE IF NOT EXISTS ${databases.source}`)
    const create = (await rowsOf<{ statement: string }>(shards[0], `SHOW CREATE TABLE ${there(table)}`))[0]!
    await post(at, create.statement.replace(there(table), there(local)))
  }
  await post(shards[0], `DROP TABLE ${there(table)}`)
  await post(
    shards[0],
    `CREATE TABLE ${there(table)} AS ${there(local)} ENGINE = Distributed(${CLUSTER}, ${databases.source}, ${local}${key})`,
  )
  return { folder, run, table, front: there(table), local: there(local) }
}

/** What `check` says of a source that is sharded by this; and `up`, as it has blocks to do. */
async function warned(key: string): Promise<string> {
  const { folder, run, table, local } = await shardedSource(key)
  const { stdout } = await run('check')
  await post(shards[0], `INSERT INTO ${local} (block_number, transaction_index) VALUES (1, 0)`)
  const { stderr } = await run('up', '--lag', '0')
  expect(/FINAL merges .*/.exec(stderr)?.[0]).toBe(/FINAL merges .*/.exec(stdout)?.[0])
  const file = join(folder, `source/${table}.sql`)
  writeFileSync(file, `--! view: safe\n${readFileSync(file, 'utf8')}`)
  expect((await run('check')).stdout).not.toContain('W082')
  return stdout
}

test('a source whose rows of a key may lie on several shards is warned of, unless its file says that it is safe', async () => {
  expect(await warned('')).toMatch(
    /W082 .* FINAL merges rows on each of 2 shards by itself: it has no sharding key/,
  )
  expect(await warned(', rand()')).toMatch(
    /W082 .* 2 shards by itself: rand\(\) sends a row to another shard/,
  )
  expect(await warned(', cityHash64(block_number, meta_network_name)')).not.toContain('W082')
})

const rows = (into: string, offset: number) =>
  `INSERT INTO ${into} (block_number, transaction_index, meta_network_name) SELECT number, 0, 'mainnet' FROM numbers(${offset}, 40)`

test('a source with rows on other shards than its sharding key says, as after a shard was added, is warned of', async () => {
  const { run, front, local } = await shardedSource(', cityHash64(block_number, meta_network_name)')
  await post(shards[0], `${rows(front, 1)} SETTINGS distributed_foreground_insert = 1`)
  expect((await run('check')).stdout).not.toContain('W082')
  await post(shards[0], rows(local, 41))
  const said = /W082 .* rows of it are on other shards than those on which its sharding key puts them/
  expect((await run('check')).stdout).toMatch(said)
  expect((await run('up', '--lag', '0')).stderr).toContain('rows of it are on other shards')
})

const raw = uniqueDatabase('raw')
const over = (cluster: string, table: string, key = ', n') =>
  `AS ${raw}.ev_2023_local ENGINE = Distributed('${cluster}', '${raw}', '${table}'${key})`
const merge = (pattern: string) => `AS ${raw}.ev_2023_local ENGINE = Merge('${raw}', '${pattern}')`

/** Each is read by a source; the rows of both years are the same. */
const TABLES: Readonly<Record<string, string>> = {
  ev_2023_local: '(n UInt64, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY n',
  ev_2024_local: '(n UInt64, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY n',
  ev_2023: over(CLUSTER, 'ev_2023_local'),
  ev_2024: over(CLUSTER, 'ev_2024_local'),
  one_merged: merge('^ev_2023$'),
  by_macro: over('{cluster}', 'ev_2023_local'),
  by_macro_and_chance: over('{cluster}', 'ev_2023_local', ', rand()'),
  years: merge('^ev_20[0-9]+$'),
  front_and_local: merge('^ev_2023'),
  again: over(CLUSTER, 'ev_2023'),
  local_years: merge('^ev_20.._local$'),
  over_local_years: over(CLUSTER, 'local_years'),
  merged_again: over(CLUSTER, 'one_merged'),
  // One shard needs no sharding key.
  copies: over(REPLICAS, 'ev_2023_local', ''),
}
const VIEWS: Readonly<Record<string, string>> = {
  seen_2023: 'ev_2023',
  seen_2024: 'ev_2024',
  seen_again: 'again',
}

test('a source with rows of a key in several tables is found wherever these stand, and no other', async () => {
  await everywhere(shards, `CREATE DATABASE ${raw}`)
  for (const [name, definition] of Object.entries(TABLES))
    await everywhere(shards, `CREATE TABLE ${raw}.${name} ${definition}`)
  for (const [view, table] of Object.entries(VIEWS))
    await everywhere(shards, `CREATE VIEW ${raw}.${view} AS SELECT * FROM ${raw}.${table} FINAL`)
  await everywhere(shards, `CREATE TABLE ${raw}.seen_years ${merge('^seen_20')}`)
  for (const table of ['ev_2023', 'ev_2024'])
    await post(
      shards[0],
      `INSERT INTO ${raw}.${table} SELECT number, 1 FROM numbers(100) SETTINGS distributed_foreground_insert = 1`,
    )
  // Behind the INSERTs, which it would repeat for ever.
  await post(
    shards[0],
    `CREATE MATERIALIZED VIEW ${raw}.fills_again TO ${raw}.again AS SELECT * FROM ${raw}.ev_2023_local`,
  )
  await post(shards[0], `CREATE VIEW ${raw}.odd_local AS SELECT * FROM ${raw}.ev_2023_local FINAL`)
  await post(shards[1], `CREATE VIEW ${raw}.odd_local AS SELECT * FROM ${raw}.ev_2024_local FINAL`)
  await post(shards[0], `CREATE TABLE ${raw}.odd ${over(CLUSTER, 'odd_local')}`)
  const server = await connect(shards[0])
  const reader = { ...server, connection: { ...server.connection, database: raw } }
  const sources = [...Object.keys(TABLES), ...Object.keys(VIEWS), 'seen_years', 'fills_again', 'odd']
  const problems = await keptApart(reader, await tablesBehind(reader, sources))
  await server.close()
  const found = Object.fromEntries(
    problems.map(({ source, sentence }) => [source, sentence.split(', and ')[1]!.split(':')[0]]),
  )
  expect(problems).toHaveLength(Object.keys(found).length)
  expect(found).toEqual({
    by_macro_and_chance: 'FINAL merges rows on each of 2 shards by itself',
    years: 'FINAL merges rows inside of ev_2023, ev_2024, not across them',
    front_and_local: 'FINAL merges rows inside of ev_2023, ev_2023_local, not across them',
    again: 'each of its 2 shards reads all of ev_2023, which is Distributed, too',
    local_years: 'FINAL merges rows inside of ev_2023_local, ev_2024_local, not across them',
    over_local_years: 'FINAL merges rows inside of ev_2023_local, ev_2024_local, not across them',
    merged_again: 'each of its 2 shards reads all of ev_2023, which is Distributed, too',
    copies: 'ev_2023_local is not Replicated, on shards with several replicas',
    seen_again: 'each of its 2 shards reads all of ev_2023, which is Distributed, too',
    fills_again: 'each of its 2 shards reads all of ev_2023, which is Distributed, too',
    odd: `it is not the same on all nodes of the cluster '${CLUSTER}'`,
    seen_years: 'FINAL merges rows inside of seen_2023, seen_2024, not across them',
  })
  const counted = async (table: string) => {
    const [row] = await rowsOf<{ n: number }>(
      shards[0],
      `SELECT toUInt32(count()) AS n FROM ${raw}.${table} FINAL`,
    )
    return row!.n
  }
  for (const table of ['ev_2023', 'one_merged', 'seen_2023'])
    expect([table, await counted(table)]).toEqual([table, 100])
  for (const table of ['years', 'again', 'over_local_years', 'merged_again', 'seen_again', 'seen_years'])
    expect([table, await counted(table)], 'ClickHouse counts the rows twice').toEqual([table, 200])
  expect(await counted('front_and_local')).toBeGreaterThan(100)
  expect(await counted('copies'), 'the rows of one replica').toBeLessThan(100)
})

test('a source that leaves out a shard that is down is refused, wherever the setting stands', async () => {
  const { run, front, local } = await shardedSource(', block_number')
  const [database, table] = local.split('.')
  await post(shards[0], `RENAME TABLE ${front} TO ${database}.spread`)
  const skipping = `Distributed(${CLUSTER}, ${database}, ${table}, block_number) SETTINGS skip_unavailable_shards = 1`
  await post(shards[0], `CREATE TABLE ${database}.skips AS ${local} ENGINE = ${skipping}`)
  await post(shards[0], `CREATE VIEW ${front} AS SELECT * FROM ${database}.skips FINAL`)
  const said = `reads ${database}.skips, a Distributed table with SETTINGS skip_unavailable_shards = 1`
  expect((await run('check')).stdout).toContain(said)
  expect(await run('up', '--lag', '0')).toMatchObject({ code: 2, stderr: expect.stringContaining(said) })
  await post(shards[0], `DROP TABLE ${database}.skips`)
  const quoted = skipping.replace('= 1', "= '1'")
  await post(shards[0], `CREATE TABLE ${database}.skips AS ${local} ENGINE = ${quoted}`)
  expect((await run('check')).stdout).toContain(said)
  await post(
    shards[0],
    `CREATE OR REPLACE VIEW ${front} AS SELECT * FROM ${database}.spread FINAL SETTINGS max_rows_to_read = 50, read_overflow_mode = 'break'`,
  )
  expect((await run('check')).stdout).toContain('a view with the setting read_overflow_mode')
})

test('a Distributed source that cuts off values of the tables behind it is warned of, with the statement that mends it', async () => {
  const { run, local } = await shardedSource(', block_number')
  for (const { url, username, password } of shards)
    await post({ url, username, password }, `ALTER TABLE ${local} MODIFY COLUMN gas_used Nullable(UInt64)`)
  const { stdout } = await run('check')
  expect(stdout).toMatch(/W082 .* its column gas_used is UInt64, and stored, .* as Nullable\(UInt64\)/)
  const [, typed] = /type (ALTER TABLE .*?) on each node/.exec(stdout) ?? []
  await post(shards[0], typed!)
  expect((await run('check')).stdout).not.toContain('W082')
  for (const { url, username, password } of shards)
    await post({ url, username, password }, `ALTER TABLE ${local} MODIFY COLUMN gas_used Nullable(UInt32)`)
  expect((await run('check')).stdout).not.toContain('W082')
})
