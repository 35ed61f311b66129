// Owns the promises of `status`: numbers that do not flatter, lines that fit, JSON that keeps its schema.
import * as fc from 'fast-check'
import pc from 'picocolors'
import { expect, test } from 'vitest'
import { verdictLine, verdictOf } from '../../../src/commands/status/verdict.ts'
import { coverageBar } from '../../../src/terminal/render/bar.ts'
import { percent } from '../../../src/terminal/render/format.ts'
import { jsonOf } from '../../../src/terminal/render/json.ts'
import { statusFields } from '../../../src/commands/status/render.ts'
import { renderStatus } from '../../../src/commands/status/render.ts'
import type { StatusReport, TableReport } from '../../../src/commands/status/status.ts'

const colors = pc.createColors(false)

const [OLD, NEW] = ['0'.repeat(64), 'f'.repeat(64)]

const table = (differences: Partial<TableReport> = {}): TableReport => ({
  table: 'address_diffs',
  target: 'int_address_diffs',
  targetUuid: '6e737b1f-f332-488f-98b2-77c812f732dd',
  eventsSinceCheckpoint: 0,
  unit: 'block',
  first: 46_147,
  head: 22_499_616,
  watermark: 22_499_616,
  covered: [{ from: 46_147, to: 22_499_616 }],
  accepted: [],
  arrived: [],
  missing: [],
  missingBlocks: 0,
  doneBlocks: 22_453_470,
  expectedBlocks: 22_453_470,
  sourceGaps: [],
  incomplete: [],
  unprobed: [],
  kept: null,
  dirty: [],
  stale: [],
  staleVersions: [],
  sqlHash: NEW,
  hint: 'backfill redo address_diffs --stale',
  rows: 1_234_567_890,
  lastRun: '2026-07-01T03:04:05.678Z',
  state: 'up to date',
  lock: null,
  holds: [],
  sourceHead: 22_499_616,
  limit: null,
  absences: [],
  notes: [],
  ...differences,
})

const HOLE = { from: 1_000_000, to: 5_999_999 }
const REPORT: StatusReport = {
  network: 'mainnet',
  tables: [
    table({ sourceGaps: [HOLE] }),
    table({
      table: 'address_storage_slot_first_access',
      state: 'missing',
      watermark: 999_999,
      covered: [{ from: 46_147, to: 999_999 }],
      missing: [{ from: 6_000_000, to: 22_499_616 }],
      missingBlocks: 16_499_617,
      doneBlocks: 953_853,
      expectedBlocks: 17_453_470,
      sourceGaps: [HOLE],
      incomplete: [{ from: 900, to: 900 }],
      stale: [{ from: 46_147, to: 50_000 }],
      staleVersions: [
        {
          sqlHash: OLD,
          hash: OLD,
          reasons: ['sql'],
          blocks: [{ from: 46_147, to: 50_000 }],
          built: { from: '2026-06-01T03:04:05Z', to: '2026-06-02T04:05:06Z' },
        },
      ],
    }),
    table({
      table: 'accounts_alive',
      state: 'dirty',
      watermark: null,
      covered: [],
      missing: [{ from: 46_147, to: 22_499_616 }],
      missingBlocks: 22_453_470,
      doneBlocks: 0,
      dirty: [{ from: 46_147, to: 56_146 }],
      sourceGaps: [HOLE],
      rows: null,
      lastRun: null,
      notes: ['waits for address_diffs.'],
    }),
  ],
}

test('100.0 % is shown only when no block is missing, and the percentage is never rounded up', () => {
  const blocks = fc.integer({ min: 1, max: 2 ** 43 })
  fc.assert(
    fc.property(blocks, blocks, (a, b) => {
      const [done, expected] = [Math.min(a, b), Math.max(a, b)]
      const tenths = Math.round(Number.parseFloat(percent(done, expected)) * 10)
      expect(tenths === 1000).toBe(done === expected)
      expect(BigInt(tenths) * BigInt(expected)).toBeLessThanOrEqual(BigInt(done) * 1000n)
      expect(BigInt(tenths + 1) * BigInt(expected)).toBeGreaterThan(BigInt(done) * 1000n)
    }),
    { examples: [[2 ** 43 - 1, 2 ** 43]] },
  )
  expect(percent(0, 0)).toBe('-')
})

test('a coverage bar is full only when every block is done', () => {
  const range = fc
    .tuple(fc.nat(200), fc.nat(200))
    .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))
  fc.assert(
    fc.property(fc.array(range), fc.integer({ min: 1, max: 30 }), (covered, cells) => {
      const span = { from: 0, to: 200 }
      const all = Array.from({ length: 201 }, (_, n) => covered.some(({ from, to }) => from <= n && n <= to))
      const bar = coverageBar({ span, covered, blocked: [] }, cells)
      expect(bar).toHaveLength(cells)
      expect(bar === '█'.repeat(cells)).toBe(all.every(Boolean))
      expect(bar === '·'.repeat(cells)).toBe(!all.some(Boolean))
    }),
  )
})

test('a bar of more cells than blocks still shows each block', () => {
  expect(coverageBar({ span: { from: 7, to: 8 }, covered: [{ from: 7, to: 7 }], blocked: [] }, 6)).toBe(
    '███···',
  )
})

test('status at any width of a file or a pipe shows every column', async () => {
  const lines = renderStatus(REPORT, { columns: Infinity, colors })
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('../../fixtures/cli/status-wide.txt')
})

test('status fits 120 columns and says what it left out', async () => {
  const lines = renderStatus(REPORT, { columns: 120, colors })
  expect(Math.max(...lines.slice(0, 6).map((line) => line.length))).toBeLessThanOrEqual(120)
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('../../fixtures/cli/status-120.txt')
})

test('status keeps table, % done and state in the narrowest terminal', () => {
  const [, , head] = renderStatus(REPORT, { columns: 20, colors })
  expect(head?.split(/ +/)).toEqual(['table', 'done', 'state'])
})

test('status with colours is the same text', () => {
  const colored = renderStatus(REPORT, { columns: Infinity, colors: pc.createColors(true) }).join('\n')
  expect(colored).toContain('\u001B[')
  // oxlint-disable-next-line no-control-regex -- it is about control codes
  expect(colored.replaceAll(/\u001B\[\d+m/g, '')).toBe(
    renderStatus(REPORT, { columns: Infinity, colors }).join('\n'),
  )
})

test('status --json keeps the schema that programs read', () => {
  const { tables, ...rest } = jsonOf(statusFields(REPORT)) as {
    tables: readonly Record<string, unknown>[]
  }
  expect(rest).toEqual({ network: 'mainnet' })
  expect(tables[1]).toMatchObject({
    table: 'address_storage_slot_first_access',
    target: 'int_address_diffs',
    unit: 'block',
    first: 46_147,
    head: 22_499_616,
    watermark: 999_999,
    covered: [[46_147, 999_999]],
    accepted: [],
    missing: [[6_000_000, 22_499_616]],
    missing_blocks: 16_499_617,
    source_gaps: [[1_000_000, 5_999_999]],
    incomplete: [[900, 900]],
    dirty: [],
    stale: [[46_147, 50_000]],
    sql_hash: NEW,
    stale_versions: [
      {
        sql_hash: OLD,
        reasons: ['sql'],
        ranges: [[46_147, 50_000]],
        blocks: 3_854,
        built_from: '2026-06-01T03:04:05Z',
        built_to: '2026-06-02T04:05:06Z',
      },
    ],
    state: 'missing',
    last_run: '2026-07-01T03:04:05.678Z',
  })
  expect(tables[2]).toMatchObject({ watermark: null, last_run: null })
})

const reason = (exit: number, text: string, key = 'a') => ({ table: key, exit, text })

test('the verdict is the worst of its reasons, 8 before 3 before 4, and its line names each once', () => {
  expect(verdictOf([])).toEqual({ exit: 0, reasons: [] })
  expect(verdictLine(verdictOf([]))).toBeUndefined()
  const stale = reason(4, 'stale 1-2')
  const missing = reason(3, '2 missing blocks')
  expect(verdictOf([stale]).exit).toBe(4)
  expect(verdictOf([stale, missing]).exit).toBe(3)
  const all = verdictOf([stale, missing, reason(8, 'emptied', 'b'), reason(3, '2 missing blocks', 'b')])
  expect(all.exit).toBe(8)
  expect(verdictLine(all)).toBe('status --check: exit 8: b: emptied; a, b: 2 missing blocks; a: stale 1-2')
})

test('a stale range is explained: both hashes, when it was built, why, and what to type', () => {
  const blocks = [{ from: 1, to: 100 }]
  const built = { from: '2026-06-01T03:04:05Z', to: '2026-06-01T03:04:59Z' }
  const version = { sqlHash: OLD, hash: OLD, reasons: ['sql'], blocks, built } as const
  const shown = (staleVersions: TableReport['staleVersions']) =>
    renderStatus(
      {
        network: 'mainnet',
        tables: [table({ state: 'stale', stale: blocks, staleVersions })],
      },
      { columns: Infinity, colors },
    )
  expect(shown([version]).slice(-3)).toEqual([
    'address_diffs: stale 1-100 (100 blocks): sql: built by SQL 00000000, the file is ffffffff now; built 2026-06-01 03:04 UTC.',
    '',
    'Nothing is missing, but ranges of address_diffs are stale: `backfill diff address_diffs` shows what changed, `backfill redo address_diffs --stale` builds them again.',
  ])
  const late = shown([{ ...version, hash: NEW, reasons: ['sources'] }])
  expect(late.at(-3)).toContain('stale 1-100 (100 blocks): sources: source rows have changed since; built')
  expect(late.at(-1)).not.toContain('backfill diff')
  expect(shown([{ ...version, reasons: ['sql', 'mixed'], built: null }]).at(-3)).toContain(
    'the file is ffffffff now; mixed: rows of an earlier attempt, which may differ, could not be deleted.',
  )
})

test('a paused table says who paused it and what ends it, and never that nothing is missing', () => {
  const pause = {
    action: 'pause',
    table: 'address_diffs',
    spares: [],
    jobs: 0,
    by: 'ana',
    host: 'ops1',
    since: '2026-11-26T14:03:09Z',
    until: null,
  } as const
  const tables = [table({ state: 'waiting', missing: [HOLE], missingBlocks: 5_000_000, holds: [pause] })]
  const lines = renderStatus({ network: 'mainnet', tables }, { columns: Infinity, colors })
  expect(lines).toContain(
    'address_diffs: paused by ana on ops1 since 2026-11-26 14:03 UTC: `backfill resume address_diffs` ends it.',
  )
  expect(lines.at(-1)).toBe('Next: `backfill resume` ends the pause; nothing of these tables starts before.')
})

test('what was not looked at now is said: kept from an earlier run, or left out', () => {
  const blocks = [{ from: 1_000_000, to: 5_999_999 }]
  const tables = [
    table({
      sourceGaps: blocks,
      kept: { blocks, ageMs: 600_000 },
      unprobed: [{ from: 7_000_000, to: 8_000_000 }],
    }),
  ]
  const lines = renderStatus({ network: 'mainnet', tables }, { columns: 120, colors }).join('\n')
  expect(lines).toContain(
    'blocks 1000000-5999999 as a run found them 10 min 0 s ago; their source rows are the same.',
  )
  expect(lines).toContain(
    'not looked at: blocks 7000000-8000000; source gaps and incomplete blocks among them',
  )
})
