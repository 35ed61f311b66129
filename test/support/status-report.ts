// Owns a table as `status` sees it, for tests of how it looks.
import type { TableReport } from '../../src/commands/status/table-report.ts'

export const [OLD, NEW] = ['0'.repeat(64), 'f'.repeat(64)]

export const table = (differences: Partial<TableReport> = {}): TableReport => ({
  table: 'address_diffs',
  target: 'int_address_diffs',
  unit: 'block',
  first: 46_147,
  head: 22_499_616,
  newest: 22_500_000,
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
  inProgress: [],
  dirty: [],
  lastFailure: null,
  expectedMs: null,
  unprobed: [],
  kept: null,
  targetUuid: '6e737b1f-f332-488f-98b2-77c812f732dd',
  eventsSinceCheckpoint: 0,
  stale: [],
  after: [],
  staleVersions: [],
  sqlHash: NEW,
  hint: 'backfill redo address_diffs --stale',
  rows: 1_234_567_890,
  mayMerge: true,
  lastRun: '2026-07-01T03:04:05.678Z',
  state: 'up to date',
  lock: null,
  holds: [],
  sourceHead: 22_499_616,
  limit: null,
  standstill: null,
  absences: [],
  misfit: null,
  notes: [],
  ...differences,
})

/** The chain around the tables. */
export const CHAIN = {
  network: 'mainnet',
  head: 22_499_616,
  newest: 22_500_000,
  sourceAges: new Map([['canonical_execution_traces', 14]]),
  lag: 384,
  otherNetworks: undefined,
}
