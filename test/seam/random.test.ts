// Owns the promise that chance comes from src/seam/random.ts, and that what is drawn there is what the protocol uses.
import { expect, test } from 'vitest'
import { backOff } from '../../src/clickhouse/retry.ts'
import { randomBelow, randomFraction, randomId, replaceRandom } from '../../src/seam/random.ts'
import { countedRandom, leapingClock } from '../support/simulated.ts'

test('the machine draws ids that differ, integers below a limit, and fractions', () => {
  const drawn = Array.from({ length: 100 }, () => [randomId(), randomBelow(3), randomFraction()] as const)
  expect(new Set(drawn.map(([id]) => id)).size).toBe(100)
  expect(new Set(drawn.map(([, integer]) => integer))).toEqual(new Set([0, 1, 2]))
  expect(drawn.every(([, , fraction]) => fraction >= 0 && fraction < 1)).toBe(true)
})

test('replaced randomness repeats itself, and the machine’s comes back', () => {
  countedRandom(0.5)
  expect([randomId(), randomId(), randomBelow(10), randomFraction()]).toEqual(['id-1', 'id-2', 9, 0.5])
  replaceRandom({ id: () => '', below: () => 0, fraction: () => 0 })()
  expect(randomId()).toMatch(/^[0-9a-f-]{36}$/)
})

test('the pause before a retry is drawn', async () => {
  const { sleeps } = leapingClock()
  countedRandom(0.5)
  await backOff(1, new AbortController().signal)
  expect(sleeps).toEqual([750])
})
