// Owns the promises of how a plan looks.
import pc from 'picocolors'
import { expect, test } from 'vitest'
import { jsonOf } from '../../../src/terminal/render/json.ts'
import { renderPlan } from '../../../src/commands/up/command.ts'
import type { PlanReport } from '../../../src/planning/plan.ts'

const colors = pc.createColors(false)

const PLAN: PlanReport = {
  network: 'mainnet',
  jobs: 2,
  steering: [],
  stale: [],
  tables: [
    {
      table: 'a',
      missingBlocks: 100_000,
      expectedRows: 10_000_000,
      expectedMs: 40_000,
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
      kept: { blocks: [{ from: 200_000, to: 300_000 }], ageMs: 600_000 },
      dirty: [],
      create: true,
      notes: [],
    },
    {
      table: 'b',
      missingBlocks: 0,
      expectedRows: 0,
      expectedMs: 0,
      chunks: [],
      sourceGaps: [],
      incomplete: [],
      kept: null,
      dirty: [],
      create: false,
      notes: [],
    },
  ],
}

test('a plan shows the first chunks of each table and how many more there are', () => {
  expect(renderPlan(PLAN, colors)).toMatchInlineSnapshot(`
    [
      "network mainnet",
      "",
      "a  10 chunks, 100,000 blocks missing, about 10,000,000 source rows, 40.0 s",
      "  the table is created first",
      "  source gap 200000-300000 (100,001 blocks): left out",
      "  200000-300000 (100,001 blocks): as a run found 10 min 0 s ago",
      "  0-9999  about 1,000,000 source rows, 4.0 s  missing",
      "  10000-19999  about 1,000,000 source rows, 4.0 s  missing",
      "  20000-29999  about 1,000,000 source rows, 4.0 s  missing",
      "  30000-39999  about 1,000,000 source rows, 4.0 s  missing",
      "  40000-49999  about 1,000,000 source rows, 4.0 s  missing",
      "  50000-59999  about 1,000,000 source rows, 4.0 s  missing",
      "  60000-69999  about 1,000,000 source rows, 4.0 s  missing",
      "  70000-79999  about 1,000,000 source rows, 4.0 s  missing",
      "  and 2 more chunks up to block 99999 (--json has all)",
      "",
      "b  nothing to run, no block missing",
      "",
      "Next: \`backfill up\` will run 10 chunks, 2 at a time, in about 20.0 s. Nothing has been written.",
    ]
  `)
  expect(jsonOf(PLAN)).toMatchObject({
    network: 'mainnet',
    jobs: 2,
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
