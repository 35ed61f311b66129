// Owns what the live display says of a run that people or the load hold back, and of tables that stand still.
import { expect, test } from 'vitest'
import type { RunEvent } from '../../../src/runner/events.ts'
import { stallLines, totalLine } from '../../../src/terminal/render/live-lines.ts'
import { advance } from '../../../src/terminal/render/run-progress.ts'
import { after, at, done, RUN, stall, started, TWO } from '../../support/run-progress.ts'

const hold = (action: 'pause' | 'limit', spares: readonly string[] = []) =>
  ({ action, table: '', spares, jobs: 1, by: 'ana', host: 'h', since: '', until: null }) as const
const throttled = (text: string, one: ReturnType<typeof hold> | undefined): RunEvent => ({
  type: 'throttled',
  table: undefined,
  text,
  hold: one,
})

test('a limited run says by whom, and still how far it is, how fast and how long; several holds stay until each is released', () => {
  const [limit, pause] = [
    throttled('limited by ana', hold('limit')),
    throttled('paused by bob', hold('pause')),
  ]
  const progress = after(
    ...TWO,
    [3, started('address_diffs', 1001, 2000)],
    [3, done('address_diffs', 1, 1000)],
  )
  const limited = advance(progress, limit, 3000)
  expect(at(limited, 3).slice(-3)).toEqual([
    'waits          ····················    0.0 %  queued',
    'limited by ana',
    '3.0 s, chunk 1 of 12, 1 running, 33 rows/s, 57.0 s left',
  ])
  const both = advance(limited, pause, 3000)
  expect(at(both, 3).slice(-3, -1)).toEqual(['limited by ana', 'paused by bob'])
  const released = advance(both, { ...pause, type: 'released' } as RunEvent, 3000)
  expect(at(released, 3)).toEqual(at(limited, 3))
  expect(stallLines(both, 3000)).toEqual(['limited by ana', 'paused by bob'])
})

const lines = (one: RunEvent) => at(after(...TWO, [2, one]), 2).map((line) => line.split('%  ')[1])

test('a table that a pause or the load holds back is not queued, and one that was resumed is', () => {
  expect(lines(throttled('paused by ana', hold('pause', [])))[1]).toBe('paused')
  expect(lines(throttled('paused by ana', hold('pause', ['waits'])))[1]).toBe('queued')
  expect(lines(throttled('limited by ana', hold('limit')))[1]).toBe('queued')
  expect(lines(throttled('others run 20 queries', undefined))[1]).toBe('throttled')
})

test('after a pause of one table the whole run never shows less time left than a table', () => {
  const [first, second] = ['address_diffs', 'waits'] as const
  const both = after(
    ...TWO,
    [3, done(first, 1, 1000)],
    [3, started(second, 1, 1000)],
    [3, started(first, 1001, 1010)],
    [4, done(second, 1, 9000)],
    [5, done(first, 1001, 1010)],
    [5, started(first, 1011, 1020)],
  )
  const shown = at(both, 5)
  expect(shown[0]).toContain('253 blocks/s, 35.6 s left')
  expect(shown.at(-1)).toContain(' 35.6 s left')
})

test('chunks of a table that has stopped do not count any more', () => {
  const stopped = advance(
    after(...TWO),
    { type: 'table-failed', table: 'waits', error: new Error() as never },
    2,
  )
  expect(at(stopped, 2).at(-1)).toContain('chunk 0 of 10,')
})

test('a table that stands still says why also where there is no room for the sentence', () => {
  const input = { reason: 'input', input: 'address_diffs', block: 19_000_000, failed: false } as const
  const progress = after(...TWO, [2, stall('waits', input)])
  expect(at(progress, 2, 80)[1]).toMatch(/ {2}input address_diffs is at block 19000000$/)
  expect(at(progress, 2, 60)[1]).toMatch(/ {2}waits for input$/)
})

test('a run that was paused before it knew its chunks counts none', () => {
  const paused = after([0, RUN], [1, throttled('paused by ana', hold('pause'))])
  expect(totalLine(paused, { now: 242_000, columns: Infinity })).toBe('4 min 2 s, 0 running')
})
