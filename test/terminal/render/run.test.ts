// Owns the promises of what a run prints: plain lines, live lines, JSON events, plans, errors.
import pc from 'picocolors'
import { expect, test } from 'vitest'
import { errorLines, exitCodeOf } from '../../../src/terminal/render/error.ts'
import { eventText, failureLines, summaryLines } from '../../../src/terminal/render/run-events.ts'
import { duration, formatRanges } from '../../../src/terminal/render/format.ts'
import { eventFields, jsonOf, summaryFields, verbatim } from '../../../src/terminal/render/json.ts'
import { advance, inFlight, liveLines, NO_PROGRESS } from '../../../src/terminal/render/run-progress.ts'
import { BackfillError, usageError } from '../../../src/model/errors.ts'
import type { RunEvent, RunSummary } from '../../../src/runner/events.ts'

const colors = pc.createColors(false)

const error = new BackfillError('code 60: no such table', { kind: 'failed', hint: 'create it' })
const EVENTS: readonly RunEvent[] = [
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
  { type: 'waiting', table: 'b', blocks: 10_000, on: ['a'] },
]
const SUMMARY: RunSummary = {
  runId: 'r',
  chunks: 120,
  blocks: 1_200_000,
  rowsWritten: 12_345_678,
  elapsedMs: 83_000,
  stale: [],
  failed: [{ table: 'a', error }],
  interrupted: false,
  outOfTime: false,
}

test('each event is one plain line, each failure comes with its hint', () => {
  const lines = [
    ...EVENTS.flatMap((event) => eventText(event, colors).lines),
    ...summaryLines(SUMMARY, colors),
    ...failureLines(SUMMARY, colors),
  ]
  expect(lines).toMatchInlineSnapshot(`
    [
      "a  created mainnet.int_a",
      "a note",
      "warning: a  careful",
      "a  20,000 blocks not done, 5 done before",
      "a  skipped source gap 1-2000 (2,000 blocks): no source has rows there",
      "a  skipped incomplete 2001 (1 block): some sources lack these blocks",
      "a  1-10000  12,345 rows  0.8 s",
      "a  10001-20000  failed: code 60: no such table",
      "a  stopped: code 60: no such table",
      "b  10,000 blocks wait for a",
      "1 table failed; done: 120 chunks, 1,200,000 blocks, 12,345,678 rows in 1 min 23 s (14,458 blocks/s)",
      "backfill: a: code 60: no such table",
      "  create it",
    ]
  `)
})

test('a run without failures says how fast it was, one without chunks that there was nothing to do', () => {
  expect(summaryLines({ ...SUMMARY, failed: [] }, colors)).toEqual([
    'Done: 120 chunks, 1,200,000 blocks, 12,345,678 rows in 1 min 23 s (14,458 blocks/s)',
  ])
  expect(summaryLines({ ...SUMMARY, failed: [], chunks: 0 }, colors)).toEqual(['Nothing to do.'])
  expect(summaryLines({ ...SUMMARY, failed: [], chunks: 0, interrupted: true }, colors)).toEqual([
    'Interrupted. `backfill up` resumes from here.',
  ])
})

const eventJson = (event: RunEvent) => jsonOf(eventFields(event))

test('every event is one JSON object with its name, the summary too', () => {
  for (const event of EVENTS) expect(eventJson(event)).toMatchObject({ event: event.type })
  expect(eventJson(EVENTS[6]!)).toEqual({
    event: 'chunk-done',
    table: 'a',
    from: 1,
    to: 10_000,
    rows_written: 12_345,
    rows_read: 99_999,
    elapsed_ms: 812,
  })
  expect(eventJson(EVENTS[4]!)).toMatchObject({ source_gaps: [[1, 2000]], incomplete: [[2001, 2001]] })
  expect(eventJson(EVENTS[1]!)).toMatchObject({ table: null, text: 'a note' })
  expect(jsonOf(summaryFields(SUMMARY))).toMatchObject({
    event: 'summary',
    blocks: 1_200_000,
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

test('live lines show pace and end, and never wrap', () => {
  let progress = NO_PROGRESS
  EVENTS.slice(0, 6).forEach((event) => (progress = advance(progress, event, 1000)))
  expect(inFlight(progress)).toBe(1)
  expect(liveLines(progress, { now: 2000, columns: 80, colors })).toEqual([
    'a  ····················   0.0 %  started',
  ])
  progress = advance(progress, EVENTS[6]!, 3000)
  expect(inFlight(progress)).toBe(0)
  expect(liveLines(progress, { now: 3000, columns: 80, colors })).toEqual([
    'a  ██████████··········  50.0 %  5,000 blocks/s, 2.0 s left',
  ])
  expect(liveLines(progress, { now: 3000, columns: 40, colors })[0]).toHaveLength(39)
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
