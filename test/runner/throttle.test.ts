// Owns the promises of a run that is held back: said at once, again each minute and when it is over; and of the number of
// statements, which follows what others do.
import { expect, test } from 'vitest'
import type { Others } from '../../src/clickhouse/capacity.ts'
import type { Hold } from '../../src/ledger/steering.ts'
import type { UpOptions } from '../../src/planning/run-options.ts'
import { standstillText } from '../../src/model/standstill.ts'
import type { RunEvent } from '../../src/runner/events.ts'
import type { Workspace } from '../../src/runner/workspace.ts'
import { makeThrottle } from '../../src/runner/throttle.ts'
import { leapingClock } from '../support/simulated.ts'
import { OPTIONS } from '../support/workspace.ts'

const PAUSE: Hold = {
  action: 'pause',
  table: '',
  spares: ['b'],
  jobs: 0,
  by: 'ana',
  host: 'ops1',
  since: '2026-11-26T14:03:09Z',
  until: '2026-11-26T18:00:00Z',
}
const TEXT = 'paused by ana on ops1 since 2026-11-26 14:03 UTC, until 2026-11-26 18:00 UTC, but for b'

type Conditions = {
  holds: readonly Hold[] | Promise<readonly Hold[]>
  others: Others | Error
  isKnown?: boolean
}

function throttled(around: Conditions, options: Partial<UpOptions> = {}) {
  const { clock } = leapingClock()
  const told: string[] = []
  const others = async () => {
    if (around.others instanceof Error) throw around.others
    return around.others
  }
  const throttle = makeThrottle(
    {
      chosen: [{ key: 'a' }, { key: 'b' }],
      ports: {
        steering: { read: async () => around.holds },
        load: { others, rows: async () => [], isKnown: around.isKnown ?? true },
      },
    } as unknown as Workspace,
    { ...OPTIONS, tableJobs: undefined, ...options },
    { cores: 16, busyCores: 12, statementBytes: undefined, serverBytes: undefined },
    (event: RunEvent) => {
      if (event.type === 'standstill')
        told.push(event.standstill === undefined ? 'goes on' : standstillText(event.standstill, 0))
      if (event.type === 'throttled' || event.type === 'released') told.push(`${event.type} ${event.text}`)
    },
  )
  /** Looks for this many seconds. */
  const watch = async (seconds: number) => {
    const end = throttle.watch()
    await clock.sleep(seconds * 1000)
    await end()
  }
  return { throttle, told, watch, clock }
}

const QUIET: Others = { queries: 0, cores: 0 }

test('a pause holds its tables, is said once a minute, and its end is said', async () => {
  const around: Conditions = { holds: [PAUSE], others: QUIET }
  const { throttle, told, watch } = throttled(around)
  await throttle.look()
  expect(['a', 'b'].map(throttle.slotsOf)).toEqual([0, 2])
  await watch(119)
  expect(told).toEqual([`throttled ${TEXT}`, `throttled ${TEXT}`])
  around.holds = []
  const changed = throttle.changed()
  await watch(9)
  await changed
  expect(told.slice(2)).toEqual([`released no longer ${TEXT}`])
  expect(throttle.slotsOf('a')).toBe(2)
})

test('a limit lowers the statements of its table, or of all; it never raises them', async () => {
  const limit = { ...PAUSE, action: 'limit', spares: [] } as const
  const { throttle } = throttled(
    {
      holds: [
        { ...limit, jobs: 3 },
        { ...limit, table: 'a', jobs: 1 },
        { ...limit, table: 'b', jobs: 9 },
      ],
      others: QUIET,
    },
    { jobs: 4 },
  )
  await throttle.look()
  expect([throttle.jobs(), throttle.slotsOf('a'), throttle.slotsOf('b'), throttle.most()]).toEqual([
    3, 1, 4, 4,
  ])
})

test('the number of statements is chosen again each minute by the cores that others use, unless --jobs says it', async () => {
  const around: Conditions = { holds: [], others: { queries: 3, cores: 12 } }
  const { throttle, watch } = throttled(around, { jobs: undefined })
  expect(throttle.jobs()).toBe(2)
  around.others = QUIET
  await watch(61)
  expect(throttle.jobs()).toBe(8)
  around.others = { queries: 3, cores: 14.8 }
  await watch(61)
  expect([throttle.jobs(), throttle.most()]).toEqual([1, 8])
  // Not allowed to ask, the number stays.
  around.others = new Error('denied')
  await watch(61)
  expect(throttle.jobs()).toBe(1)
  const fixed = throttled({ holds: [], others: { queries: 0, cores: 16 } }, { jobs: 5 })
  await fixed.watch(61)
  expect(fixed.throttle.jobs()).toBe(5)
})

test('on a source server of its own, nobody looks at its queries unasked', async () => {
  const { throttle, watch } = throttled({ holds: [], others: QUIET, isKnown: false }, { jobs: undefined })
  await watch(61)
  expect(throttle.jobs()).toBe(2)
})

test('above --max-load nothing starts; below it goes on; a question that fails later holds, and ends nothing', async () => {
  const around: Conditions = { holds: [], others: { queries: 21, cores: 3 } }
  const { throttle, told, watch } = throttled(around, { maxLoad: { queries: 20 } })
  await throttle.look()
  expect(throttle.slotsOf('a')).toBe(0)
  around.others = { queries: 20, cores: 3 }
  await watch(6)
  expect(throttle.slotsOf('a')).toBe(2)
  around.others = new Error('timeout')
  await watch(6)
  expect(throttle.slotsOf('a')).toBe(0)
  expect(told).toEqual([
    'throttled throttled by load: others run 21 queries, more than --max-load 20',
    'released no longer throttled by load: others run 21 queries, more than --max-load 20',
    'throttled throttled by load: timeout',
  ])
  await expect(throttle.look()).rejects.toThrow('timeout')
})

test('a server that hangs is said within 20 s, once, and again when it answers', async () => {
  const gate = Promise.withResolvers<readonly Hold[]>()
  const around: Conditions = { holds: gate.promise, others: QUIET }
  const { throttle, told, clock } = throttled(around)
  const end = throttle.watch()
  await clock.sleep(20_000)
  expect(told).toEqual(['no answer from ClickHouse for 10 s'])
  gate.resolve([])
  await end()
  expect(told).toEqual(['no answer from ClickHouse for 10 s', 'goes on'])
})
