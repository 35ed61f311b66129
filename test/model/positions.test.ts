// Owns the promise that positions are typed and shown as people know them: blocks as numbers, seconds as UTC times.
import { expect, test } from 'vitest'
import { formatRange, rangeFlags, timePosition } from '../../src/model/blocks.ts'
import { inUnit } from '../../src/model/model.ts'
import { blockNumber, perUnit } from '../../src/workspace/values.ts'

test.for([
  ['2024-03-13T13:55', 1_710_338_100],
  ['2024-03-13 13:55:35', 1_710_338_135],
  ['2024-03-13T13:55Z', 1_710_338_100],
  ['2024-03-13', 1_710_288_000],
  ['2024-13-01', undefined],
  ['2024-03-13T25:00', undefined],
  ['1970-01-01', 0],
  ['2024-02-29', 1_709_164_800],
  ['2106-02-07T06:28:15', 4_294_967_295],
  ['17000000', undefined],
] as const)('%s is the position %s', ([text, position]) => {
  expect(timePosition(text)).toBe(position)
})

test.for([
  '2024-02-30',
  '2023-02-29',
  '2024-04-31',
  '2024-03-13T24:00',
  '2024-03-13T23:59:60',
  '1969-12-31T23:59:59',
  '2106-02-07T06:28:16',
  '9999-12-31',
])('%s, a time that no clock shows or no position can be, is refused and not taken for another', (text) => {
  expect(() => blockNumber({ text, place: '--from' })).toThrow(
    `--from must be a UTC time from 1970 to 2105, such as 2024-03-13T13:55, or a block number, got '${text}'`,
  )
})

test('a block is shown as a number and a second as a time that can be typed again', () => {
  expect(formatRange({ from: 5, to: 9 })).toBe('5-9')
  const shown = formatRange({ from: 1_710_338_100, to: 1_710_338_160 })
  expect(shown).toBe('2024-03-13T13:55:00..2024-03-13T13:56:00')
  expect(shown.split('..').map((text) => blockNumber({ text, place: '--from' }))).toEqual([
    1_710_338_100, 1_710_338_160,
  ])
})

test('a block number far above every chain, as a mistake writes it, is shown as the number that it is', () => {
  expect(formatRange({ from: 1_501, to: 3_999_999_999 })).toBe('1501-3999999999')
  expect(formatRange({ from: 4_294_967_295, to: 4_294_967_295 })).toBe('4294967295')
})

test.for([
  ['64', 64, 64],
  ['5m', 384, 300],
  ['64,5m', 64, 300],
  ['5m,64', 64, 300],
  ['1,000', 1000, 1000],
  ['0', 0, 0],
] as const)('--lag %s is %s blocks and %s seconds', ([text, block, second]) => {
  const lag = perUnit({ block: 384, second: 4608 })({ text, place: '--lag' })
  expect([inUnit(lag, 'block'), inUnit(lag, 'second')]).toEqual([block, second])
})

test.for(['', 'x', '5m,6m', '1,2,5m', '-5', '5d'])('--lag %s is refused', (text) => {
  expect(() => perUnit()({ text, place: '--lag' })).toThrow('--lag must be')
})

test('a hint names the ends of a range as they are shown, and both can be typed', () => {
  expect(rangeFlags({ from: 5, to: 9 })).toBe('--from 5 --to 9')
  const typed = rangeFlags({ from: 1_710_338_100, to: 1_710_338_160 })
  expect(typed).toBe('--from 2024-03-13T13:55:00 --to 2024-03-13T13:56:00')
  const [, from, to] = /--from (\S+) --to (\S+)/.exec(typed)!
  expect([from, to].map((text) => timePosition(text!))).toEqual([1_710_338_100, 1_710_338_160])
})
