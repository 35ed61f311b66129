import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Cost } from '../../src/ledger/reader.ts'
import { expectedMs, NO_PACE, throughputAfter, rowsPerChunk, yieldOf } from '../../src/planning/sizing.ts'

const cost = (more: Partial<Cost> = {}): Cost => ({
  expected: 1_000_000,
  written: 250_000,
  elapsedMs: 2_000,
  peakMemory: 1_000_000_000,
  ...more,
})
const someCost: fc.Arbitrary<Cost> = fc.record({
  expected: fc.integer({ min: 1, max: 50_000_000 }),
  written: fc.nat(50_000_000),
  elapsedMs: fc.nat(600_000),
  peakMemory: fc.nat(2 ** 40),
})

test('nothing is expected of a table that has not run, and it gets the chunk that is wanted', () => {
  expect(expectedMs(NO_PACE, 1000)).toBeUndefined()
  expect(yieldOf([NO_PACE])).toBe(1)
  expect(rowsPerChunk(NO_PACE, 5_000_000, 1)).toBe(5_000_000)
})

test('chunks that are all alike are expected to go on like that', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), (chunks) => {
      const throughput = Array.from({ length: chunks }, () => cost()).reduce(throughputAfter, NO_PACE)
      expect(expectedMs(throughput, 3_000_000)).toBeCloseTo(6_000, 6)
      expect(yieldOf([throughput])).toBeCloseTo(0.25, 6)
    }),
  )
})

test('chunks that found nothing, or wrote nothing, teach nothing of how much is written', () => {
  const wroteNothing = throughputAfter(NO_PACE, cost({ written: 0 }))
  expect(yieldOf([wroteNothing])).toBe(1)
  expect(yieldOf([{ ...NO_PACE, written: 5 }])).toBe(1)
  const known = throughputAfter(NO_PACE, cost())
  expect(throughputAfter(known, cost({ expected: 0, peakMemory: 2 ** 40 }))).toEqual(known)
})

test('newer chunks weigh more than older ones', () => {
  const slower = [cost(), cost(), cost(), cost({ elapsedMs: 10_000 })].reduce(throughputAfter, NO_PACE)
  expect(expectedMs(slower, 1_000_000)!).toBeGreaterThan((2_000 * 3 + 10_000) / 4)
})

test('a chunk is as big as wanted, unless half the memory or five minutes would not be enough', () => {
  const throughput = throughputAfter(NO_PACE, cost()) // 1,000 bytes and 2 µs a row
  const rows = (wanted: number, memoryBytes = Infinity) => rowsPerChunk(throughput, wanted, memoryBytes)
  expect(rows(10_000_000)).toBe(10_000_000)
  expect(rows(10_000_000, 4_000_000_000)).toBe(2_000_000)
  expect(rows(1_000_000_000)).toBe(150_000_000)
})

test('a chunk has a row at least and never more rows than wanted', () => {
  fc.assert(
    fc.property(
      fc.array(someCost, { maxLength: 12 }),
      fc.integer({ min: 1, max: 10 ** 9 }),
      fc.option(fc.integer({ min: 1, max: 2 ** 40 }), { nil: Infinity }),
      (costs, wanted, memoryBytes) => {
        const rows = rowsPerChunk(costs.reduce(throughputAfter, NO_PACE), wanted, memoryBytes)
        expect(rows).toBeGreaterThanOrEqual(1)
        expect(rows).toBeLessThanOrEqual(wanted)
      },
    ),
  )
})

test('small chunks say nothing of the memory that a row takes', () => {
  expect(throughputAfter(NO_PACE, cost({ expected: 10 })).bytesPerRow).toBe(0)
})
