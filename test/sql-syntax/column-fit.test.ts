import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { columnMisfits, columnProblems, fits } from '../../src/sql-syntax/column-fit.ts'

test.for([
  ['UInt32', 'UInt64'],
  ['UInt32', 'Int64'],
  ['Int8', 'Int256'],
  ['UInt16', 'Float32'],
  ['UInt32', 'Float64'],
  ['Float32', 'Float64'],
  ['Float64', 'Float32'],
  ['UInt8', 'Bool'],
  ['Bool', 'UInt8'],
  ['String', 'Nullable(String)'],
  ['Nullable(UInt8)', 'Nullable(UInt16)'],
  ['Nullable(Nothing)', 'Nullable(UInt8)'],
  ['LowCardinality(String)', 'String'],
  ['String', 'LowCardinality(Nullable(String))'],
  ['FixedString(66)', 'String'],
  ['FixedString(66)', 'FixedString(66)'],
  ['DateTime', "DateTime('UTC')"],
  ['DateTime', 'DateTime64(3)'],
  ['DateTime64(3)', "DateTime64(6, 'UTC')"],
  ['Date', 'Date32'],
  ['Decimal(9, 2)', 'Decimal(18, 4)'],
  ['Array(UInt8)', 'Array(UInt64)'],
  ['Array(Nothing)', 'Array(UInt64)'],
  ['Tuple(UInt8, String)', 'Tuple(a UInt16, b String)'],
  ['Map(String, UInt8)', 'Map(LowCardinality(String), UInt16)'],
  ["Enum8('a' = 1)", "Enum8('a' = 1)"],
  ['UInt64', 'SimpleAggregateFunction(max, UInt64)'],
  ['UUID', 'UUID'],
  ['AggregateFunction(uniq, String)', 'AggregateFunction(uniq, LowCardinality(String))'],
  ['AggregateFunction(argMax, String, UInt64)', 'AggregateFunction(argMax, LowCardinality(String), UInt64)'],
])('%s fits into %s', ([from, to]) => {
  expect(fits(from!, to!)).toBe(true)
})

test.for([
  ['UInt64', 'UInt32'],
  ['Int64', 'UInt64'],
  ['UInt64', 'Int64'],
  ['Float64', 'Int64'],
  ['UInt64', 'Float64'],
  ['Int32', 'Float32'],
  ['Nullable(UInt8)', 'UInt8'],
  ['Nullable(Nothing)', 'UInt32'],
  ['LowCardinality(Nullable(String))', 'LowCardinality(String)'],
  ['String', 'FixedString(66)'],
  ['FixedString(66)', 'FixedString(64)'],
  ['FixedString(64)', 'FixedString(66)'],
  ['DateTime64(3)', 'DateTime'],
  ['DateTime64(6)', 'DateTime64(3)'],
  ['DateTime', 'Date'],
  ['DateTime', 'UInt32'],
  ['Decimal(18, 4)', 'Decimal(18, 2)'],
  ['Decimal(18, 4)', 'Decimal(18, 6)'],
  ['Array(UInt64)', 'Array(UInt8)'],
  ['Array(Nullable(UInt8))', 'Array(UInt8)'],
  ['Tuple(UInt8, UInt64)', 'Tuple(UInt8, UInt8)'],
  ['Tuple(UInt8)', 'Tuple(UInt8, UInt8)'],
  ['Tuple(a UInt8)', 'Tuple(b UInt8)'],
  ['Map(String, UInt64)', 'Map(String, UInt8)'],
  ["Enum8('a' = 1)", "Enum8('a' = 1, 'b' = 2)"],
  ["Enum8('a' = 1)", 'String'],
  ['UUID', 'String'],
  ['IPv4', 'UInt32'],
  ['AggregateFunction(sum, UInt32)', 'AggregateFunction(sum, UInt64)'],
  ['String', 'UInt64'],
])('%s does not fit into %s', ([from, to]) => {
  expect(fits(from!, to!)).toBe(false)
})

type Integer = { readonly signed: boolean; readonly bits: number }
const range = ({ signed, bits }: Integer): readonly [bigint, bigint] =>
  signed ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n] : [0n, 2n ** BigInt(bits) - 1n]
const nameOf = ({ signed, bits }: Integer) => `${signed ? 'Int' : 'UInt'}${bits}`

test('an integer type fits into another one exactly if all its values do', () => {
  const type = fc.record({ signed: fc.boolean(), bits: fc.constantFrom(8, 16, 32, 64, 128, 256) })
  fc.assert(
    fc.property(type, type, (from, to) => {
      const [low, high] = range(from)
      const [lowest, highest] = range(to)
      expect(fits(nameOf(from), nameOf(to))).toBe(low >= lowest && high <= highest)
    }),
  )
})

const plain = (name: string, type: string) => ({ name, type, defaultKind: '' as const })

test('columns that agree are no problem, nor is a default that the transform leaves to the table', () => {
  const target = [plain('a', 'UInt32'), { name: 'v', type: 'UInt32', defaultKind: 'DEFAULT' as const }]
  expect(columnProblems([{ name: 'a', type: 'UInt32' }], target)).toEqual([])
})

test('each problem is one sentence with the column, both types and the hint', () => {
  const output = [
    { name: 'block_number', type: 'UInt64' },
    { name: 'adress', type: 'String' },
    { name: 'hash', type: 'String' },
    { name: 'error', type: 'Nullable(String)' },
    { name: 'middle', type: 'Float64' },
    { name: 'net', type: 'Int32' },
  ]
  const target = [
    plain('block_number', 'UInt32'),
    plain('address', 'String'),
    plain('hash', 'FixedString(66)'),
    plain('error', 'String'),
    plain('middle', 'UInt32'),
    { name: 'net', type: 'Int32', defaultKind: 'MATERIALIZED' as const },
  ]
  expect(columnProblems(output, target)).toEqual([
    "column 'block_number' is UInt64 in the transform and UInt32 in the target: write toUInt32(…) AS block_number in the transform where the value is known to fit, or run `backfill check --fix`",
    "the transform's column 'adress' is not in the target: did you mean 'address'?",
    "column 'hash' is String in the transform and FixedString(66) in the target: write CAST(… AS FixedString(66)) AS hash in the transform where the value is known to fit",
    "column 'error' is Nullable(String) in the transform and String in the target: write ifNull(…, …) AS error in the transform, or make the target's column Nullable, or run `backfill check --fix`",
    "column 'middle' is Float64 in the transform and UInt32 in the target: write toUInt32(round(…)) AS middle in the transform, or run `backfill check --fix`, which cuts fractions off as an INSERT does",
    "the target computes 'net' (MATERIALIZED) and takes no values for it: leave it out of the transform",
    "the target's column 'address' has no default and the transform lacks it: add it to the SELECT",
  ])
})

test('a column that is always NULL is left out where the target has a default', () => {
  const always = { name: 'v', type: 'Nullable(Nothing)' }
  const [problem] = columnMisfits([always], [{ name: 'v', type: 'UInt32', defaultKind: 'DEFAULT' }])
  expect(problem).toMatchObject({ rule: 'E065', hint: expect.stringContaining('leave it out'), repair: '' })
  const [without] = columnMisfits([always], [plain('v', 'UInt32')])
  expect([without?.rule, without?.repair]).toEqual(['E065', undefined])
})

const repairOf = (from: string, to: string) =>
  columnMisfits([{ name: 'x', type: from }], [plain('x', to)]).map(({ repair }) => repair)

test.for([
  ['UInt64', 'UInt32', "accurateCast(`x`, 'UInt32') AS `x`"],
  ['Float64', 'Nullable(UInt16)', "accurateCast(trunc(`x`), 'Nullable(UInt16)') AS `x`"],
  ['Nullable(Int64)', 'UInt32', "accurateCast(`x`, 'UInt32') AS `x`"],
  ['Array(UInt64)', 'Array(UInt32)', "accurateCast(`x`, 'Array(UInt32)') AS `x`"],
  ['UInt64', 'SimpleAggregateFunction(max, UInt32)', "accurateCast(`x`, 'UInt32') AS `x`"],
  // accurateCast would also refuse a Float64 that a Float32 only rounds, which is no problem by itself.
  ['Nullable(Float64)', 'Float32', "CAST(`x`, 'Float32') AS `x`"],
  ['LowCardinality(Nullable(String))', 'String', "CAST(`x`, 'String') AS `x`"],
  ['Nullable(DateTime)', "DateTime('UTC')", "CAST(`x`, 'DateTime(\\'UTC\\')') AS `x`"],
])('%s is put into %s by a cast that fails where a value does not fit', ([from, to, repair]) => {
  expect(repairOf(from!, to!)).toEqual([repair])
})

test.for([
  ['String', 'UInt32'],
  ['String', 'FixedString(66)'],
  ['DateTime64(3)', 'DateTime'],
  ['Decimal(9, 4)', 'Decimal(9, 2)'],
  ['UInt64', 'Bool'],
  ['Nullable(Nothing)', 'UInt8'],
])('no cast from %s into %s fails where a value does not fit: it is left to a person', ([from, to]) => {
  expect(repairOf(from!, to!)).toEqual([undefined])
})

test('a column that a join named after its table is the target’s, unless another one may be meant', () => {
  const target = [plain('slot', 'UInt32'), plain('root', 'String')]
  const of = (...names: readonly string[]) =>
    columnMisfits(
      names.map((name) => ({ name, type: name.endsWith('slot') ? 'UInt64' : 'String' })),
      target,
    ).map(({ rule, column, repair }) => [rule, column, repair])
  expect(of('a.slot', 'root')).toEqual([['E063', 'a.slot', "accurateCast(`a.slot`, 'UInt32') AS `slot`"]])
  expect(of('a.b.root', 'slot')).toEqual([
    ['E063', 'a.b.root', '`a.b.root` AS `root`'],
    ['E065', 'slot', "accurateCast(`slot`, 'UInt32') AS `slot`"],
  ])
  expect(of('a.slot', 'b.slot', 'root')).toEqual([
    ['E063', 'a.slot', undefined],
    ['E063', 'b.slot', undefined],
    ['E064', 'slot', undefined],
  ])
})
