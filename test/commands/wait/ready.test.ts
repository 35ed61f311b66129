// Owns the promise of `wait`: a table is ready up to a block when all is done there and nothing is stale.
import { expect, test } from 'vitest'
import { readinessFields, reasonsNotReady } from '../../../src/commands/wait/command.ts'
import type { StatusReport, TableReport } from '../../../src/commands/status/table-report.ts'

const READY = {
  table: 'a',
  after: [],
  missing: [],
  stale: [],
  incomplete: [],
  absences: [],
  holds: [],
  lock: null,
  misfit: null,
  limit: null,
  sourceHead: 20_000,
  hint: 'backfill redo a --stale',
} as Partial<TableReport>

const reasons = (differences: Partial<TableReport>, to = 20_000) =>
  reasonsNotReady({ ...READY, ...differences } as TableReport, to)

test('what is wrong above the block does not count, and so it is with source gaps', () => {
  const above = [{ from: 101, to: 200 }]
  expect(
    reasons({ missing: above, stale: above, incomplete: above, sourceGaps: [{ from: 1, to: 9 }] }, 100),
  ).toEqual([])
})

test('blocks that the sources do not have yet are waited for, unless the table never has them', () => {
  expect(reasons({}, 20_001)).toEqual([
    'its sources are complete up to block 20000 (newest less --lag): waits for them',
  ])
  expect(reasons({ limit: 13_999, sourceHead: 13_999 }, 20_001)).toEqual([])
  expect(reasons({ sourceHead: null }, 1)).toEqual([
    'its sources are complete up to block - (newest less --lag): waits for them',
  ])
})

test('a table that `up` does not write to is not ready', () => {
  expect(reasons({ misfit: 'is missing on replica 2 of shard 1' })).toEqual([
    '`up` does not write to it: is missing on replica 2 of shard 1',
  ])
})

test('each reason says what is missing and what it waits for', () => {
  const blocks = [{ from: 5, to: 9 }]
  const lock = { host: 'ops2', silentSeconds: 0 } as NonNullable<TableReport['lock']>
  const idle = 'missing 5-9 (5 blocks): no run works on it'
  expect(reasons({ missing: blocks })).toEqual([`${idle}: \`backfill up a\``])
  // Alone it would wait for ever.
  expect(reasons({ missing: blocks, after: ['b'] })).toEqual([`${idle}: \`backfill up +a\``])
  expect(reasons({ missing: blocks, lock })).toEqual(['missing 5-9 (5 blocks): a run on ops2 works on it'])
  expect(
    reasons({
      stale: blocks,
      incomplete: blocks,
      absences: [{ state: 'unknown rows', text: 'it has rows of nobody' }],
    }),
  ).toEqual([
    'it has rows of nobody',
    'incomplete 5-9 (5 blocks): some sources lack these blocks',
    'stale 5-9 (5 blocks): `backfill redo a --stale`',
  ])
})

const onHolesky = (text: string) => text.replace('backfill up', 'backfill up --network holesky')

test('the commands in the reasons carry the flags that were typed', () => {
  const blocks = [{ from: 5, to: 9 }]
  const report = { tables: [{ ...READY, missing: blocks }] } as unknown as StatusReport
  expect(readinessFields(report, 9, onHolesky).tables).toEqual([
    {
      table: 'a',
      reasons: ['missing 5-9 (5 blocks): no run works on it: `backfill up --network holesky a`'],
    },
  ])
})
