// Owns the promise that whatever stands still says why in words that are the same everywhere.
import { expect, test } from 'vitest'
import { type Standstill, standstillText } from '../../src/model/standstill.ts'

const WORDS: readonly { readonly words: string; readonly why: Standstill; readonly waitedMs?: number }[] = [
  { words: 'source at block 20000', why: { reason: 'source', block: 20_000 } },
  { words: 'incomplete block 17', why: { reason: 'incomplete', block: 17, blocks: 1 } },
  { words: 'incomplete block 17 and 3 more', why: { reason: 'incomplete', block: 17, blocks: 4 } },
  { words: 'lock of host runner-2 (process 4711)', why: { reason: 'lock', host: 'runner-2', pid: 4711 } },
  { words: 'input a is at block 9', why: { reason: 'input', input: 'a', block: 9, failed: false } },
  { words: 'input a failed at block 9', why: { reason: 'input', input: 'a', block: 9, failed: true } },
  {
    words: 'input a is at block 9, input b failed at block 7, input c is at block 1 and 1 more',
    why: {
      reason: 'input',
      input: 'a',
      block: 9,
      failed: false,
      others: [
        { input: 'b', block: 7, failed: true },
        { input: 'c', block: 1, failed: false },
        { input: 'd', block: 1, failed: false },
      ],
    },
  },
  { words: '3% of disk default is free', why: { reason: 'disk', found: '3% of disk default is free' } },
  {
    words: 'no answer from ClickHouse for 15 s',
    why: { reason: 'silent', forMs: 10_000 },
    waitedMs: 5_000,
  },
  {
    words: 'target unreachable (19 s of 5 m)',
    why: { reason: 'unreachable', server: 'target', giveUpMs: 300_000 },
    waitedMs: 19_400,
  },
  {
    words: 'source unreachable (waits up to 2 m)',
    why: { reason: 'unreachable', server: 'source', giveUpMs: 120_000 },
  },
  {
    words: 'source unreachable (1 m 30 s of 2 m)',
    why: { reason: 'unreachable', server: 'source', giveUpMs: 120_000 },
    waitedMs: 90_000,
  },
  {
    words: 'replica 2 of shard 1 (b:9000), which lacks rows of backfill.ledger (5 s of 5 m)',
    why: {
      reason: 'unreachable',
      server: 'replica 2 of shard 1 (b:9000), which lacks rows of backfill.ledger',
      giveUpMs: 300_000,
    },
    waitedMs: 5_000,
  },
]

test.each(WORDS)('$words', ({ words, why, waitedMs = 0 }) => {
  expect(standstillText(why, waitedMs)).toBe(words)
})
