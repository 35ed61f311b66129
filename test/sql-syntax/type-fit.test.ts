import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fits } from '../../src/sql-syntax/type-fit.ts'

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
  ['Nullable(Nothing)', 'Dynamic'],
  ['Array(UInt8)', 'Dynamic'],
  ['Nullable(Nothing)', 'Variant(String, UInt8)'],
  ['Nullable(UInt8)', 'Variant(String, UInt8)'],
  ['Variant(String, UInt8)', 'Variant(Date, String, UInt8)'],
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
  ["Enum8('a' = 1)", "Enum16('a' = 1, 'b' = 2)"],
  ["Enum8('a' = 1)", 'LowCardinality(String)'],
  ['UInt64', 'SimpleAggregateFunction(max, UInt64)'],
  ['UUID', 'UUID'],
  ['IPv4', 'IPv6'],
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
  ['Dynamic', 'String'],
  ['UInt16', 'Variant(String, UInt8)'],
  ['String', 'Variant(String, UInt8)'],
  ['Variant(Date, UInt8)', 'Variant(String, UInt8)'],
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
  ["Enum8('a' = 1, 'b' = 2)", "Enum8('a' = 1)"],
  ["Enum8('a' = 1)", "Enum8('a' = 2)"],
  ["Enum8('a' = 1)", 'FixedString(1)'],
  ['String', "Enum8('a' = 1)"],
  ['UUID', 'String'],
  ['IPv4', 'UInt32'],
  ['IPv6', 'IPv4'],
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
