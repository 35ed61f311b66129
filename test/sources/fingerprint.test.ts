// Owns the promise that a fingerprint is read as it was written, and the form in which ledgers hold it.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Fingerprint, readFingerprint, writeFingerprint } from '../../src/sources/fingerprint.ts'

const someName = fc.stringMatching(/^[a-z0-9_]{1,12}$/)
const someNumber = fc.maxSafeNat()
const mapOf = <Value>(value: fc.Arbitrary<Value>) =>
  fc.array(fc.tuple(someName, value), { maxLength: 5 }).map((entries) => new Map(entries))
const someFingerprint: fc.Arbitrary<Fingerprint> = fc.record({
  sources: mapOf(fc.record({ blocks: someNumber, newest: someNumber })),
  inputs: mapOf(fc.tuple(someNumber, someNumber)),
})

test('what is written is read as it was, and in whatever order the names come the text is the same', () => {
  fc.assert(
    fc.property(someFingerprint, ({ sources, inputs }) => {
      const text = writeFingerprint({ sources, inputs })
      expect(readFingerprint(text)).toEqual({ sources, inputs })
      const backwards = {
        sources: new Map([...sources].toReversed()),
        inputs: new Map([...inputs].toReversed()),
      }
      expect(writeFingerprint(backwards)).toBe(text)
    }),
  )
})

test('ledgers hold it in this form', () => {
  const fingerprint: Fingerprint = {
    sources: new Map([
      ['canonical_execution_transaction', { blocks: 997, newest: 1_700_000_123 }],
      ['canonical_execution_balance_diffs', { blocks: 0, newest: 0 }],
    ]),
    inputs: new Map([
      ['block_slots_stat', [3, 12]],
      ['address_diffs', [10, 4]],
    ]),
  }
  expect(writeFingerprint(fingerprint)).toBe(
    'canonical_execution_balance_diffs=0@0 canonical_execution_transaction=997@1700000123 address_diffs=(10,4) block_slots_stat=(3,12)',
  )
  expect(writeFingerprint({ sources: new Map(), inputs: new Map() })).toBe('')
})

test.each(['a', 'a=1', 'a=1@2@3', 'a=-1@2', 'a=(1,2', 'a=1@2,b=1@2', 'a=b=1@2', 'a=1@2 b'])(
  "'%s' is refused: a source that is overlooked would count as unchanged",
  (text) => {
    expect(() => readFingerprint(text)).toThrow(`cannot read the fingerprint '${text}'`)
  },
)
