// Owns the promise that what is seen of a past is the latest event over each block, and that samples are fair.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sample } from '../../src/commands/verify/chunks.ts'
import { verifyChunks } from '../../src/commands/verify/chunks.ts'
import { visible } from '../../src/ledger/latest-events.ts'

const anyEvents = fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { maxLength: 15 }).map((pairs) =>
  pairs.map(([a, b], id) => ({
    id,
    range: { from: Math.min(a, b), to: Math.max(a, b) },
    sqlHash: `${id % 3}`,
    rows: 1,
  })),
)

test('over every block the latest event is seen, and stretches are sorted and as long as they can be', () => {
  fc.assert(
    fc.property(anyEvents, (events) => {
      const seen = visible(events)
      for (let block = 0; block <= 31; block++) {
        const latest = events.findLast(({ range }) => range.from <= block && block <= range.to)
        expect(seen.find(({ range }) => range.from <= block && block <= range.to)?.event).toBe(latest)
      }
      for (const [index, { range, event }] of seen.entries()) {
        const before = seen[index - 1]
        if (before === undefined) continue
        expect(before.range.to).toBeLessThan(range.from)
        expect(before.event === event && before.range.to + 1 === range.from).toBe(false)
      }
    }),
  )
})

test('chunks to verify are the wanted blocks, each of one version of the SQL', () => {
  fc.assert(
    fc.property(anyEvents, fc.nat(30), fc.integer({ min: 1, max: 9 }), (events, from, blocks) => {
      const seen = visible(events)
      const chunks = verifyChunks(seen, { from, to: 25 }, { blocks })
      for (let block = 0; block <= 31; block++) {
        const event = seen.find(({ range }) => range.from <= block && block <= range.to)?.event
        const of = chunks.filter((chunk) => chunk.from <= block && block <= chunk.to)
        expect(of.map(({ sqlHash }) => sqlHash)).toEqual(
          event === undefined || block < from || block > 25 ? [] : [event.sqlHash],
        )
      }
    }),
  )
})

describe('a sample', () => {
  test('has as many items as were asked for, in order, the same for the same seed', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(25), fc.nat(2 ** 32 - 1), (items, size, seed) => {
        const all = Array.from({ length: items }, (_, index) => index)
        const chosen = sample(all, size, seed)
        expect(chosen.length).toBe(Math.min(items, size))
        expect([...new Set(chosen)].toSorted((a, b) => a - b)).toEqual(chosen)
        expect(sample(all, size, seed)).toEqual(chosen)
      }),
    )
  })

  test('chooses each item about equally often', () => {
    const times = Array.from({ length: 10 }, () => 0)
    for (let seed = 0; seed < 5_000; seed++)
      for (const item of sample([...times.keys()], 3, seed * 7919)) times[item]!++
    for (const chosen of times) expect(Math.abs(chosen - 1_500)).toBeLessThan(150)
  })
})
