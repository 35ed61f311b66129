// Owns the promises of what `log` prints, and what data may print: it fits, it obeys no data, it says what is left out.
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import * as fc from 'fast-check'
import pc from 'picocolors'
import { expect, test } from 'vitest'
import { passOn } from '../../../src/terminal/output.ts'
import { renderRuns } from '../../../src/commands/log/render.ts'
import { visible } from '../../../src/terminal/render/printable.ts'
import type { LoggedRun } from '../../../src/commands/log/log.ts'

const colors = pc.createColors(false)
const HOSTILE = 'a\u001b[31mb\r\n\tc\u0007\u009b2J\u202e'

test('control characters of data are shown, not obeyed', () => {
  expect(visible(HOSTILE)).toBe('a\\x1b[31mb\\r\\n\\tc\\x07\\x9b2J\\u{202e}')
  fc.assert(
    fc.property(
      fc.string({ unit: fc.integer({ min: 0, max: 0x2fff }).map((code) => String.fromCodePoint(code)) }),
      (any) => !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(visible(any)),
    ),
  )
})

test('what is streamed reaches a terminal without control codes, and a pipe byte by byte', async () => {
  const bytes = Buffer.from(`x\u001b[2Jé\n\t${'ü'.repeat(40_000)}`)
  const stream = async (isTTY: boolean) => {
    const out = Object.assign(new PassThrough(), { isTTY })
    const read = text(out)
    // Cut in the middle of a character.
    await passOn(
      Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]),
      out as unknown as NodeJS.WriteStream,
    )
    out.end()
    return await read
  }
  expect(await stream(false)).toBe(bytes.toString())
  expect(await stream(true)).toBe(bytes.toString().replace('\u001b', '\\x1b'))
})

const run = (differences: Partial<LoggedRun>): LoggedRun => ({
  run_id: '0123456789',
  started: '2026-01-02T03:04:05.678Z',
  ended: '2026-01-02T03:04:07.678Z',
  tables: [{ table: 'address_diffs', present: true }],
  chunks_done: 3,
  chunks_failed: 0,
  chunks_open: 0,
  blocks: 3000,
  rows_read: 1,
  rows_written: 12_345,
  accepted_blocks: 0,
  revoked_blocks: 0,
  cleaned_blocks: 0,
  invalidated_blocks: 0,
  marked_stale_blocks: 0,
  outcome: 'done',
  error: null,
  user: 'backfill',
  host: 'db1',
  tool_version: '0.2.0',
  ...differences,
})

test('a run is one line, its error one more: the first line of it, harmless and no wider than the terminal', () => {
  const runs = [
    run({}),
    run({ outcome: 'failed', chunks_failed: 1, error: `Memory limit \u001b[2J ${'x'.repeat(200)}\nstack` }),
    run({ chunks_done: 0, blocks: 0, accepted_blocks: 2500, tables: [{ table: 'gone', present: false }] }),
  ]
  const lines = renderRuns(runs, { columns: 130, colors, limit: 3 })
  expect(lines).toHaveLength(8)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(130)
  expect(lines[1]).toMatch(
    /^2026-01-02 03:04:05  01234567  address_diffs +3 +0 +3,000 +12,345  2\.0 s  backfill@db1 .* done$/,
  )
  expect(lines[3]).toMatch(/^ {2}Memory limit \\x1b\[2J x+…$/)
  expect(lines[4]).toMatch(/gone\* .* accepted 2,500 blocks$/)
  expect(lines.slice(6)).toEqual([
    '* The table was dropped since or does not exist: the event no longer counts.',
    'The latest 3; --limit shows more.',
  ])
  expect(renderRuns([], { columns: 130, colors, limit: 3 })).toEqual(['No runs.'])
  // There may be many that did not.
  expect(renderRuns([], { columns: 130, colors, limit: 3 }, { errors: true })).toEqual(['No run failed.'])
})

test('what log leaves out is said in lines that fit', () => {
  const lines = renderRuns([run({})], { columns: 40, colors, limit: 1 })
  expect(lines.filter((line) => line.length > 40)).toEqual([])
  expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain('(`| cat` shows all).')
})
