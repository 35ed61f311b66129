// Owns the promises of what a run prints: each failure once along the way and once at its end, each where it belongs.
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { BackfillError } from '../../src/model/errors.ts'
import { createOutput, type Terminal } from '../../src/terminal/output.ts'
import { replaceClock } from '../../src/seam/clock.ts'
import { createReporter } from '../../src/terminal/reporter.ts'

/** Lines that have been printed there since it was asked for the last time. */
function said(stream: PassThrough): readonly string[] {
  return String(stream.read() ?? '')
    .split('\n')
    .filter(Boolean)
}

/** A reporter that prints into memory, as into a file. */
async function reporting(
  how: { readonly json?: boolean; readonly quiet?: boolean } = {},
  tty: { readonly isTTY?: true; readonly columns?: number } = {},
) {
  const [stdout, stderr] = [Object.assign(new PassThrough(), tty), Object.assign(new PassThrough(), tty)]
  const terminal = {
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    env: {},
    cwd: () => '/',
  }
  const output = createOutput(terminal, new Map(), ['s3cret'])
  const reporter = await createReporter(output, { json: false, quiet: false, ...how })
  return { reporter, messages: () => said(stderr), results: () => said(stdout) }
}

const RUN = {
  type: 'run',
  runId: 'r',
  network: 'mainnet',
  target: 't',
  source: 's',
  servers: 'ClickHouse 26.7',
  toolVersion: '1',
} as const
const NOTHING_DONE = {
  runId: 'r',
  chunks: 0,
  blocks: 0,
  seconds: 0,
  rowsWritten: 0,
  elapsedMs: 0,
  stale: [],
  failed: [],
  interrupted: false,
  outOfTime: false,
} as const
// oxlint-disable-next-line no-control-regex -- it is about control codes
const ANSI = /\u001B\[[\d;?]*[a-zA-Z]/g
const range = { from: 1, to: 9 }
const broken = () => new BackfillError('no memory for s3cret', { kind: 'failed', code: 241 })
const failing = (error: BackfillError) =>
  [
    { type: 'chunk-failed', table: 'a', range, error },
    { type: 'table-failed', table: 'a', error },
  ] as const

test('the error of a chunk is also why its table stopped, and is printed once, without the password in it', async () => {
  const { reporter, messages } = await reporting()
  for (const event of failing(broken())) reporter.report(event)
  expect(messages()).toEqual([
    expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ a {2}1-9 {2}failed: no memory for \*{3}$/),
  ])
})

test('the same words of another error are printed again', async () => {
  const { reporter, messages } = await reporting({ quiet: true })
  for (const error of [broken(), broken()]) for (const event of failing(error)) reporter.report(event)
  expect(messages()).toHaveLength(2)
})

test('in JSON every event is an object of its own, and the alarm stands beside it for people', async () => {
  const { reporter, messages, results } = await reporting({ json: true })
  for (const event of failing(broken())) reporter.report(event)
  expect(results().map((line) => (JSON.parse(line) as { event: string }).event)).toEqual([
    'chunk-failed',
    'table-failed',
  ])
  expect(results().join('')).not.toContain('s3cret')
  expect(messages()).toHaveLength(1)
})

test('JSON is JSON whatever the password is: numbers and names stay, and texts are masked', () => {
  const stdout = new PassThrough()
  const terminal = { stdout, stderr: stdout, env: {}, cwd: () => '/' } as unknown as Terminal
  const output = createOutput(terminal, new Map(), ['2000', 'true', 'mainnet'])
  output.json({ rows: 2000, done: true, network: 'mainnet', said: 'no 2000', at: 'http://ann:mainnet@db' })
  expect(said(stdout).map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({
      rows: 2000,
      done: true,
      network: 'mainnet',
      said: 'no ***',
      at: 'http://ann:***@db',
    }),
  ])
})

/** A clock that stands at `time.now` and ticks when it is told to. */
function handClock() {
  const time = { now: 0, tick: () => {} }
  onTestFinished(
    replaceClock({
      now: () => time.now,
      date: () => new Date(time.now),
      sleep: async () => {},
      after: () => () => {},
      every: (_, work) => {
        time.tick = work
        return () => void (time.tick = () => {})
      },
      timeout: () => new AbortController().signal,
    }),
  )
  return time
}

test('a log is never silent for a minute: it says how far the run is and what stands still, until it ends', async () => {
  const time = handClock()
  const { reporter, messages } = await reporting()
  const wait = (ms: number) => {
    time.now += ms
    time.tick()
    return messages()
  }
  expect(wait(120_000)).toEqual([]) // no run has begun
  reporter.report({ ...RUN })
  reporter.report({ type: 'expected', table: 'a', blocks: 20, unit: 'block', chunks: 2 })
  reporter.report({ type: 'chunk-started', table: 'a', range, queryId: 'q' })
  reporter.report({ type: 'expected', table: 'b', blocks: 20, unit: 'block', chunks: 1 })
  const lock = { reason: 'lock', host: 'runner-2', pid: 7 } as const
  reporter.report({ type: 'standstill', table: 'b', standstill: lock })
  expect(messages().map((line) => line.slice(21))).toEqual([
    expect.stringMatching(/^backfill 1: network mainnet, target t, /),
    'a  20 blocks not done',
    'b  stands still: lock of host runner-2 (process 7)',
  ])
  expect(wait(59_000)).toEqual([])
  expect(wait(1_000).map((line) => line.slice(21))).toEqual([
    '1 min 0 s, chunk 0 of 3, 1 running',
    'b: lock of host runner-2 (process 7)',
  ])
  expect(wait(59_000)).toEqual([])
  expect(wait(1_000)).toHaveLength(2)
  reporter.abandon()
  expect(wait(120_000)).toEqual([])
})

test('in a terminal no word of a long line is cut in two', async () => {
  const { reporter, messages, results } = await reporting({}, { isTTY: true, columns: 60 })
  reporter.report({ ...RUN, target: 'mainnet on http://clickhouse.example.org:8123' })
  reporter.report({ type: 'note', table: 'a', text: 'short' })
  reporter.finish({ ...NOTHING_DONE })
  const shown = [...messages(), ...results()].map((line) => line.replaceAll(ANSI, ''))
  expect(shown).toContain('  http://clickhouse.example.org:8123, source s, ClickHouse')
  expect(shown).toContain('a  short')
  expect(shown).toContain('Nothing to do; network mainnet, target mainnet on')
  expect(shown.filter((line) => line.length > 60)).toEqual([])
})

test('a log in a terminal, whose lines have times, keeps each in one line', async () => {
  const { reporter, results } = await reporting({}, { isTTY: true, columns: 39 })
  reporter.report({ ...RUN })
  reporter.finish({ ...NOTHING_DONE })
  expect(results()).toEqual([expect.stringMatching(/Z Nothing to do; network mainnet, target t\.$/)])
})

test('in a terminal the first line of a run with work says network and servers, also where nothing else is to be said', async () => {
  const { reporter, messages } = await reporting({}, { isTTY: true, columns: 200 })
  reporter.report({ ...RUN })
  expect(messages().join()).not.toContain('network mainnet')
  reporter.report({ type: 'expected', table: 'a', blocks: 9, unit: 'block', chunks: 1 })
  reporter.report({ type: 'chunk-started', table: 'a', range, queryId: 'q' })
  reporter.report({ type: 'chunk-started', table: 'b', range, queryId: 'q' })
  reporter.finish({ ...NOTHING_DONE, chunks: 1 })
  expect(messages().join().split('network mainnet, target t, source s')).toHaveLength(2)
})

test('under --quiet a minute passes in silence', async () => {
  const time = handClock()
  const { reporter, messages } = await reporting({ quiet: true })
  reporter.report({ ...RUN })
  time.now = 120_000
  time.tick()
  expect(messages()).toEqual([])
})

test('in JSON a finished chunk says which of how many it is', async () => {
  const { reporter, results } = await reporting({ json: true })
  reporter.report({ ...RUN })
  reporter.report({ type: 'expected', table: 'a', blocks: 20, unit: 'block', chunks: 2 })
  reporter.report({ type: 'chunk-started', table: 'a', range, queryId: 'q' })
  reporter.report({ type: 'chunk-done', table: 'a', range, rowsWritten: 1, rowsRead: 1, elapsedMs: 1 })
  const events = results().map((line) => JSON.parse(line) as { event: string })
  expect(events.map(({ event }) => event)).toEqual(['run', 'chunk-started', 'chunk-done'])
  expect(events[2]).toMatchObject({ chunk: 1, chunks: 2 })
})

test('colours take no room: a coloured line breaks where a plain one does', async () => {
  const { reporter, results } = await reporting({}, { isTTY: true, columns: 60 })
  reporter.report({ ...RUN, target: 'mainnet on http://localhost:8123' })
  reporter.finish({ ...NOTHING_DONE, chunks: 60, blocks: 12_000, rowsWritten: 16_140, elapsedMs: 21_200 })
  const plain = results().map((line) => line.replaceAll(ANSI, ''))
  expect(plain[0]).toMatch(/^Done: 60 chunks, 12,000 blocks, 16,140 rows in 21\.2 s/)
  expect(Math.max(...plain.map((line) => line.length))).toBeLessThanOrEqual(60)
})

test('a run without work is one line, also where tables have no blocks here', async () => {
  const { reporter, messages, results } = await reporting()
  const empty = (table: string) =>
    reporter.report({ type: 'note', table, text: 'its blocks are 9.., the sources have 1..5', isEmpty: true })
  reporter.report({ ...RUN })
  empty('a')
  reporter.finish({ ...NOTHING_DONE })
  expect([messages(), results()]).toEqual([
    [],
    [
      expect.stringMatching(
        /Z Nothing to do; a: its blocks are 9\.\., the sources have 1\.\.5; network mainnet/,
      ),
    ],
  ])
  for (const table of ['a', 'b', 'c']) empty(table)
  reporter.finish({ ...NOTHING_DONE })
  expect(results()).toEqual([
    expect.stringContaining('3 tables have no blocks here: `backfill status` says why'),
  ])
})

test('every event in JSON carries the id of its run', async () => {
  const { reporter, results } = await reporting({ json: true })
  reporter.report({ ...RUN })
  reporter.report({ type: 'note', table: 'a', text: 'x', isEmpty: true })
  reporter.report({ type: 'chunk-started', table: 'a', range, queryId: 'q' })
  reporter.finish({ ...NOTHING_DONE })
  const events = results().map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(events.map((event) => event['run_id'])).toEqual(['r', 'r', 'r', 'r'])
  expect(events[1]).not.toHaveProperty('is_empty')
})
