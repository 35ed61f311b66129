// Owns the promises of src/clickhouse/error-codes.ts: what is tried again, what is split, what stops a table, how long it waits.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs, MAX_ATTEMPTS, retryDecision } from '../../src/clickhouse/error-codes.ts'

test.each([
  ['memory limit', 241, 'split'],
  ['timeout', 159, 'split'],
  ['too slow', 160, 'split'],
  ['too many queries', 202, 'retry'],
  ['no free connection', 203, 'retry'],
  ['socket timeout', 209, 'retry'],
  ['network', 210, 'retry'],
  ['no Keeper', 225, 'retry'],
  ['server shutting down', 236, 'retry'],
  ['read-only replica', 242, 'retry'],
  ['too many parts', 252, 'retry'],
  ['no replica answers', 279, 'retry'],
  ['unknown status of an INSERT', 319, 'retry'],
  ['query killed', 394, 'retry'],
  ['Keeper exception', 999, 'retry'],
  ['syntax error', 62, 'stop'],
  ['unknown table', 60, 'stop'],
  ['unknown identifier', 47, 'stop'],
  ['type mismatch', 53, 'stop'],
  ['throwIf', 395, 'stop'],
  ['not enough privileges', 497, 'stop'],
  ['our own refusal', 0, 'stop'],
] as const)('%s (code %i) of a statement: %s', (_name, code, verdict) => {
  expect(retryDecision({ kind: 'failed', code })).toBe(verdict)
})

test.each([
  ['a server that says nothing is gone', 'server', 0, 'gone'],
  ['a refused login stops', 'server', 516, 'stop'],
  ['a lost lock stops', 'locked', 0, 'stop'],
  ['a faulty file stops', 'usage', 0, 'stop'],
] as const)('%s', (_name, kind, code, verdict) => expect(retryDecision({ kind, code })).toBe(verdict))

test('back-off grows from try to try, stays between half a second and half a minute, and differs by chance', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), chance, chance, (attempt, one, other) => {
      expect(backoffMs(attempt, one)).toBeGreaterThanOrEqual(500)
      expect(backoffMs(attempt, one)).toBeLessThanOrEqual(30_000)
      expect(backoffMs(attempt + 1, one)).toBeGreaterThanOrEqual(backoffMs(attempt, one))
      if (other - one > 0.01) expect(backoffMs(attempt, other)).toBeLessThan(backoffMs(attempt, one))
    }),
  )
})

/** What all tries of a range wait together, in ms. */
const waitedMs = (chance: number) =>
  Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => backoffMs(index + 1, chance)).reduce(
    (sum, ms) => sum + ms,
    0,
  )

test('all tries of a range together outlast a server that is busy for 15 seconds, and wait for less than a minute', () => {
  expect(waitedMs(0.999)).toBeGreaterThan(15_000)
  expect(waitedMs(0)).toBeLessThan(60_000)
})
