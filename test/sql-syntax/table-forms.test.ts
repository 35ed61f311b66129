// Owns the forms of a table's DDL: what a cluster has in its place, and what a temporary table is made of.
import { expect, test } from 'vitest'
import type { SqlText } from '../../src/model/model.ts'
import { ddlClauses } from '../../src/sql-syntax/ddl-clauses.ts'
import { ddlColumns } from '../../src/sql-syntax/create-table.ts'
import { normalForm, splitStatements } from '../../src/sql-syntax/statements.ts'
import { clusterForm, temporaryForm } from '../../src/sql-syntax/table-forms.ts'
import { catalogue } from '../support/clickhouse.ts'

const statement = (text: string): SqlText => splitStatements('d.sql', text)[0]!
const shard = { expression: 'cityHash64(address)', line: 1 }

/** Both statements of a shipped table for a cluster. */
function shipped(key: string): readonly string[] {
  return catalogue.tables.find((table) => table.key === key)!.clusterDdl.map(normalForm)
}

function expected(file: string): readonly string[] {
  return splitStatements('expected.sql', file).map(normalForm)
}

function keysOf(ddl: SqlText): string {
  const { engine, sortKey, partition } = ddlClauses(ddl)
  return [engine?.name, engine?.text, sortKey?.text, partition?.text].join('|')
}

test('a table that keeps the lowest version is Replicated by it on each shard, and Distributed by its address', () => {
  const first = `CREATE TABLE IF NOT EXISTS {target:Identifier}.int_address_first_access_local ON CLUSTER '{cluster}'
(
    address      String NOT NULL COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number UInt32 NOT NULL COMMENT 'Block of the first access' CODEC(ZSTD(1)),
    version      UInt32 NOT NULL DEFAULT 4294967295 - block_number COMMENT 'Falls as block_number rises, so that the row of the lowest block replaces the others' CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/{installation}/{cluster}/tables/{shard}/{database}/{table}', '{replica}', version)
PARTITION BY cityHash64(address) % 16
ORDER BY address
COMMENT 'First block in which a successful transaction read, changed or created the address';

CREATE TABLE IF NOT EXISTS {target:Identifier}.int_address_first_access ON CLUSTER '{cluster}'
(
    address      String NOT NULL COMMENT 'Address, lower case' CODEC(ZSTD(1)),
    block_number UInt32 NOT NULL COMMENT 'Block of the first access' CODEC(ZSTD(1)),
    version      UInt32 NOT NULL DEFAULT 4294967295 - block_number COMMENT 'Falls as block_number rises, so that the row of the lowest block replaces the others' CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = Distributed('{cluster}', {target:Identifier}, 'int_address_first_access_local', cityHash64(address))
COMMENT 'First block in which a successful transaction read, changed or created the address';`
  expect(shipped('address_first_access')).toEqual(expected(first))
})

test('a table without a version has only path and replica as arguments of its engine on a cluster', () => {
  const columns = `(
    block_number    UInt32 NOT NULL COMMENT 'Block of the changes' CODEC(ZSTD(1)),
    slots_cleared   UInt32 NOT NULL COMMENT 'Changes of a slot from non-zero to zero' CODEC(ZSTD(1)),
    slots_set       UInt32 NOT NULL COMMENT 'Changes of a slot from zero to non-zero' CODEC(ZSTD(1)),
    net_slots       Int32  NOT NULL DEFAULT slots_set - slots_cleared COMMENT 'Slots the state grew by; negative if it shrank' CODEC(ZSTD(1)),
    net_slots_bytes Int32  NOT NULL DEFAULT (slots_set - slots_cleared) * 64 COMMENT 'The same in bytes: a slot is a key and a value of 32 bytes each' CODEC(ZSTD(1))
)`
  const both = `CREATE TABLE IF NOT EXISTS {target:Identifier}.int_block_slots_stat_local ON CLUSTER '{cluster}'
${columns}
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/{installation}/{cluster}/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY intDiv(block_number, 5000000)
ORDER BY block_number
COMMENT 'Storage slots set and cleared, per block';
CREATE TABLE IF NOT EXISTS {target:Identifier}.int_block_slots_stat ON CLUSTER '{cluster}'
${columns}
ENGINE = Distributed('{cluster}', {target:Identifier}, 'int_block_slots_stat_local', block_number)
COMMENT 'Storage slots set and cleared, per block'`
  expect(shipped('block_slots_stat')).toEqual(expected(both))
})

test('every shipped table has the same columns and keys on a cluster as on one server', () => {
  for (const { key, target, ddl, clusterDdl } of catalogue.tables) {
    const [local, distributed] = clusterDdl
    expect(ddlColumns(local!), key).toEqual(ddlColumns(ddl))
    expect(ddlColumns(distributed!), key).toEqual(ddlColumns(ddl))
    expect(keysOf(local!), key).toBe(keysOf(ddl))
    expect(normalForm(local!), key).toContain(`. ${target}_local ON CLUSTER '{cluster}' (`)
    expect(normalForm(distributed!), key).toContain(`. ${target} ON CLUSTER '{cluster}' (`)
  }
})

test('a Distributed table has nothing of what is stored: no indices, projections, keys, TTL, settings', () => {
  const [local, distributed] = clusterForm(
    statement(`CREATE TABLE {target:Identifier}.x -- why
      (address String TTL day + INTERVAL 1 DAY, ttl UInt8 SETTINGS (min_compress_block_size = 1),
       n Int8 DEFAULT a.1 - -1 COMMENT 'a, b' CODEC(ZSTD(1)) STATISTICS(tdigest), INDEX i n TYPE minmax,
       PROJECTION p (SELECT n ORDER BY n), CONSTRAINT c CHECK n > 0, PRIMARY KEY (address))
      ENGINE SummingMergeTree() ORDER BY address TTL day + INTERVAL 1 DAY SETTINGS index_granularity = 1 COMMENT 'it''s'`),
    shard,
  )
  expect(distributed?.text).toBe(`CREATE TABLE IF NOT EXISTS {target:Identifier}.x ON CLUSTER '{cluster}'
(
    address String,
    ttl UInt8,
    n Int8 DEFAULT a . 1 - - 1 COMMENT 'a, b' CODEC ( ZSTD ( 1 ) )
)
ENGINE = Distributed('{cluster}', {target:Identifier}, 'x_local', cityHash64(address))
COMMENT 'it''s'`)
  expect(local?.text).toContain(
    "ENGINE = ReplicatedSummingMergeTree('/clickhouse/{installation}/{cluster}/tables/{shard}/{database}/{table}', '{replica}')\nORDER BY address\nTTL",
  )
})

test.for(['ENGINE = Log', 'ENGINE = Memory', ''])('%s has no form for a cluster', (engine) => {
  const ddl = statement(`CREATE TABLE {target:Identifier}.x (a Int8)\n${engine}`)
  expect(() => clusterForm(ddl, shard)).toThrow(/^d\.sql:[12]: a table with .* has no Replicated form/)
})

test.for(['rand()', 'block_number', '1'])(
  'sharded by %s, rows of one key would lie on several shards',
  (by) => {
    const ddl = statement('CREATE TABLE x (block_number UInt32, a Int8) ENGINE = MergeTree ORDER BY a')
    expect(() => clusterForm(ddl, { expression: by, line: 7 })).toThrow(/^d\.sql:7: rows of one key may lie/)
  },
)

test('a temporary table has no database, no cluster and no replicas, and its lines are those of the file', () => {
  const ddl = statement(`CREATE TABLE IF NOT EXISTS
  {target:Identifier}.x ON CLUSTER '{cluster}'
(a Int8) -- why
ENGINE = ReplicatedReplacingMergeTree('/p', '{replica}', a) ORDER BY a`)
  const lines = temporaryForm(ddl)?.split('\n')
  expect(lines?.map((line) => line.replaceAll(/\s+/g, ' ').trim())).toEqual([
    'CREATE TEMPORARY TABLE',
    'x',
    '(a Int8) -- why',
    'ENGINE = ReplacingMergeTree( a) ORDER BY a',
  ])
  expect(temporaryForm(statement('CREATE TABLE `a b` (n Int8)'))).toBe(
    'CREATE TEMPORARY TABLE `a b` (n Int8)',
  )
})

test.for([
  'Log',
  "URL('http://stranger', CSV)",
  "MySQL('h:1', 'd', 't', 'u', 'p')",
  "Distributed('c', 'd', 't')",
])('no temporary table is made with the engine %s, which might reach out of the server', (engine) => {
  expect(temporaryForm(statement(`CREATE TABLE x (n Int8) ENGINE = ${engine}`))).toBeUndefined()
})

test('a temporary table reads nothing: EMPTY AS SELECT is left out', () => {
  const ddl =
    "CREATE TABLE x (n Int8) ENGINE = MergeTree ORDER BY n EMPTY AS SELECT n FROM url('http://stranger')"
  expect(temporaryForm(statement(ddl))?.trim()).toBe(
    'CREATE TEMPORARY TABLE x (n Int8) ENGINE = MergeTree ORDER BY n',
  )
})
