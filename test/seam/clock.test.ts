// Owns the promise that time comes from src/seam/clock.ts: whoever waits, watches or beats goes by a clock that is replaced.
import { expect, onTestFinished, test, vi } from 'vitest'
import { backOff } from '../../src/clickhouse/retry.ts'
import { openServer } from '../../src/clickhouse/server.ts'
import { reachable } from '../../src/clickhouse/servers.ts'
import { openLocks } from '../../src/lock/lock.ts'
import { lockName } from '../../src/lock/fence.ts'
import { watchLocks } from '../../src/lock/watch.ts'
import {
  after,
  every,
  monotonicMs,
  replaceClock,
  sleep,
  timeoutSignal,
  wallClock,
} from '../../src/seam/clock.ts'
import { answeringWire, BEGIN, countedRandom, leapingClock } from '../support/simulated.ts'

const connection = {
  side: 'target',
  url: 'http://db:8123',
  username: 'ann',
  password: '',
  database: 'dbt',
} as const
const names = { ledger: 'backfill', locks: 'backfill_locks' }
const lock = (comment: object) => ({
  name: lockName({ network: 'mainnet', key: 'accounts_alive', epoch: 7 }),
  silent: 0,
  comment: JSON.stringify({
    host: 'elsewhere',
    pid: 1,
    since: '',
    heartbeat: '',
    released: false,
    ...comment,
  }),
})

test('the machine has a clock: it goes on, sleeps, strikes once and again, and times out', async () => {
  const [begun, date] = [monotonicMs(), wallClock()]
  const struck: string[] = []
  const stops = [after(1, () => struck.push('once')), every(1, () => struck.push('again'))]
  const late = timeoutSignal(1)
  while (!late.aborted || new Set(struck).size < 2) await sleep(1)
  for (const stop of stops) stop()
  expect(monotonicMs()).toBeGreaterThan(begun)
  expect(wallClock().getTime()).toBeGreaterThanOrEqual(date.getTime())
  expect(struck.filter((one) => one === 'once')).toHaveLength(1)
})

test('a time of weeks strikes when it is over, not at once as a timer of Node would', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const struck: string[] = []
  const day = 86_400_000
  after(60 * day, () => struck.push('after'))
  after(60 * day, () => struck.push('cancelled'))()
  const late = timeoutSignal(60 * day)
  vi.advanceTimersByTime(60 * day - 1)
  expect([struck, late.aborted]).toEqual([[], false])
  vi.advanceTimersByTime(1)
  expect([struck, late.aborted]).toEqual([['after'], true])
})

test('a sleep ends with its signal, and does not throw', async () => {
  const controller = new AbortController()
  const asleep = sleep(3_600_000, controller.signal)
  controller.abort()
  await asleep
})

test('a replaced clock goes, and the machine’s comes back', async () => {
  const { clock } = leapingClock()
  await sleep(86_400_000)
  expect([monotonicMs(), wallClock()]).toEqual([86_400_000, new Date(BEGIN + 86_400_000)])
  replaceClock(clock)()
  expect(monotonicMs()).not.toBe(86_400_000)
})

test('a retry waits by the clock', async () => {
  const { sleeps } = leapingClock()
  countedRandom(0)
  for (const attempt of [1, 2, 6]) await backOff(attempt, new AbortController().signal)
  expect(sleeps).toEqual([1_000, 2_000, 30_000])
})

test('a server that stays silent is given up by the clock', async () => {
  const { clock } = leapingClock()
  answeringWire(() => [{ version: '26.7', identity: 'one', changed: [] }])
  const server = await openServer(connection)
  const silent = {
    ...server,
    client: {
      ...server.client,
      ping: async () => ({ success: false as const, error: new Error('silence') }),
    },
  }
  const retryPolicy = { giveUpMs: 300_000, signal: new AbortController().signal }
  await expect(reachable([silent], retryPolicy)).rejects.toThrow('while waiting 300 s for it: silence')
  expect(clock.now()).toBe(301_000)
})

test('a lock grows stale by the clock', async () => {
  const { clock } = leapingClock()
  const store = { list: async () => [lock({})] }
  const watch = watchLocks(store, 'mainnet', false)
  await watch.untilFree('accounts_alive', () => {}, 0)
  expect(clock.now()).toBe(20_000)
})

test('a lock that beats is held, however the clock goes', async () => {
  const { clock } = leapingClock()
  const store = { list: async () => [lock({ beats: clock.now() })] }
  const watch = watchLocks(store, 'mainnet', false)
  await expect(watch.untilFree('accounts_alive', () => {}, 90_000)).rejects.toThrow('is locked by process 1')
  expect(clock.now()).toBe(90_000)
})

test('a lock beats by the clock, says its time and its taker, and stops with its release', async () => {
  const { clock } = leapingClock()
  countedRandom()
  const heard = answeringWire((query) =>
    query.includes('serverUUID') ? [{ version: '26.7', identity: 'one', changed: [] }] : [],
  )
  const server = await openServer(connection)
  const locks = openLocks({ server, names, network: 'mainnet', exclusive: false })
  const held = await locks.acquire('accounts_alive', () => {})
  await clock.sleep(12_000)
  await held.release()
  await clock.sleep(12_000)
  const said = heard.flatMap(({ query }) => {
    const found = /COMMENT '(.*)'$/.exec(query)
    return found === null ? [] : [JSON.parse(found[1]!) as object]
  })
  const since = at(0)
  expect(said).toMatchObject([
    { taker: 'id-1', since, heartbeat: since, beats: 0, released: false },
    { taker: 'id-1', since, heartbeat: at(5_000), beats: 1, released: false },
    { taker: 'id-1', since, heartbeat: at(10_000), beats: 2, released: false },
    { taker: 'id-1', since, heartbeat: at(12_000), beats: 3, released: true },
  ])
})

function at(ms: number): string {
  return new Date(BEGIN + ms).toISOString()
}
