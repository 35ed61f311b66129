import { changedSince } from '../../src/ledger/staleness.ts'
import type { SameSince } from '../../src/ledger/unchanged.ts'
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

test('what makes a stale table right depends on whether its rows can be taken back, on who wrote them, and on who reads it', () => {
  const key = 'a'
  const reader = { after: [key] }
  expect(hintOf({ key, rows: { kind: 'per-block' } }, [])).toBe('backfill redo a --stale')
  expect(hintOf({ key, rows: { kind: 'per-block' } }, [reader])).toBe('backfill redo --stale')
  expect(hintOf({ key, rows: { kind: 'per-block', deletedFirst: true } }, [])).toBe(
    'backfill import --changed',
  )
  expect(hintOf({ key, rows: { kind: 'per-key', keep: 'latest', column: 'b' } }, [reader])).toBe(
    'backfill rebuild a',
  )
})

const change = (from: number, to: number, seq: number) => ({
  range: { from, to },
  position: [1, seq] as const,
})

test('of its own earlier rows, a change makes stale what lies behind it, and neither itself nor what is before', () => {
  const own = { perKey: true, own: true, changes: [] }
  const changes = [change(0, 9, 2), change(10, 19, 4), change(5, 6, 6)]
  const since = (seq: number, same?: SameSince) => changedSince({ ...own, changes, same }, [1, seq])
  expect(since(6)).toEqual([])
  expect(since(4)).toEqual([{ from: 7, to: Number.MAX_SAFE_INTEGER }])
  // The range 10-19 read as of 2: its own event is later, and says nothing of itself.
  expect(changedSince({ ...own, changes: changes.slice(0, 2) }, [1, 2])).toEqual([
    { from: 20, to: Number.MAX_SAFE_INTEGER },
  ])
  expect(since(4, () => [{ from: 5, to: 6 }])).toEqual([])
})
