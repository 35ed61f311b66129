// Owns the promise that a fingerprint is read as it was written, and the form in which ledgers hold it.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Fingerprint, readFingerprint, writeFingerprint } from '../../src/sources/fingerprint.ts'

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
