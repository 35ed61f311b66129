// Owns the promises of what a run prints: each failure once along the way and once at its end, each where it belongs.
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { BackfillError } from '../../src/model/errors.ts'
import { createOutput, type Terminal } from '../../src/terminal/output.ts'
import { createReporter } from '../../src/terminal/reporter.ts'

/** Lines that have been printed there since it was asked for the last time. */
function said(stream: PassThrough): readonly string[] {
  return String(stream.read() ?? '')
    .split('\n')
    .filter(Boolean)
}

/** A reporter that prints into memory, as into a file. */
async function reporting(how: { readonly json?: boolean; readonly quiet?: boolean } = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
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
  expect(messages()).toEqual(['a  1-9  failed: no memory for ***'])
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
