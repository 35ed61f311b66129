import { describe, expect, test } from 'vitest'
import { markOf, marked } from '../../src/ledger/stale.ts'

const HASH = 'a'.repeat(64)

describe('marks before an SQL hash', () => {
  test('a hash without a mark has no reason', () => {
    expect(markOf(HASH)).toEqual({ reason: undefined, hash: HASH })
  })

  test.each(['mixed', 'late'] as const)('%s is read as it was written', (reason) => {
    expect(markOf(marked(reason, HASH))).toEqual({ reason, hash: HASH })
  })

  test('a new mark replaces the old one', () => {
    expect(marked('late', marked('mixed', HASH))).toBe(`late-${HASH}`)
  })

  test('a word that is no mark is part of the hash', () => {
    expect(markOf('other-abc')).toEqual({ reason: undefined, hash: 'other-abc' })
  })
})
