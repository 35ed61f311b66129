// Owns the reading of data types, however strange.
import { expect, test } from 'vitest'
import { parseType } from '../../src/sql-syntax/type-fit.ts'

test('an element of a tuple has a label, and what nests without end is one name', () => {
  expect(parseType('Tuple(a UInt8)').args).toEqual([{ name: 'UInt8', args: [], label: 'a' }])
  const deep = 'x A('.repeat(20_000)
  expect(parseType(deep)).toEqual({ name: deep, args: [], label: undefined })
})
