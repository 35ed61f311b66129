// Owns the promise that LZ4 blocks are decoded as ClickHouse packs them, and that broken ones are refused.
import { expect, test } from 'vitest'
import { decodeLz4Block } from '../../../src/clickhouse/stream/compression.ts'

const decoded = (hex: string, size: number) =>
  Buffer.from(decodeLz4Block(Buffer.from(hex.replaceAll(' ', ''), 'hex'), size)).toString('latin1')

test('literals alone, a copy, a copy that overlaps what it writes, and lengths above fifteen', () => {
  expect(decoded('50 68656c6c6f', 5)).toBe('hello')
  // abcd, then four bytes from four back, then a last literal
  expect(decoded('40 61626364 0400 10 21', 9)).toBe('abcdabcd!')
  // one letter, then nineteen and seven more of it
  expect(decoded('1f 61 0100 07 10 62', 28)).toBe(`${'a'.repeat(27)}b`)
  expect(decoded(`f0 05 ${'78'.repeat(20)}`, 20)).toBe('x'.repeat(20))
})

test.each([
  ['a copy from before the beginning', '10 61 0500 00'],
  ['a copy from nowhere', '10 61 0000 00'],
  ['more bytes than were announced', '1f 61 0100 ff ff 00'],
  ['more literals than were announced', `f0 05 ${'78'.repeat(20)}`],
  ['an end within a length', '1f 61 0100 ff'],
])('%s is refused', (_name, hex) => {
  expect(() => decoded(hex, 8)).toThrow(RangeError)
})
