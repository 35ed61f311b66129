// Owns the promises of how a plan looks.
import * as fc from 'fast-check'
import pc from 'picocolors'
import { expect, test } from 'vitest'
import { jsonOf } from '../../../src/terminal/render/json.ts'
import { renderPlan } from '../../../src/commands/up/render-plan.ts'
import type { PlanReport } from '../../../src/planning/plan.ts'

const colors = pc.createColors(false)

const PLAN: PlanReport = {
  network: 'mainnet',
  jobs: 2,
  steering: [],
  free: { disk: 'default', bytes: 80_500_000_000 },
  stale: [],
  tables: [
    {
      table: 'a',
      missingBlocks: 100_000,
      expectedRows: 10_000_000,
      expectedMs: 40_000,
      expectedBytes: 1_234_000_000,
      chunks: Array.from({ length: 10 }, (_, n) => ({
        table: 'a',
        from: n * 10_000,
        to: n * 10_000 + 9999,
        reason: 'missing',
        expectedRows: 1_000_000,
        expectedMs: 4_000,
      })),
      sourceGaps: [{ from: 200_000, to: 300_000 }],
      incomplete: [],
      unprobed: [],
      kept: { blocks: [{ from: 200_000, to: 300_000 }], ageMs: 600_000 },
      dirty: [],
      create: true,
      leftOut: null,
      notes: [],
    },
    {
      table: 'b',
      missingBlocks: 0,
      expectedRows: 0,
      expectedMs: 0,
      expectedBytes: null,
      chunks: [],
      sourceGaps: [],
      incomplete: [],
      unprobed: [],
      kept: null,
      dirty: [],
      create: false,
      leftOut: null,
      notes: [],
    },
  ],
}

const style = { columns: Infinity, colors, carry: (text: string) => text, chunks: false }

test('a plan has one line a table, and says what will be written and how much room there is', () => {
  expect(renderPlan(PLAN, style)).toMatchInlineSnapshot(`
    [
      "network mainnet",
      "",
      "table  chunks   blocks  source rows  to write    time",
      "a          10  100,000  ~10,000,000   ~1.2 GB  40.0 s",
      "b           -        -            -         -       -",
      "",
      "a: created first",
      "a: source gap 200000-300000 (100,001 blocks): left out",
      "a: 200000-300000 (100,001 blocks): as a run found 10 min 0 s ago",
      "",
      "Next: \`backfill up\` will run 10 chunks, 2 at a time, in about 20.0 s. Nothing has been written.",
      "About 1.2 GB will be written; 80.5 GB are free on the disk default.",
    ]
  `)
})

test('the last line says how many tables do not run, and which; "Nothing to do." is for none', () => {
  const [a, b] = PLAN.tables as [PlanReport['tables'][number], PlanReport['tables'][number]]
  const last = (...tables: PlanReport['tables']) => renderPlan({ ...PLAN, tables }, style).at(-1)
  const named = (leftOut: typeof b.leftOut, ...names: readonly string[]) =>
    names.map((table) => ({ ...b, table, leftOut }))
  expect(last(b)).toBe('Nothing to do.')
  expect(last(b, ...named('stopped', 'c'))).toBe(
    'Nothing runs: 1 table is stopped (c); the lines above say why.',
  )
  expect(last(...named('stopped', 'c', 'd'), ...named('waiting', 'e', 'f', 'g', 'h', 'i'))).toBe(
    'Nothing runs: 2 tables are stopped (c, d) and 5 tables wait (e, f, g and 2 more); the lines above say why.',
  )
  expect(last(a, ...named('waiting', 'c'))).toBe('Left out: 1 table waits (c); the lines above say why.')
})

test('the time counts no more statements at once than there are chunks', () => {
  const [a] = PLAN.tables as [PlanReport['tables'][number]]
  const one = { ...a, chunks: a.chunks.slice(0, 1), expectedMs: 4_000 }
  const lines = renderPlan({ ...PLAN, jobs: 8, tables: [one] }, style)
  expect(lines.join()).toContain('will run 1 chunk, 1 at a time, in about 4.0 s.')
})

test('plan --chunks lists every chunk of the tables that have some', () => {
  const lines = renderPlan(PLAN, { ...style, chunks: true })
  expect(lines.filter((line) => line.endsWith('  missing'))).toHaveLength(10)
  expect(lines).toContain('  90000-99999  about 1,000,000 source rows, 4.0 s  missing')
})

test('no line of a plan is wider than the terminal', () => {
  const number = fc.integer({ min: 0, max: 2 ** 40 })
  const tables = fc.array(
    fc
      .record({
        table: fc.stringMatching(/^[a-z_]{1,40}$/),
        missingBlocks: number,
        expectedRows: number,
        expectedMs: fc.option(number),
        expectedBytes: fc.option(number),
      })
      .map((differences) => ({ ...PLAN.tables[0]!, ...differences })),
    { minLength: 1 },
  )
  fc.assert(
    fc.property(tables, fc.integer({ min: 60, max: 160 }), (some, columns) => {
      const lines = renderPlan({ ...PLAN, tables: some }, { ...style, columns })
      expect(lines.filter((line) => line.length > columns)).toEqual([])
    }),
  )
})

test('plan --json keeps the chunks, and the words of the screen', () => {
  expect(jsonOf(PLAN)).toMatchObject({
    network: 'mainnet',
    jobs: 2,
    free: { disk: 'default', bytes: 80_500_000_000 },
    tables: [
      {
        table: 'a',
        expected_rows: 10_000_000,
        expected_ms: 40_000,
        create: true,
        source_gaps: [[200_000, 300_000]],
      },
      { table: 'b', chunks: [] },
    ],
  })
})

test('of a table of times, a time is what is missing', () => {
  const [table] = PLAN.tables
  const [chunk] = table!.chunks
  const chunks = [{ ...chunk!, from: 1_700_000_000, to: 1_700_000_059 }]
  const plan = { ...PLAN, tables: [{ ...table!, chunks, missingBlocks: 60 }] }
  expect(renderPlan(plan, style).join('\n')).toMatch(/^a +1 +1 min 0 s +~10,000,000/m)
})
