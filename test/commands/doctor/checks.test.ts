// Owns the edges of doctor's judgement of servers, connections and settings: from which figure on something is not well.
import { expect, test } from 'vitest'
import { evaluateFlow, evaluateIdleTimeout } from '../../../src/commands/doctor/checks/connection.ts'
import type { Diagnosis } from '../../../src/commands/doctor/checks/finding.ts'
import { differing } from '../../../src/commands/doctor/checks/ledger.ts'
import { evaluateClocks, evaluateNode, evaluateServer } from '../../../src/commands/doctor/checks/servers.ts'
import { evaluateSettings, sendable } from '../../../src/commands/doctor/checks/settings.ts'

const short = (found: readonly Diagnosis[]) => found.map(({ check, verdict }) => `${verdict} ${check}`)
const of = (check: string, found: readonly Diagnosis[]) => found.filter((one) => one.check === check)

const SERVER = {
  about: 'target',
  url: 'http://db:8123',
  username: 'me',
  version: '26.7.2.1',
  identities: ['a', 'a'],
  clock: { aheadMs: 0, roundTripMs: 4 },
} as const

test.each([
  ['25.8.1.1', 'ok'],
  ['25.10.1.1', 'ok'],
  ['26.3.1.1', 'ok'],
  ['25.7.9.9', 'fail'],
  ['24.12.1.1', 'fail'],
])('ClickHouse %s is %s', (version, verdict) => {
  expect(of('version', evaluateServer({ ...SERVER, version }, false))).toMatchObject([{ verdict }])
})

test.each([
  ['22.18.0', 'ok'],
  ['24.0.0', 'ok'],
  ['22.17.9', 'fail'],
  ['20.19.0', 'fail'],
])('Node %s is %s', (version, verdict) => {
  expect(evaluateNode({ runtime: 'Node', version })).toMatchObject({ verdict })
})

test.each([
  [2_000, 0, 'ok'],
  [2_001, 0, 'warn'],
  [-2_001, 0, 'warn'],
  [2_400, 1_000, 'ok'],
  [-90_000, 10, 'warn'],
])(
  'a clock that is %s ms ahead, as far as a question of %s ms can tell, is %s',
  (aheadMs, roundTripMs, verdict) => {
    const [found] = of('clock', evaluateServer({ ...SERVER, clock: { aheadMs, roundTripMs } }, false))
    expect(found?.verdict).toBe(verdict)
  },
)

test('the clocks of two servers are compared, and neither is called wrong', () => {
  const { verdict, about, found } = evaluateClocks(
    { aheadMs: 12_000, roundTripMs: 1 },
    { aheadMs: -3_000, roundTripMs: 1 },
  )
  expect({ verdict, about }).toEqual({ verdict: 'warn', about: 'source' })
  expect(found).toContain('15 s ahead of the target')
})

test('several servers behind the URL of the target are a failure, of a cluster none', () => {
  const behind = { ...SERVER, identities: ['a', 'b', 'a'] }
  expect(of('balancer', evaluateServer(behind, false))).toMatchObject([{ verdict: 'fail' }])
  expect(of('balancer', evaluateServer(behind, true))).toMatchObject([{ verdict: 'ok' }])
  expect(of('balancer', evaluateServer({ ...behind, about: 'source' }, true))).toMatchObject([
    { verdict: 'warn' },
  ])
})

test.each([
  [3_000, 'fail'],
  [10_000, 'fail'],
  [10_001, 'warn'],
  [55_000, 'warn'],
])('a silence that is cut after %s ms is %s', (afterMs, verdict) => {
  const cut = { afterMs, words: 'socket hang up' }
  expect(evaluateIdleTimeout('target', { got: { seconds: 60, cut } })).toMatchObject([{ verdict }])
})

test('an answer whose first bytes come late is kept back somewhere', () => {
  expect(short(evaluateFlow('target', { got: { firstMs: 750, lastMs: 1000 } }))).toEqual(['ok streaming'])
  expect(short(evaluateFlow('target', { got: { firstMs: 990, lastMs: 1000 } }))).toEqual(['warn streaming'])
})

const setting = (name: string, value: string, more = {}) => ({
  name,
  value,
  changed: true,
  fixed: false,
  min: undefined,
  max: undefined,
  ...more,
})
const settings = (about: 'source' | 'target', ...got: readonly ReturnType<typeof setting>[]) =>
  evaluateSettings({
    about,
    username: 'my-user',
    pinned: { limit: '0', max_execution_time: 3600, sort_overflow_mode: 'throw', async_insert: 0 },
    more: { optimize_on_insert: 0 },
    asked: { got },
  })

test('a setting that may not be set matters only where its value is another and would do harm', () => {
  const verdictsOf = (name: string, value: string, more = {}) =>
    short(settings('target', setting(name, value, more)))
  const well = ['ok settings', 'ok profile']
  expect(verdictsOf('limit', '0', { fixed: true })).toEqual(well)
  expect(verdictsOf('optimize_on_insert', '1', { fixed: true })).toEqual(well)
  expect(verdictsOf('max_execution_time', '0', { fixed: true })).toEqual(well)
  expect(verdictsOf('max_execution_time', '60', { max: '3600' })).toEqual(well)
  const [found] = settings('target', setting('max_execution_time', '60', { max: '3599' }))
  expect(found).toMatchObject({
    verdict: 'warn',
    found: expect.stringContaining('longer than 60 s'),
    hint: 'ALTER USER `my-user` SETTINGS max_execution_time = 3600',
  })
  expect(verdictsOf('max_execution_time', '9999', { min: '3601' })).toEqual(['warn settings', 'ok profile'])
})

test('a profile that cuts rows off and cannot be overruled fails; one that can is told', () => {
  const row = setting('sort_overflow_mode', 'break')
  expect(settings('source', row)[1]).toMatchObject({
    verdict: 'ok',
    found: expect.stringContaining('is overruled'),
  })
  expect(settings('source', { ...row, changed: false })[1]?.found).toContain('takes nothing away')
  const fixed = settings('source', { ...row, fixed: true })
  expect(short(fixed)).toEqual(['ok settings', 'fail profile'])
  expect(fixed[1]?.hint).toBe("ALTER USER `my-user` SETTINGS sort_overflow_mode = 'throw'")
})

test('how rows would be written is no matter to a user who only reads', () => {
  const row = setting('async_insert', '1', { fixed: true })
  expect(settings('source', row)[1]?.verdict).toBe('ok')
  expect(settings('target', row)[1]?.verdict).toBe('fail')
})

test('a user who may only read will do for the source, not for the target', () => {
  for (const readonly of ['1', '2']) {
    expect(settings('source', setting('readonly', readonly))[0]?.verdict).toBe('ok')
    expect(settings('target', setting('readonly', readonly))[0]?.verdict).toBe('fail')
  }
})

test('what a user may not set is left out of what is sent', () => {
  const rows = [setting('a', '1', { fixed: true }), setting('b', '1', { fixed: true }), setting('c', '1')]
  expect(sendable({ a: 1, b: 2, c: 2, unheard: 1 }, rows)).toEqual({ a: 1, c: 2 })
})

const done = (from: number, to: number, sqlHash = 'h') => ({ from, to, state: 'done', sqlHash })

test('two folds differ where a block has another state or other SQL, however its ranges are cut', () => {
  expect(differing([done(1, 9)], [done(1, 4), done(5, 9)])).toEqual([])
  expect(differing([done(1, 9)], [done(1, 4), done(5, 9, 'other')])).toEqual([{ from: 5, to: 9 }])
  expect(differing([done(1, 9)], [done(3, 12)])).toEqual([
    { from: 1, to: 2 },
    { from: 10, to: 12 },
  ])
})
