import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Bucket } from '../../src/sources/availability.ts'
import {
  estimateFromParts,
  mergeRowEstimates,
  mirrorRowEstimates,
  reach,
  rowsIn,
  estimateRows,
} from '../../src/planning/row-estimates.ts'

const bucket = (first: number, rows: number): Bucket => ({
  first,
  last: first,
  rows,
  blocks: 1,
  newest: 0,
  hash: '0',
})

const someBuckets = fc.array(
  fc.uniqueArray(fc.tuple(fc.nat(19), fc.nat(500)), { selector: ([segment]) => segment, maxLength: 20 }),
  { maxLength: 3 },
)
const someRowEstimates = someBuckets.map((sources) =>
  estimateRows(
    sources.map((rows) => rows.map(([segment, n]) => bucket(segment * 10 + 3, n))),
    10,
  ),
)
const someRange = fc.tuple(fc.nat(250), fc.nat(80)).map(([from, more]) => ({ from, to: from + more }))

test('a stretch has the rows of all sources, and only the blocks that have any', () => {
  expect(estimateRows([[bucket(12, 5), bucket(31, 1)], [bucket(19, 7)]], 10)).toEqual([
    { from: 12, to: 19, rows: 12 },
    { from: 31, to: 31, rows: 1 },
  ])
})

test('the rows of neighbouring ranges add up', () => {
  fc.assert(
    fc.property(someRowEstimates, someRange, fc.nat(80), (rowEstimates, range, cut) => {
      const middle = Math.min(range.from + cut, range.to)
      const parts =
        rowsIn(rowEstimates, { from: range.from, to: middle }) +
        rowsIn(rowEstimates, { from: middle + 1, to: range.to })
      expect(parts).toBeCloseTo(rowsIn(rowEstimates, range), 6)
    }),
  )
})

test('a range reaches as far as its rows allow, one block at least, and not one block less', () => {
  fc.assert(
    fc.property(someRowEstimates, someRange, fc.nat(2000), (rowEstimates, range, rows) => {
      const end = reach(rowEstimates, range, rows)
      expect(end).toBeGreaterThanOrEqual(range.from)
      expect(end).toBeLessThanOrEqual(range.to)
      if (end > range.from)
        expect(rowsIn(rowEstimates, { from: range.from, to: end })).toBeLessThanOrEqual(rows + 1e-6)
      if (end < range.to)
        expect(rowsIn(rowEstimates, { from: range.from, to: end + 1 })).toBeGreaterThan(rows - 1e-6)
    }),
  )
})

test('counted downwards, everything weighs the same', () => {
  fc.assert(
    fc.property(someRowEstimates, someRange, (rowEstimates, { from, to }) => {
      expect(rowsIn(mirrorRowEstimates(rowEstimates), { from: -to, to: -from })).toBeCloseTo(
        rowsIn(rowEstimates, { from, to }),
        6,
      )
      expect(mirrorRowEstimates(mirrorRowEstimates(rowEstimates))).toEqual(rowEstimates)
    }),
  )
})

test('of a stretch that was probed twice, the newer probe counts', () => {
  expect(
    mergeRowEstimates(
      [
        { from: 0, to: 9, rows: 1 },
        { from: 10, to: 19, rows: 2 },
      ],
      [{ from: 10, to: 19, rows: 5 }],
    ),
  ).toEqual([
    { from: 0, to: 9, rows: 1 },
    { from: 10, to: 19, rows: 5 },
  ])
})

test('rows estimated from data parts are those of the parts, spread over their blocks', () => {
  const parts = [
    { from: 0, to: 99, rows: 1000 },
    { from: 50, to: 149, rows: 100 },
  ]
  expect(estimateFromParts(parts, [{ from: 0, to: 199 }])).toEqual([
    { from: 0, to: 49, rows: 500 },
    { from: 50, to: 99, rows: 550 },
    { from: 100, to: 149, rows: 50 },
    { from: 150, to: 199, rows: 0 },
  ])
  expect(
    estimateFromParts(parts, [
      { from: 10, to: 19 },
      { from: 140, to: 159 },
    ]),
  ).toEqual([
    { from: 10, to: 19, rows: 100 },
    { from: 140, to: 149, rows: 10 },
    { from: 150, to: 159, rows: 0 },
  ])
})
