// Owns the edges of doctor's evaluation of connections: from which figure on something is not well.
import { expect, test } from 'vitest'
import {
  evaluateBalancer,
  evaluateBuffering,
  evaluateIdleTimeout,
} from '../../../src/commands/doctor/connection.ts'
import { differing } from '../../../src/commands/doctor/ledger.ts'

test('several servers behind the URL of the target are a failure, of a cluster none', () => {
  const behind = { url: 'http://db:8123', identities: ['a', 'b', 'a'], isCluster: false }
  expect(evaluateBalancer('target', behind).status).toBe('fail')
  expect(evaluateBalancer('target', { ...behind, isCluster: true }).status).toBe('ok')
  expect(evaluateBalancer('source', { ...behind, isCluster: true }).status).toBe('warn')
})

test.each([
  [3_000, 'fail'],
  [10_000, 'fail'],
  [10_001, 'warn'],
  [55_000, 'warn'],
])('a silent connection that is closed after %s ms is %s', (afterMs, status) => {
  const cut = { afterMs, message: 'socket hang up' }
  expect(evaluateIdleTimeout('target', { got: { seconds: 60, cut } }).status).toBe(status)
})

test('an answer whose first bytes come late is buffered somewhere', () => {
  expect(evaluateBuffering('target', { got: { firstMs: 750, lastMs: 1000 } }).status).toBe('ok')
  expect(evaluateBuffering('target', { got: { firstMs: 990, lastMs: 1000 } }).status).toBe('warn')
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
