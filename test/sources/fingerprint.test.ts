// Owns the promise that a fingerprint is read as it was written, and the form in which ledgers hold it.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { blockSet } from '../../src/model/blocks.ts'
import {
  type Fingerprint,
  goneBlocks,
  readFingerprint,
  writeFingerprint,
} from '../../src/sources/fingerprint.ts'

const someName = fc.stringMatching(/^[a-z0-9_]{1,12}$/)
const someNumber = fc.maxSafeNat()
const someFingerprint: fc.Arbitrary<Fingerprint> = fc
  .array(fc.tuple(someName, fc.record({ blocks: someNumber, newest: someNumber })), { maxLength: 5 })
  .map((entries) => new Map(entries))

test('what is written is read as it was, and in whatever order the names come the text is the same', () => {
  fc.assert(
    fc.property(someFingerprint, (sources) => {
      const text = writeFingerprint(sources)
      expect(readFingerprint(text)).toEqual(sources)
      expect(writeFingerprint(new Map([...sources].toReversed()))).toBe(text)
    }),
  )
})

test('ledgers hold it in this form', () => {
  const fingerprint: Fingerprint = new Map([
    ['canonical_execution_transaction', { blocks: 997, newest: 1_700_000_123 }],
    ['canonical_execution_balance_diffs', { blocks: 0, newest: 0 }],
  ])
  expect(writeFingerprint(fingerprint)).toBe(
    'canonical_execution_balance_diffs=0@0 canonical_execution_transaction=997@1700000123',
  )
  expect(writeFingerprint(new Map())).toBe('')
})

test.each(['a', 'a=1', 'a=1@2@3', 'a=-1@2', 'a=(1,2)', 'a=1@2,b=1@2', 'a=b=1@2', 'a=1@2 b'])(
  "'%s' is refused: a source that is overlooked would count as unchanged",
  (text) => {
    expect(() => readFingerprint(text)).toThrow(`cannot read the fingerprint '${text}'`)
  },
)

const had = (blocks: number) => ({ blocks, newest: 7 })
const present = (...blocks: number[]) => blockSet(blocks.map((block) => ({ from: block, to: block })))

test('of a range with fewer blocks than before, those that may be gone are named', () => {
  const range = { from: 1, to: 10 }
  // Every block had a row.
  expect(goneBlocks(range, had(10), present(1, 2, 5, 6, 7, 8, 9))).toEqual([
    { from: 3, to: 4 },
    { from: 10, to: 10 },
  ])
  // Some had none: what a TTL or a dropped partition leaves begins or ends within the range.
  expect(goneBlocks(range, had(6), present(4, 6, 8, 9))).toEqual([
    { from: 1, to: 3 },
    { from: 10, to: 10 },
  ])
  // More is lost than lay there, or nothing is left, or rows went without their block: any of them.
  expect(goneBlocks(range, had(6), present(2, 6, 9))).toEqual([range])
  expect(goneBlocks(range, had(6), [])).toEqual([range])
  expect(goneBlocks(range, had(3), present(4, 6, 8))).toEqual([range])
})
