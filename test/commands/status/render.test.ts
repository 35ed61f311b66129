// Owns the promises of `status`: numbers that do not flatter, lines that fit, JSON that keeps its schema.
import * as fc from 'fast-check'
import pc from 'picocolors'
import { expect, test } from 'vitest'
import { jsonOf } from '../../../src/terminal/render/json.ts'
import { renderStatus, SORTS, sorted, statusFields } from '../../../src/commands/status/render.ts'
import { CHAIN, NEW, OLD, table } from '../../support/status-report.ts'
import type { StatusReport, TableReport } from '../../../src/commands/status/table-report.ts'

const colors = pc.createColors(false)

const carry = (text: string) => text

const HOLE = { from: 1_000_000, to: 5_999_999 }
const REPORT: StatusReport = {
  ...CHAIN,
  tables: [
    table({ sourceGaps: [HOLE] }),
    table({
      table: 'address_storage_slot_first_access',
      state: 'missing',
      watermark: 999_999,
      covered: [{ from: 46_147, to: 999_999 }],
      missing: [{ from: 6_000_000, to: 22_499_616 }],
      missingBlocks: 16_499_617,
      expectedMs: 98_765_432,
      unprobed: [{ from: 9_000_000, to: 22_499_616 }],
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

test('status at any width of a file or a pipe shows every column', async () => {
  const lines = renderStatus(REPORT, { columns: Infinity, colors, carry })
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('../../fixtures/cli/status-wide.txt')
})

test.each([80, 100, 120])(
  'status at %i columns has the columns of its width, and says what it left out',
  async (columns) => {
    const lines = renderStatus(REPORT, { columns, colors, carry })
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`../../fixtures/cli/status-${columns}.txt`)
  },
)

test('no line of status is wider than the terminal, whatever the tables hold', () => {
  const word = fc.stringMatching(/^[a-z_]{1,24}$/)
  const blocks = fc.integer({ min: 0, max: 99_999_999 })
  const tables = fc.array(
    fc
      .record({
        table: fc.stringMatching(/^[a-z_]{1,40}$/),
        missingBlocks: blocks,
        doneBlocks: blocks,
        watermark: blocks,
        rows: fc.integer({ min: 0, max: 2 ** 40 }),
        expectedMs: fc.option(fc.integer({ min: 0, max: 1e11 })),
        state: fc.constantFrom<TableReport['state']>('missing', 'emptied in part', 'up to date'),
        dirty: fc.array(blocks.map((from) => ({ from, to: from }))),
        notes: fc.array(fc.array(word).map((words) => words.join(' '))),
      })
      .map(table),
    { minLength: 1 },
  )
  fc.assert(
    fc.property(tables, fc.integer({ min: 72, max: 200 }), (some, columns) => {
      const lines = renderStatus({ ...CHAIN, tables: some }, { columns, colors, carry })
      expect(lines.filter((line) => line.length > columns)).toEqual([])
    }),
  )
})

test('status keeps table, % done and state in the narrowest terminal', () => {
  const lines = renderStatus(REPORT, { columns: 20, colors, carry })
  expect(lines.find((line) => line.startsWith('table'))?.split(/ +/)).toEqual(['table', 'done', 'state'])
})

test('at 40 columns no line of status is wider, and names that differ at their ends stay apart', () => {
  const names = ['address_storage_slot_first_access', 'address_storage_slot_last_access']
  const tables = names.map((name) => table({ table: name, state: 'not created' }))
  const lines = renderStatus({ ...CHAIN, tables }, { columns: 40, colors, carry })
  expect(lines.filter((line) => line.length > 40)).toEqual([])
  expect(lines.filter((line) => /^addre.*not created$/.test(line)).map((line) => line.slice(0, 18))).toEqual([
    'addre…first_access',
    'addre…_last_access',
  ])
})

test('an empty table is not shown as complete: what was emptied has no percentage, what never had rows says none', () => {
  const emptied = { state: 'emptied' as const, text: 'x is empty' }
  const tables = [table({ rows: 0, state: 'emptied', absences: [emptied] }), table({ rows: 0 })]
  const [, , , ...rows] = renderStatus({ ...CHAIN, tables }, { columns: 100, colors, carry })
  expect(rows[0]).toMatch(/^address_diffs +- +0 +0 +0 +22,499,616 +emptied/)
  expect(rows[1]).toMatch(/^address_diffs +100\.0 % +0 +0 +none/)
})

test('a chunk that runs is in progress, not dirty, and says where', () => {
  const lock = {
    name: 'x',
    epoch: 1,
    host: 'db1',
    pid: 7,
    pidNamespace: '',
    since: '',
    heartbeat: '2026-07-01T03:04:05Z',
    silentSeconds: 3,
    command: 'up',
    released: false,
  }
  const tables = [table({ state: 'in progress', lock, inProgress: [{ from: 5, to: 9 }] })]
  const text = renderStatus({ ...CHAIN, tables }, { columns: Infinity, colors, carry }).join('\n')
  expect(text).toContain(
    `address_diffs: in progress 5-9 (5 blocks).
address_diffs: held by db1 (pid 7), last heartbeat 2026-07-01 03:04:05 UTC. If that process hangs: \`backfill unlock address_diffs\`.`,
  )
  expect(text).not.toContain('dirty')
  // Of one run, one sentence; of another run, another.
  const other = { ...lock, pid: 8, heartbeat: '2026-07-01T03:04:10Z' }
  const two = table({ table: 'a', lock: { ...lock, heartbeat: '2026-07-01T03:04:09Z' } })
  const all = renderStatus(
    { ...CHAIN, tables: [...tables, two, table({ table: 'b', lock: other })] },
    { columns: Infinity, colors, carry },
  )
  expect(all.filter((line) => line.includes('held by'))).toEqual([
    'address_diffs, a: held by db1 (pid 7), last heartbeat 2026-07-01 03:04:09 UTC. If that process hangs: `backfill unlock address_diffs a`.',
    'b: held by db1 (pid 8), last heartbeat 2026-07-01 03:04:10 UTC. If that process hangs: `backfill unlock b`.',
  ])
})

test('a network that no source has is one sentence, with the networks that they have and what to type', () => {
  const nowhere = { ...CHAIN, head: null, newest: null, otherNetworks: ['demo', 'sepolia'] }
  const lines = renderStatus(
    { ...nowhere, tables: [table({ state: 'not created', notes: ['no rows'] })] },
    { columns: 80, colors, carry },
  )
  expect(lines.slice(-4)).toEqual([
    '',
    'No source has rows of the network mainnet. They have rows of demo, sepolia.',
    'Next: `backfill status --network demo`',
    'Next: `backfill status --network sepolia`',
  ])
})

test('where only some sources have rows of the network, its own status is no advice', () => {
  const some = { ...CHAIN, head: null, newest: null, otherNetworks: ['mainnet', 'sepolia'] }
  const lines = renderStatus({ ...some, tables: [table({})] }, { columns: Infinity, colors, carry })
  expect(lines.join('\n')).not.toMatch(/No source has rows|--network/)
})

test('a network of the sources that networks.json does not name is no hint: every command would refuse it', () => {
  const nowhere = { ...CHAIN, head: null, newest: null, otherNetworks: ['demo', 'ephemery'] }
  const lines = renderStatus({ ...nowhere, tables: [table({})] }, { columns: Infinity, colors, carry })
  expect(lines.slice(-2)).toEqual([
    'No source has rows of the network mainnet. They have rows of demo, ephemery. networks.json does not name ephemery.',
    'Next: `backfill status --network demo`',
  ])
})

const states = (by: (typeof SORTS)[number]) => sorted(REPORT, by).tables.map((one) => one.state)

test('--sort puts the table first that needs most', () => {
  expect(states('missing')).toEqual(['dirty', 'missing', 'up to date'])
  expect(states('done')).toEqual(['dirty', 'missing', 'up to date'])
  expect(states('table')).toEqual(['dirty', 'up to date', 'missing'])
})

test('status with colours is the same text', () => {
  const colored = renderStatus(REPORT, { columns: Infinity, colors: pc.createColors(true), carry }).join('\n')
  expect(colored).toContain('\u001B[')
  // oxlint-disable-next-line no-control-regex -- it is about control codes
  expect(colored.replaceAll(/\u001B\[\d+m/g, '')).toBe(
    renderStatus(REPORT, { columns: Infinity, colors, carry }).join('\n'),
  )
})

test('status --json keeps the schema that programs read', () => {
  const { tables, ...rest } = jsonOf(statusFields(REPORT)) as {
    tables: readonly Record<string, unknown>[]
  }
  expect(rest).toEqual({
    network: 'mainnet',
    head: 22_499_616,
    newest: 22_500_000,
    lag: 384,
    other_networks: null,
    source_age_seconds: { canonical_execution_traces: 14 },
  })
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
