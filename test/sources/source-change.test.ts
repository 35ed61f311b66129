// Owns the judgement of what a range was built from: what counts as changed, as gone, as the same.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  evaluateChange,
  readFingerprint,
  sourceRowsPruned,
  type SourceFacts,
} from '../../src/sources/fingerprint.ts'

const BEFORE = readFingerprint('canonical_execution_a=10@100 canonical_execution_b=0@0')
const facts = (a: SourceFacts, b: SourceFacts = { blocks: 0, newest: 0 }) =>
  new Map([
    ['canonical_execution_a', a],
    ['canonical_execution_b', b],
  ])
const same = facts({ blocks: 10, newest: 100 })

test.each([
  ['nothing has happened', same, same, 'same'],
  [
    'a source that was empty has rows',
    facts({ blocks: 10, newest: 100 }, { blocks: 1, newest: 50 }),
    same,
    'changed',
  ],
  [
    'rows were written again',
    facts({ blocks: 10, newest: 101 }),
    facts({ blocks: 10, newest: 101 }),
    'changed',
  ],
  [
    'rows were written again, where a later event is seen',
    facts({ blocks: 10, newest: 101 }),
    facts({ blocks: 4, newest: 100 }),
    'same',
  ],
  [
    'a block came, nobody knows where',
    facts({ blocks: 11, newest: 100 }),
    facts({ blocks: 4, newest: 100 }),
    'changed',
  ],
  ['a block has gone', facts({ blocks: 9, newest: 100 }), facts({ blocks: 9, newest: 100 }), 'gone'],
  [
    'the newest rows have gone, or all came back with older times',
    facts({ blocks: 10, newest: 99 }),
    facts({ blocks: 4, newest: 80 }),
    'changed',
  ],
  [
    'a block has gone and others were written again',
    facts({ blocks: 9, newest: 200 }),
    facts({ blocks: 9, newest: 200 }),
    'gone',
  ],
] as const)('%s', (_name, whole, part, verdict) => {
  expect(evaluateChange({ before: BEFORE, whole, part })).toBe(verdict)
})

test('a source that is read no more says nothing, and one that is read now and was not before has not gone', () => {
  const whole = new Map([
    ['canonical_execution_a', { blocks: 10, newest: 100 }],
    ['canonical_execution_new', { blocks: 0, newest: 0 }],
  ])
  expect(evaluateChange({ before: BEFORE, whole, part: whole })).toBe('same')
})

const someFacts = fc.record({ blocks: fc.nat(5), newest: fc.nat(5) })
const someSources = fc
  .dictionary(fc.constantFrom('a', 'b', 'c'), someFacts)
  .map((bySource) => new Map(Object.entries(bySource)))

test('rows were pruned where a source that is still read has fewer blocks, and nowhere else', () => {
  fc.assert(
    fc.property(someSources, someSources, (before, now) => {
      const expected = ['a', 'b', 'c'].some((name) => {
        const [had, has] = [before.get(name), now.get(name)]
        if (had === undefined || has === undefined) return false
        return has.blocks < had.blocks
      })
      expect(sourceRowsPruned(before, now)).toBe(expected)
    }),
  )
})

test('rows that only come, or are written again, have never gone', () => {
  fc.assert(
    fc.property(someSources, someFacts, (before, more) => {
      const now = new Map(
        [...before].map(([name, { blocks, newest }]) => [
          name,
          { blocks: blocks + more.blocks, newest: newest + more.newest },
        ]),
      )
      expect(sourceRowsPruned(before, now)).toBe(false)
    }),
  )
})

test('a change is judged as gone exactly where rows have gone from the whole range', () => {
  fc.assert(
    fc.property(someSources, someSources, someSources, (sources, whole, part) => {
      const change = evaluateChange({ before: sources, whole, part })
      expect(change === 'gone').toBe(sourceRowsPruned(sources, whole))
    }),
  )
})
