import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { knownFingerprint, mergeBuckets, type SourceFacts } from '../../src/sources/fingerprint.ts'
import type { Bucket } from '../../src/sources/availability.ts'

const WIDTH = 10
/** Blocks with rows, and when these were written. */
const someRows = fc.uniqueArray(fc.tuple(fc.nat(99), fc.nat(1000)), { selector: ([block]) => block })
const someRange = fc.tuple(fc.nat(99), fc.nat(40)).map(([from, more]) => ({ from, to: from + more }))

function bucketsOf(rows: readonly (readonly [number, number])[]): Bucket[] {
  const groups = Map.groupBy(rows, ([block]) => Math.floor(block / WIDTH))
  return [...groups.values()].map((group) => ({
    first: Math.min(...group.map(([block]) => block)),
    last: Math.max(...group.map(([block]) => block)),
    rows: group.length,
    blocks: group.length,
    newest: Math.max(...group.map(([, written]) => written)),
    hash: '',
  }))
}

/** As the source would answer. */
function asked(
  rows: readonly (readonly [number, number])[],
  { from, to }: { from: number; to: number },
): SourceFacts {
  const within = rows.filter(([block]) => from <= block && block <= to)
  return { blocks: within.length, newest: Math.max(0, ...within.map(([, written]) => written)) }
}

test('where the probe knows the fingerprint of a range, it is the one that the sources would give', () => {
  fc.assert(
    fc.property(someRows, someRows, someRange, (one, two, range) => {
      const known = knownFingerprint(
        new Map([
          ['two', bucketsOf(two)],
          ['one', bucketsOf(one)],
        ]),
        range,
      )
      if (known !== undefined)
        expect(Object.fromEntries(known)).toEqual({ one: asked(one, range), two: asked(two, range) })
    }),
  )
})

test('whole buckets are known, however many', () => {
  fc.assert(
    fc.property(someRows, fc.nat(9), fc.nat(9), (rows, first, more) => {
      const range = { from: first * WIDTH, to: (first + more + 1) * WIDTH - 1 }
      expect(knownFingerprint(new Map([['s', bucketsOf(rows)]]), range)?.get('s')).toEqual(asked(rows, range))
    }),
  )
})

test('a bucket with rows on both sides of an end of the range is not known', () => {
  const rows = [
    [14, 1],
    [15, 1],
  ] as const
  expect(knownFingerprint(new Map([['s', bucketsOf(rows)]]), { from: 0, to: 14 })).toBeUndefined()
  expect(knownFingerprint(new Map([['s', bucketsOf(rows)]]), { from: 15, to: 99 })).toBeUndefined()
  expect(knownFingerprint(new Map([['s', bucketsOf(rows)]]), { from: 14, to: 15 })).toEqual(
    new Map([['s', { blocks: 2, newest: 1 }]]),
  )
})

const bucket = (first: number, newest: number): Bucket => bucketsOf([[first, newest]])[0]!

test('of a bucket that was probed twice the newer one counts, and those that are done are forgotten', () => {
  const merged = mergeBuckets(
    new Map([['s', [bucket(1, 1), bucket(11, 1), bucket(21, 1)]]]),
    new Map([['s', [bucket(21, 2)]]]),
    ({ first }) => first > 5,
  )
  expect(merged.get('s')).toEqual([bucket(11, 1), bucket(21, 2)])
})
