// Owns the promises of what a run prints: plain lines, live lines, JSON events, plans, errors.
import pc from 'picocolors'
import { expect, test } from 'vitest'
import { errorLines, exitCodeOf } from '../../../src/terminal/render/error.ts'
import { eventText, failureLines, summaryLines } from '../../../src/terminal/render/run-events.ts'
import { duration, formatRanges } from '../../../src/terminal/render/format.ts'
import { eventFields, jsonOf, summaryFields, verbatim } from '../../../src/terminal/render/json.ts'
import { BackfillError, usageError } from '../../../src/model/errors.ts'
import type { RunEvent, RunSummary } from '../../../src/runner/events.ts'

const colors = pc.createColors(false)

const error = new BackfillError('code 60: no such table', { kind: 'failed', hint: 'create it' })
const RUN: Extract<RunEvent, { type: 'run' }> = {
  type: 'run',
  runId: 'r',
  network: 'mainnet',
  target: 'mainnet on http://here:8123',
  source: 'default',
  servers: 'ClickHouse 26.7.1.1',
  toolVersion: '1.2.3',
}
const INPUT = { reason: 'input', input: 'a', block: 7, failed: true } as const
const WAITS = { type: 'waiting', unit: 'block', hint: undefined } as const
const EVENTS: readonly RunEvent[] = [
  RUN,
  { type: 'created', table: 'a', target: 'mainnet.int_a' },
  { type: 'note', table: undefined, text: 'a note' },
  { type: 'warning', table: 'a', text: 'careful' },
  { type: 'table', table: 'a', missingBlocks: 20_000, doneBlocks: 5 },
  {
    type: 'skipped',
    tables: ['a'],
    sourceGaps: [{ from: 1, to: 2000 }],
    incomplete: [{ from: 2001, to: 2001 }],
  },
  { type: 'chunk-started', table: 'a', range: { from: 1, to: 10_000 }, queryId: 'q' },
  {
    type: 'chunk-done',
    table: 'a',
    range: { from: 1, to: 10_000 },
    rowsWritten: 12_345,
    rowsRead: 99_999,
    elapsedMs: 812,
  },
  { type: 'chunk-failed', table: 'a', range: { from: 10_001, to: 20_000 }, error },
  { type: 'table-failed', table: 'a', error },
  { type: 'standstill', table: 'b', standstill: { reason: 'lock', host: 'runner-2', pid: 7 } },
  { type: 'standstill', table: 'b', standstill: { ...INPUT, failed: false } },
  { type: 'standstill', table: 'b', standstill: undefined },
  { ...WAITS, table: 'b', blocks: 10_000, on: ['a'], standstill: INPUT },
  { ...WAITS, table: 'c', blocks: 1, on: ['a', 'b'], standstill: undefined },
]
const SUMMARY: RunSummary = {
  runId: 'r',
  chunks: 120,
  blocks: 1_200_000,
  seconds: 0,
  rowsWritten: 12_345_678,
  elapsedMs: 83_000,
  stale: [],
  failed: [{ table: 'a', error }],
  interrupted: false,
  outOfTime: false,
}

test('each event is one plain line, each failure comes with its hint', () => {
  const lines = [
    ...EVENTS.flatMap((event) => eventText(event, colors, { done: 3, all: 34 }).lines),
    ...failureLines(SUMMARY, colors),
    ...summaryLines(SUMMARY, { colors, run: RUN, left: [] }),
  ]
  expect(lines).toMatchInlineSnapshot(`
    [
      "backfill 1.2.3: network mainnet, target mainnet on http://here:8123, source default, ClickHouse 26.7.1.1, run r",
      "a  created mainnet.int_a",
      "a note",
      "warning: a  careful",
      "a  skipped source gap 1-2000 (2,000 blocks): no source has rows there",
      "a  skipped incomplete 2001 (1 block): some sources lack these blocks",
      "chunk 3 of 34  a  1-10000  12,345 rows  0.8 s",
      "a  10001-20000  failed: code 60: no such table",
      "a  stopped: code 60: no such table",
      "b  stands still: lock of host runner-2 (process 7)",
      "b  10,000 blocks wait: input a failed at block 7",
      "c  1 block wait for a, b",
      "backfill: a: code 60: no such table",
      "  create it",
      "1 table failed; done: 120 chunks, 1,200,000 blocks, 12,345,678 rows in 1 min 23 s (14,458 blocks/s); network mainnet, target mainnet on http://here:8123",
    ]
  `)
})

const last = (changes: Partial<RunSummary>) =>
  summaryLines({ ...SUMMARY, failed: [], ...changes }, { colors, run: RUN, left: [] })

test('the last line of a run says what was done, how fast, and where', () => {
  const where = '; network mainnet, target mainnet on http://here:8123'
  expect(last({})).toEqual([
    `Done: 120 chunks, 1,200,000 blocks, 12,345,678 rows in 1 min 23 s (14,458 blocks/s)${where}`,
  ])
  expect(last({ chunks: 0 })).toEqual([`Nothing to do${where}.`])
  expect(last({ chunks: 0, interrupted: true })).toEqual([
    `Interrupted${where}. \`backfill up\` resumes from here.`,
  ])
  const stale = [
    { table: 'a', blocks: 5, unit: 'block', reasons: ['sql'], lost: 0, hint: 'backfill redo a --stale' },
  ] as const
  const again = 'Stale: 5 blocks of a (sql). `backfill redo a --stale` builds them again.'
  expect(last({ stale })).toEqual([again, expect.stringMatching(/^Done: /)])
  expect(last({ stale, chunks: 0 })).toEqual([`Nothing to do${where}. ${again}`])
  const some = [{ ...stale[0], lost: 2 }]
  expect(last({ stale: some })[0]).toBe(
    'Stale: 5 blocks of a (sql; 2 blocks of them no longer in what it reads). `backfill redo a --stale` builds them again.',
  )
  expect(last({ stale: [{ ...some[0]!, lost: 5 }] })[0]).not.toContain('redo')
})

test('a run without work is one line, however many tables leave out something', () => {
  const gaps = [{ from: 1, to: 2000 }]
  const left = [
    { type: 'skipped', tables: ['a'], sourceGaps: gaps, incomplete: [{ from: 2001, to: 2001 }] },
    { type: 'skipped', tables: ['b'], sourceGaps: gaps, incomplete: [{ from: 2005, to: 2005 }] },
    {
      ...WAITS,
      table: 'c',
      blocks: 3,
      on: ['d'],
      standstill: { ...INPUT, input: 'd', failed: false },
      hint: 'backfill up +c',
    },
  ] as const
  const summary = { ...SUMMARY, chunks: 0, failed: [] }
  expect(summaryLines(summary, { colors, run: undefined, left })).toEqual([
    'Nothing to do; source gap 1-2000 (2,000 blocks); incomplete 2001, 2005 (2 blocks); c: 3 blocks wait: input d is at block 7 (`backfill up +c` builds what it reads, too).',
  ])
})

const eventJson = (event: RunEvent) => jsonOf(eventFields(event))

test('every event is one JSON object with its name, the summary too', () => {
  for (const event of EVENTS) expect(eventJson(event)).toMatchObject({ event: event.type })
  expect(eventJson(EVENTS[7]!)).toEqual({
    event: 'chunk-done',
    table: 'a',
    from: 1,
    to: 10_000,
    rows_written: 12_345,
    rows_read: 99_999,
    elapsed_ms: 812,
  })
  expect(eventJson(EVENTS[5]!)).toMatchObject({ source_gaps: [[1, 2000]], incomplete: [[2001, 2001]] })
  expect(eventJson(EVENTS[2]!)).toMatchObject({ table: null, text: 'a note' })
  expect(eventJson(EVENTS[10]!)).toMatchObject({
    table: 'b',
    standstill: { reason: 'lock', host: 'runner-2', pid: 7 },
    text: 'lock of host runner-2 (process 7)',
  })
  expect(jsonOf(summaryFields(SUMMARY))).toMatchObject({
    event: 'summary',
    blocks: 1_200_000,
    seconds: 0,
    failed: [{ table: 'a', error: { kind: 'failed', message: error.message, hint: 'create it' } }],
  })
})

test('data is one JSON document: keys in snake_case, no key is lost, and rows of a table stay as they are', () => {
  const rows = [[{ someKey: 1, from: 1, to: 2 }]]
  const data = {
    lastRun: new Date(0),
    notThere: undefined,
    none: null,
    empty: [],
    blocks: [{ from: 1, to: 2 }],
    ranges: [{ from: 1, to: 2, why: undefined }],
    nested: { aError: error },
    rows: verbatim(rows),
  }
  expect(JSON.parse(JSON.stringify(jsonOf(data)))).toEqual({
    last_run: '1970-01-01T00:00:00.000Z',
    not_there: null,
    none: null,
    empty: [],
    blocks: [[1, 2]],
    ranges: [{ from: 1, to: 2, why: null }],
    nested: { a_error: { kind: 'failed', message: error.message, hint: 'create it' } },
    rows,
  })
})

test('ranges are written as they are typed, durations as they are said', () => {
  expect(formatRanges([{ from: 5, to: 5 }])).toBe('5 (1 block)')
  expect(formatRanges([1, 3, 5, 7, 9].map((from) => ({ from, to: from })))).toBe(
    '1, 3, 5 and 2 more (5 blocks)',
  )
  expect([0, 59_900, 59_960, 3_600_000, 7_500_000].map(duration)).toEqual([
    '0.0 s',
    '59.9 s',
    '1 min 0 s',
    '1 h 0 min',
    '2 h 5 min',
  ])
})

test('an error is a sentence and a hint; anything else is called a defect; a stack comes only on request', () => {
  const plain = { colors, stack: false }
  expect(errorLines(usageError('bad\n  value', 'type x'), plain)).toEqual(['backfill: bad value', '  type x'])
  const defect = errorLines(new TypeError('x is undefined'), plain)
  expect(defect[0]).toBe('backfill: x is undefined (this is a defect of backfill, please report it)')
  expect(defect.join('\n')).not.toContain('run.test.ts')
  expect(errorLines(new TypeError('x'), { colors, stack: true }).join('\n')).toContain('run.test.ts')
  const kinds = ['failed', 'usage', 'locked', 'server'] as const
  expect(kinds.map((kind) => exitCodeOf(new BackfillError('', { kind })))).toEqual([1, 2, 5, 6])
  expect(exitCodeOf(new TypeError('x'))).toBe(1)
})

const sums = (of: Partial<RunSummary>) =>
  summaryLines({ ...SUMMARY, failed: [], ...of }, { colors, run: undefined, left: [] })

test('tables that count seconds are told as times, and not as blocks', () => {
  const events: readonly RunEvent[] = [
    { ...WAITS, table: 'b', blocks: 5400, unit: 'second', on: ['a'], standstill: undefined },
    {
      type: 'standstill',
      table: 'b',
      standstill: { reason: 'input', input: 'a', block: 1_710_338_100, failed: true },
    },
  ]
  expect([
    ...events.flatMap((event) => eventText(event, colors, { done: 3, all: 34 }).lines),
    ...sums({ blocks: 0, seconds: 5400 }),
    ...sums({ blocks: 7, seconds: 5400 }),
    ...sums({ stale: [{ table: 'a', blocks: 60, unit: 'second', reasons: ['sql'], lost: 0, hint: 'h' }] }),
  ]).toMatchInlineSnapshot(`
    [
      "b  1 h 30 min wait for a",
      "b  stands still: input a failed at 2024-03-13T13:55:00",
      "Done: 120 chunks, a span of 1 h 30 min, 12,345,678 rows in 1 min 23 s",
      "Done: 120 chunks, 7 blocks, a span of 1 h 30 min, 12,345,678 rows in 1 min 23 s (0 blocks/s)",
      "Stale: 1 min 0 s of a (sql). \`h\` builds them again.",
      "Done: 120 chunks, 1,200,000 blocks, 12,345,678 rows in 1 min 23 s (14,458 blocks/s)",
    ]
  `)
})
