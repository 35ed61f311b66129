// Owns which upper bounds of a range leave out the rest of its last second.
import { expect, test } from 'vitest'
import { lintLastSecond } from '../../../src/commands/check/last-second.ts'
import type { Catalogue } from '../../../src/model/model.ts'

const text = 'CREATE TABLE IF NOT EXISTS {source:Identifier}.s (at DateTime64(3), slot DateTime, n UInt8)'
const source = {
  table: 's',
  ddl: { file: 's.sql', text, line: 1 },
  columns: { position: 'toUnixTimestamp(at)' },
}
const catalogue = { sources: [source], tables: [] } as unknown as Catalogue

const findings = (where: string) => [
  ...lintLastSecond(
    { file: 't.sql', text: `SELECT * FROM {source:Identifier}.s AS s WHERE ${where} GROUP BY n`, line: 1 },
    catalogue,
  ),
]

test.each([
  'at BETWEEN {from:DateTime} AND {to:DateTime}',
  'at BETWEEN fromUnixTimestamp({from:UInt64}) - INTERVAL 1 HOUR AND fromUnixTimestamp({to:UInt64}) AND n > 1 + 1',
  's.at >= {from:DateTime64(3)} AND s.at <= toDateTime64({to:UInt64}, 3)',
])('it is left out by %s', (where) => {
  expect(findings(where)).toHaveLength(1)
})

test.each([
  'at >= {from:DateTime} AND at < fromUnixTimestamp({to:UInt64} + 1)',
  'at BETWEEN {from:DateTime} AND addSeconds({to:DateTime}, 1)',
  'at <= {to:DateTime} + INTERVAL 999 MILLISECOND',
  'toUnixTimestamp(at) BETWEEN {from:UInt64} AND {to:UInt64}',
  'slot BETWEEN {from:DateTime} AND {to:DateTime}',
])('it is read by %s', (where) => {
  expect(findings(where)).toEqual([])
})

test.each([
  'slot < {to:DateTime} AND slot >= {from:DateTime}',
  't.slot < fromUnixTimestamp({to:UInt64})',
  'toUnixTimestamp(slot) < {to:UInt64}',
  'slot > toDateTime({from:UInt64}) AND slot <= {to:DateTime}',
  '{from:DateTime} <= slot AND {to:DateTime} > slot',
  '{from:DateTime} < t.slot AND slot <= {to:DateTime}',
  'slot::DateTime < {to:DateTime}',
  'slot BETWEEN {from:UInt32} AND {to:UInt32} - 1',
  'slot BETWEEN {from:UInt32} + 1 AND {to:UInt32}',
  'slot >= {from:DateTime} AND slot <= {to:DateTime} - INTERVAL 1 SECOND',
  'n IN (SELECT arrayJoin(range({from:UInt32}, {to:UInt32})))',
  'has(range(toUInt32({from:UInt64}), toUInt32({to:UInt64}), 1), n)',
  'n IN (SELECT number FROM numbers({from:UInt64}, {to:UInt64} - {from:UInt64}))',
  'n IN (SELECT {from:UInt64} + number FROM numbers({to:UInt64} - {from:UInt64}))',
  'n IN (SELECT n FROM s ORDER BY n WITH FILL FROM {from:UInt64} TO {to:UInt64} STEP 12)',
  'slot >= {from:DateTime} AND slot < CAST({to:UInt64} AS DateTime)',
  "slot >= {from:DateTime} AND toUnixTimestamp(slot) < accurateCast({to:UInt64}, 'UInt32')",
])('a position is lost by %s', (where) => {
  expect(left(where)).toEqual(['W083'])
})

test.each([
  'slot BETWEEN {from:DateTime} AND {to:DateTime}',
  'slot < fromUnixTimestamp({to:UInt64} + 1) AND slot > fromUnixTimestamp({from:UInt64} - 1)',
  'slot < toStartOfHour({to:DateTime}) + INTERVAL 1 HOUR AND slot >= toStartOfHour({from:DateTime})',
  'slot < {from:DateTime} AND n < {to:DateTime} AND s.n > {from:DateTime}',
  'slot >= {from:DateTime} AND NOT slot > {to:DateTime}',
  '{from:DateTime} <= slot AND {to:DateTime} >= slot',
  'slot BETWEEN {from:UInt32} - 1 AND {to:UInt32} - 1',
  'slot >= {from:UInt32} - 20 AND slot <= {to:UInt32} - 1 AND n < 5 - 1',
  'slot >= {from:UInt32} + 1 AND slot <= {to:UInt32} + 1',
  'slot BETWEEN {from:UInt32} AND {to:UInt32} AND n - 1 > 3',
  'n > {to:DateTime} AND 5 < slot AND fromUnixTimestamp({to:UInt64} + 1) > slot',
  'n IN (SELECT arrayJoin(range({from:UInt32}, {to:UInt32} + 1)))',
  'n IN range(0, 5) AND range < {to:UInt32}',
  'n IN (SELECT number FROM numbers({from:UInt64}, {to:UInt64} - {from:UInt64} + 1))',
  'n IN (SELECT number FROM numbers({from:UInt64}, 12))',
  'n IN (SELECT n FROM s ORDER BY n WITH FILL FROM {from:UInt64} TO {to:UInt64} + 1 STEP 12, m)',
  'slot < CAST({to:UInt64} + 1 AS DateTime)',
])('no position is lost by %s', (where) => {
  expect(left(where)).toEqual([])
})

test.each([
  ['WITH {to:UInt32} AS hi SELECT', 'slot < hi'],
  ['WITH toDateTime({to:UInt64}) AS hi, {from:DateTime} AS lo SELECT', 'slot >= lo AND slot < hi'],
  ['WITH {from:DateTime} AS lo SELECT', 'slot > lo AND slot <= {to:DateTime}'],
])('a position is lost by a bound that has a name: %s … %s', (begin, where) => {
  expect(left(where, [], begin)).toEqual(['W083'])
  expect(left('slot BETWEEN lo AND hi', [], begin)).toEqual([])
})

test('what a look-up is read up to is its own affair', () => {
  expect(left('slot < {to:DateTime}', ['s'])).toEqual([])
})

function left(where: string, lookups?: readonly string[], begin = 'SELECT') {
  const read = { file: 't.sql', text: `${begin} * FROM {source:Identifier}.s AS s WHERE ${where}`, line: 1 }
  const slots = { sources: [{ ...source, columns: { position: 'toUnixTimestamp(slot)' } }], tables: [] }
  return [...lintLastSecond(read, slots as unknown as Catalogue, lookups)].map(({ finding }) => finding?.rule)
}
