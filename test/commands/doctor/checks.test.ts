// Owns the edges of doctor's evaluation of connections: from which figure on something is not well.
import { expect, test } from 'vitest'
import { findings } from '../../../src/commands/doctor/finding.ts'
import {
  evaluateBalancer,
  evaluateBuffering,
  evaluateIdleTimeout,
} from '../../../src/commands/doctor/side.ts'
import { differing } from '../../../src/commands/doctor/ledger.ts'

test('several servers behind the URL of the target are a failure, of a cluster none', () => {
  const behind = ['http://db:8123', ['a', 'b', 'a']] as const
  expect(evaluateBalancer('target', ...behind, false).status).toBe('fail')
  expect(evaluateBalancer('target', ...behind, true).status).toBe('ok')
  expect(evaluateBalancer('source', ...behind, true).status).toBe('warn')
})

test.each([
  [3_000, 'fail'],
  [10_000, 'fail'],
  [10_001, 'warn'],
  [55_000, 'warn'],
])('a silent connection that is closed after %s ms is %s', (afterMs, status) => {
  const cut = { afterMs, message: 'socket hang up' }
  const say = findings('idle-timeout', 'target')
  expect(evaluateIdleTimeout(say, { seconds: 60, cut }).status).toBe(status)
})

test('an answer whose first bytes come late is buffered somewhere', () => {
  const say = findings('buffering', 'target')
  expect(evaluateBuffering(say, { firstMs: 750, lastMs: 1000 }).status).toBe('ok')
  expect(evaluateBuffering(say, { firstMs: 990, lastMs: 1000 }).status).toBe('warn')
})

const done = (from: number, to: number, sqlHash = 'h') => ({
  from,
  to,
  state: 'done' as const,
  sqlHash,
  forks: '',
  inputs: '',
})

test('two folds differ where a block has another state or other SQL, however its ranges are cut', () => {
  expect(differing([done(1, 9)], [done(1, 4), done(5, 9)])).toEqual([])
  expect(differing([done(1, 9)], [done(1, 4), done(5, 9, 'other')])).toEqual([{ from: 5, to: 9 }])
  expect(differing([done(1, 9)], [done(3, 12)])).toEqual([
    { from: 1, to: 2 },
    { from: 10, to: 12 },
  ])
})
