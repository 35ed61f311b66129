import { expect, test } from 'vitest'
import { rowDiff } from '../../../src/commands/test/row-diff.ts'

test('rows are compared without regard to their order', () => {
  expect(rowDiff([[1], [2]], [[2], [1]])).toEqual({ missing: [], unexpected: [], same: 2 })
})

test('a row that comes twice is not the same as one that comes once', () => {
  expect(rowDiff([[1]], [[1], [1]])).toEqual({ missing: [], unexpected: [[1]], same: 1 })
  expect(rowDiff([[1], [1]], [[1]])).toEqual({ missing: [[1]], unexpected: [], same: 1 })
})

test('a number and its text are different, as are null and empty text', () => {
  expect(rowDiff([['1'], [null]], [[1], ['']])).toEqual({
    missing: [['1'], [null]],
    unexpected: [[''], [1]],
    same: 0,
  })
})
