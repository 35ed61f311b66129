import { expect, test } from 'vitest'
import { columnMisfits, columnProblems } from '../../src/sql-syntax/column-fit.ts'

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
  expect(`${without?.sentence}: ${without?.hint}`).toBe(
    "column 'v' is always NULL in the transform and UInt32 in the target: write the value that is meant AS v in the transform, or make the target's column Nullable",
  )
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
  [
    'DateTime64(3)',
    "DateTime('UTC')",
    "CAST(accurateCast(toInt64(`x`), 'UInt32'), 'DateTime(\\'UTC\\')') AS `x`",
  ],
  ["Nullable(DateTime64(6, 'UTC'))", 'DateTime64(3)', "CAST(`x`, 'DateTime64(3)') AS `x`"],
])('%s is put into %s by a cast that fails where a value does not fit', ([from, to, repair]) => {
  expect(repairOf(from!, to!)).toEqual([repair])
})

test.for([
  ['String', 'UInt32'],
  ['String', 'FixedString(66)'],
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
