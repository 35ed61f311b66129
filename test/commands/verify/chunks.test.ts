// Owns the promise that the chunks of a verification are the wanted blocks, as heavy as they are known to be, and that samples are fair.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { builtRowEstimates, sample, verifyChunks } from '../../../src/commands/verify/chunks.ts'
import type { LatestEvent } from '../../../src/ledger/latest-events.ts'

/** Islands side by side, some blocks apart. */
const someIslands = fc
  .array(
    fc.record({ gap: fc.nat(2), blocks: fc.integer({ min: 1, max: 6 }), sqlHash: fc.constantFrom('a', 'b') }),
    {
      maxLength: 8,
    },
  )
  .map((parts) => {
    let next = 0
    return parts.map(({ gap, blocks, sqlHash }) => {
      const from = next + gap
      next = from + blocks
      return { from, to: next - 1, sqlHash, forks: '' }
    })
  })

test('chunks to verify are the wanted blocks, each of one version of the SQL', () => {
  fc.assert(
    fc.property(someIslands, fc.nat(30), fc.integer({ min: 1, max: 9 }), (islands, from, blocks) => {
      const chunks = verifyChunks(islands, { from, to: 25 }, { blocks })
      for (let block = 0; block <= 60; block++) {
        const island = islands.find((one) => one.from <= block && block <= one.to)
        const of = chunks.filter((chunk) => chunk.from <= block && block <= chunk.to)
        expect(of.map(({ sqlHash }) => sqlHash)).toEqual(
          island === undefined || block < from || block > 25 ? [] : [island.sqlHash],
        )
      }
    }),
  )
})

async function* pages(events: readonly LatestEvent[], size: number): AsyncGenerator<readonly LatestEvent[]> {
  for (let start = 0; start < events.length; start += size) yield events.slice(start, start + size)
}

const event = (at: number, rows: number): LatestEvent => ({
  range: { from: at * 10, to: at * 10 + 9 },
  event: 'done',
  eventRange: { from: at * 10, to: at * 10 + 9 },
  position: [1, at],
  sqlHash: 'a',
  rows,
})

test('of 200,000 done ranges some ten thousand weights are kept, which together have all blocks and rows', async () => {
  const events = Array.from({ length: 200_000 }, (_, at) => event(at, 600_000))
  const rowEstimates = await builtRowEstimates(pages(events, 10_000))
  expect(rowEstimates.length).toBeLessThan(30_000)
  expect(rowEstimates.reduce((sum, { rows }) => sum + rows, 0)).toBeCloseTo(600_000 * 200_000, -3)
  expect(rowEstimates[0]!.from).toBe(0)
  expect(rowEstimates.at(-1)!.to).toBe(1_999_999)
})

test('a part of an event that later ones leave to be seen has its share of the rows; what is not done weighs nothing', async () => {
  const half = { ...event(1, 2_000_000), range: { from: 15, to: 19 } }
  const dirty: LatestEvent = { ...event(2, 9), event: 'started' }
  expect(await builtRowEstimates(pages([event(0, 900_000), half, dirty, event(3, 1)], 2))).toEqual([
    { from: 0, to: 9, rows: 900_000 },
    { from: 15, to: 19, rows: 1_000_000 },
    { from: 30, to: 39, rows: 1 },
  ])
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
