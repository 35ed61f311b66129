import { describe, expect, test } from 'vitest'
import { hintOf, splitStaleTag, withStaleTag, shortHash } from '../../src/ledger/stale.ts'

const HASH = 'a'.repeat(64)

describe('marks before an SQL hash', () => {
  test('a hash without a mark has no reason', () => {
    expect(splitStaleTag(HASH)).toEqual({ reason: undefined, hash: HASH })
  })

  test.each(['mixed', 'sources', 'inputs'] as const)('%s is read as it was written', (reason) => {
    expect(splitStaleTag(withStaleTag(reason, HASH))).toEqual({ reason, hash: HASH })
  })

  test('a new mark replaces the old one', () => {
    expect(withStaleTag('sources', withStaleTag('mixed', HASH))).toBe(`sources-${HASH}`)
  })

  test('a word that is no mark is part of the hash', () => {
    expect(splitStaleTag('other-abc')).toEqual({ reason: undefined, hash: 'other-abc' })
  })
})

test('people read the first letters of a hash, without its mark', () => {
  expect(shortHash(withStaleTag('sources', `0123456789${HASH}`))).toBe('01234567')
})

test('what makes a stale table right depends on whether its rows can be taken back, and on who wrote them', () => {
  const key = 'a'
  expect(hintOf({ key, rows: { kind: 'per-block' } })).toBe('backfill redo a --stale')
  expect(hintOf({ key, rows: { kind: 'per-block', deletedFirst: true } })).toBe('backfill import --changed')
  expect(hintOf({ key, rows: { kind: 'per-key', keep: 'latest', column: 'b' } })).toBe('backfill rebuild a')
})
