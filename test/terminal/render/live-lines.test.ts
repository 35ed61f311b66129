// Owns the promises of the live display: what a bar is a share of, that nothing wraps, what is kept where space is short.
import {
  type Arbitrary,
  array,
  assert,
  boolean,
  constantFrom,
  integer,
  nat,
  oneof,
  property,
  stringMatching,
  tuple,
} from 'fast-check'
import { expect, test } from 'vitest'
import type { RunEvent } from '../../../src/runner/events.ts'
import { liveLines, stallLines, totalLine } from '../../../src/terminal/render/live-lines.ts'
import { advance, chunksOf, inFlight, NO_PROGRESS } from '../../../src/terminal/render/run-progress.ts'
import { after, at, colors, done, expected, RUN, stall, started, TWO } from '../../support/run-progress.ts'

test('before the first table there is a word, and tables with nothing to do are not drawn', () => {
  expect(at(NO_PROGRESS, 0)).toEqual([])
  expect(at(after([0, RUN]), 1)).toEqual(['Probing sources…'])
  expect(at(after([0, RUN], [1, expected('a', 0, 0)]), 1, 80, true)).toEqual([])
  expect(at(after(...TWO), 2)).toEqual([
    'address_diffs  ····················    0.0 %  started',
    'waits          ····················    0.0 %  queued',
    '2.0 s, chunk 0 of 12, 1 running',
  ])
  expect(inFlight(after(...TWO))).toBe(1)
})

test('pace and time left follow the last minute, and there is no time left where nothing is in flight', () => {
  const progress = after(
    ...TWO,
    [3, started('address_diffs', 1001, 2000)],
    [3, done('address_diffs', 1, 1000)],
  )
  expect(at(progress, 3)).toEqual([
    'address_diffs  ██··················   10.0 %  500 blocks/s, 18.0 s left',
    'waits          ····················    0.0 %  queued',
    '3.0 s, chunk 1 of 12, 1 running, 33 rows/s, 57.0 s left',
  ])
  const idle = advance(progress, done('address_diffs', 1001, 2000), 4000)
  expect(at(idle, 4).join()).not.toContain('left')
  // An hour later the pace is that of the last minute, not that of the hour.
  let later = after([0, RUN], [0, expected('a', 1_000_000, 1000)])
  for (let second = 0; second < 3600; second++) {
    const fast = second >= 3500 ? 100 : 1
    later = advance(later, started('a', second * 100, second * 100), second * 1000)
    later = advance(later, done('a', second * 100, second * 100 + fast - 1), (second + 1) * 1000)
  }
  later = advance(later, started('a', 0, 1), 3_600_000)
  expect(at(later, 3600)[0]).toContain('  100 blocks/s')
  // Nothing is finished for a minute: the pace falls.
  expect(at(later, 3720)[0]).toContain('  50 blocks/s')
})

test('the last frame of a good run is all full and says so; one with failures does not', () => {
  const good = after([0, RUN], [1, expected('a', 9, 1)], [1, started('a', 1, 9)], [2, done('a', 1, 9)])
  const last = advance(good, expected('a', 9, 0), 2000)
  expect(at(last, 2, 80, true)).toEqual([
    'a  ████████████████████  100.0 %  9 blocks done',
    'all done in 2.0 s, chunk 1 of 1, 50 rows/s',
  ])
  const bad = advance(
    after(...TWO),
    { type: 'table-failed', table: 'waits', error: new Error() as never },
    2000,
  )
  expect(at(bad, 2, 80, true).at(-1)).not.toContain('all done')
  expect(at(bad, 2, 80, true)[1]).toContain('stopped')
})

test('a table, and a run, that stand still say why in place of a pace, and for how long', () => {
  const lock = { reason: 'lock', host: 'runner-2', pid: 4711 } as const
  const away = { reason: 'unreachable', server: 'target', giveUpMs: 300_000 } as const
  const progress = after(...TWO, [2, stall('waits', lock)], [3, stall(undefined, away)])
  expect(at(progress, 22)[1]).toMatch(/ {2}lock of host runner-2 \(process 4711\)$/)
  expect(at(progress, 22).at(-1)).toBe('22.0 s, chunk 0 of 12, 1 running, target unreachable (19 s of 5 m)')
  expect(stallLines(progress, 22_000)).toEqual(['waits: lock of host runner-2 (process 4711)'])
  const on = advance(advance(progress, stall(undefined, undefined), 23_000), started('waits', 1, 2), 23_000)
  expect(at(on, 24).join()).not.toMatch(/lock|unreachable/)
})

test('at 80 columns the time left is kept and the bar shrinks; at 40 it still reads', () => {
  const long = 'address_storage_slot_first_access'
  const progress = after(
    [0, RUN],
    [0, expected(long, 1_000_000, 100)],
    [0, expected(long.replace('first', 'last'), 1_000_000, 100)],
    [0, started(long, 1, 1)],
    [0, started(long, 2, 10_000)],
    [5, done(long, 1, 10_000)],
  )
  expect(at(progress, 5)).toEqual([
    'address_storage_slot_first_access  ··················    1.0 %  8 min 15 s left',
    'address_storage_slot_last_access   ··················    0.0 %  queued',
    '5.0 s, chunk 1 of 200, 1 running, 20 rows/s, 16 min 35 s left',
  ])
  expect(at(progress, 5, 90)[0]).toBe(
    'address_storage_slot_first_access  ············    1.0 %  2,000 blocks/s, 8 min 15 s left',
  )
  expect(at(progress, 5, 40)).toEqual([
    'ad…first_access   1.0 % 8 min 15 s left',
    'ad…_last_access   0.0 % queued',
    '5.0 s, chunk 1 of 200, 16 min 35 s left',
  ])
})

test('no line is wider than the terminal, the bar is the percentage, and no number passes its end', () => {
  const name = stringMatching(/^[a-z][a-z_]{0,40}$/)
  const block = integer({ min: 0, max: 30_000_000 })
  const anEvent = (names: readonly string[]): Arbitrary<RunEvent> =>
    constantFrom(...names).chain((table) =>
      oneof(
        tuple(block, nat(5000)).map(([blocks, chunks]) => expected(table, blocks, chunks)),
        tuple(block, block).map(([from, more]) => started(table, from, from + more)),
        tuple(block, block, block).map(([from, more, rows]) => done(table, from, from + more, rows)),
        constantFrom<RunEvent>(
          stall(table, { reason: 'lock', host: 'h'.repeat(60), pid: 1 }),
          stall(undefined, { reason: 'unreachable', server: 'source', giveUpMs: 9e6 }),
          stall(table, undefined),
        ),
      ),
    )
  const scene = array(name, { minLength: 1, maxLength: 12 }).chain((names) =>
    array(tuple(nat(100_000), anEvent(names)), { maxLength: 60 }),
  )
  assert(
    property(scene, integer({ min: 40, max: 200 }), boolean(), (steps, columns, ended) => {
      let now = 0
      let progress = after([0, RUN])
      for (const [ms, event] of steps) progress = advance(progress, event, (now += ms))
      const lines = liveLines(progress, { now, columns, colors, ended })
      for (const line of lines) expect(line.length).toBeLessThan(columns)
      for (const line of lines) {
        const [, full = '', empty = '', share] = / (█*)(·*) +(\d+\.\d) %/.exec(line) ?? []
        if (share === undefined) continue
        expect(Number(share)).toBeLessThanOrEqual(100)
        const cells = full.length + empty.length
        if (cells > 0)
          expect(Math.abs(full.length / cells - Number(share) / 100)).toBeLessThan(1 / cells + 0.001)
      }
      const chunks = chunksOf(progress)
      expect(chunks.done).toBeLessThanOrEqual(Math.max(chunks.done, chunks.all))
      expect(totalLine(progress, { now, columns, ended }).length).toBeLessThanOrEqual(columns)
    }),
  )
})
