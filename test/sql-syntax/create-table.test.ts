import { expect, test } from 'vitest'
import { assertNoUuid, createTable, ddlColumns } from '../../src/sql-syntax/create-table.ts'

const sql = (text: string) => ({ file: 'd.sql', text, line: 1 })

const DDL = `-- CREATE TABLE other (x Int8)
CREATE TABLE IF NOT EXISTS {target:Identifier}.int_a
(
    address      String NOT NULL COMMENT 'with, a comma and DEFAULT' CODEC(ZSTD(1)),
    \`odd name\`   Nullable(FixedString(66)) CODEC(DoubleDelta, ZSTD(1)),
    amount       Decimal(10,2) NULL,
    kind         Enum8('a'=1,'b, c'=-2) DEFAULT 'a',
    version      UInt32 DEFAULT 4294967295 - block_number COMMENT 'x',
    guessed      DEFAULT now(),
    lower_case   String materialized lower(address),
    other        String ALIAS address,
    passing      UInt64 EPHEMERAL 0,
    pairs        Array(Tuple(a UInt8, b Map(String, UInt64))) TTL day + INTERVAL 1 DAY,
    at           DateTime64(6, 'UTC'),
    \`index\`      UInt32,
    primary      FixedString(4),
    INDEX by_hash (address, kind) TYPE bloom_filter GRANULARITY 1,
    CONSTRAINT positive CHECK version > 0,
    PROJECTION sums (SELECT kind, sum(version) GROUP BY kind),
    PRIMARY KEY (address)
)
ENGINE = ReplacingMergeTree(version) PARTITION BY cityHash64(address) % 16 ORDER BY (address)`

test('columns are read with type and kind of default, and nothing else is taken for a column', () => {
  expect(ddlColumns(sql(DDL)).map(({ name, type, defaultKind }) => `${name}|${type}|${defaultKind}`)).toEqual(
    [
      'address|String|',
      'odd name|Nullable(FixedString(66))|',
      'amount|Nullable(Decimal(10, 2))|',
      "kind|Enum8('a' = 1, 'b, c' = -2)|DEFAULT",
      'version|UInt32|DEFAULT',
      'guessed||DEFAULT',
      'lower_case|String|MATERIALIZED',
      'other|String|ALIAS',
      'passing|UInt64|EPHEMERAL',
      'pairs|Array(Tuple(a UInt8, b Map(String, UInt64)))|',
      "at|DateTime64(6, 'UTC')|",
      'index|UInt32|',
      'primary|FixedString(4)|',
    ],
  )
})

test('a comma may follow the last column; Nested is a column of arrays for each of its own', () => {
  const ddl = 'CREATE TABLE t (a UInt8, tx Nested(idx UInt64, `24h` Nullable(String)), 24h_gas UInt8,)'
  expect(ddlColumns(sql(ddl)).map(({ name, type }) => `${name}|${type}`)).toEqual([
    'a|UInt8',
    'tx.idx|Array(UInt64)',
    'tx.24h|Array(Nullable(String))',
    '24h_gas|UInt8',
  ])
})

test.for([
  [DDL, 'int_a'],
  ['create table t (a Int8)', 't'],
  ['CREATE TABLE db.t (a Int8)', 't'],
  ['CREATE TABLE `d b`.`my``t` (a Int8)', 'my`t'],
  ['CREATE TABLE db.t ON CLUSTER main (a Int8)', 't'],
  ["CREATE TABLE IF NOT EXISTS db.t ON CLUSTER '{cluster}' (a Int8)", 't'],
  ["CREATE TABLE db.t UUID '6c8b' (a Int8)", 't'],
  ["CREATE TABLE db.t UUID '6c8b' ON CLUSTER c (a Int8)", 't'],
])('%j creates the table %s', ([text, table]) => {
  expect(createTable(sql(text!)).table).toBe(table)
})

test.for([
  ['DROP TABLE a', "d.sql:1: expected CREATE TABLE, found 'DROP'"],
  ['-- x\nCREATE VIEW a AS SELECT 1', "d.sql:2: expected CREATE TABLE, found 'CREATE VIEW'"],
  ['CREATE OR REPLACE TABLE a (b Int8)', 'd.sql:1: CREATE OR REPLACE would throw away'],
  [
    'CREATE TABLE a\nUUID 5\n(b Int8)',
    "d.sql:2: 'UUID' stands between the name of the table and its columns",
  ],
  ['CREATE TABLE a ON CLUSTR main (b Int8)', "'ON' stands between"],
  ['CREATE TABLE a ON CLUSTER main x (b Int8)', "'x' stands between"],
  ['CREATE TABLE a.b.c (b Int8)', "'.' stands between"],
  ['CREATE TABLE a create table if not exists a (b Int8)', "'create' stands between"],
  ['CREATE TABLE a AS b', 'CREATE TABLE without a list of columns'],
  ['CREATE TABLE a (b Int8', 'CREATE TABLE without a list of columns'],
  ["CREATE TABLE a (b Int8,\n'c' Int8)", "d.sql:2: expected a column, found ''c''"],
])('%j is refused: %s', ([text, message]) => {
  expect(() => ddlColumns(sql(text!))).toThrow(message)
})

test.for([
  ["CREATE TABLE a\nUUID '6c8b'\n(b Int8)", 'd.sql:2: the table has a fixed UUID'],
  ["CREATE TABLE d.a UUID '6c8b' ON CLUSTER c (b Int8)", 'd.sql:1: the table has a fixed UUID'],
])('%j is read where a server writes it, and refused in a file: %s', ([text, message]) => {
  const ddl = sql(text!)
  const created = createTable(ddl)
  expect(created.columns.map(({ name }) => name)).toEqual(['b'])
  expect(() => assertNoUuid(ddl, created)).toThrow(message)
})
