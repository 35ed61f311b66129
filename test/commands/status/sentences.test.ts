// Owns the promises of the sentences below the table of `status`: what is wrong, why, and what to type.
import pc from 'picocolors'
import { expect, test } from 'vitest'
import { renderStatus } from '../../../src/commands/status/render.ts'
import type { TableReport } from '../../../src/commands/status/table-report.ts'
import { CHAIN, NEW, OLD, table } from '../../support/status-report.ts'

const colors = pc.createColors(false)
const carry = (text: string) => text
const HOLE = { from: 1_000_000, to: 5_999_999 }

test('a stale range is explained: both hashes, when it was built, why, and what to type', () => {
  const blocks = [{ from: 1, to: 100 }]
  const built = { from: '2026-06-01T03:04:05Z', to: '2026-06-01T03:04:59Z' }
  const version = { sqlHash: OLD, hash: OLD, reasons: ['sql'], blocks, built } as const
  const shown = (staleVersions: TableReport['staleVersions'], first = 1) =>
    renderStatus(
      { ...CHAIN, tables: [table({ state: 'stale', first, stale: blocks, staleVersions })] },
      { columns: Infinity, colors, carry },
    )
  expect(shown([version]).slice(-4)).toEqual([
    'address_diffs: stale 1-100 (100 blocks): sql: built by SQL 00000000, the file is ffffffff now; built 2026-06-01 03:04 UTC.',
    '',
    'Next: `backfill diff address_diffs` shows what changed in its SQL.',
    'Next: `backfill redo address_diffs --stale` builds the stale ranges again.',
  ])
  const late = shown([{ ...version, hash: NEW, reasons: ['sources'] }])
  expect(late.at(-3)).toContain('stale 1-100 (100 blocks): sources: source rows have changed since; built')
  expect(late.join()).not.toContain('backfill diff')
  expect(shown([{ ...version, reasons: ['sql', 'mixed'], built: null }]).at(-4)).toContain(
    'the file is ffffffff now; mixed: rows of an earlier attempt, which may differ, could not be deleted.',
  )
  expect(shown([version], 51).slice(-4)).toContain(
    'address_diffs: blocks 1-50 stay stale: what the table reads begins at block 51 now.',
  )
  expect(shown([version], 101).join()).not.toContain('redo')
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
  const lines = renderStatus({ ...CHAIN, tables }, { columns: Infinity, colors, carry })
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
  const lines = renderStatus({ ...CHAIN, tables }, { columns: Infinity, colors, carry }).join('\n')
  expect(lines).toContain(
    'source gaps and incomplete blocks are as a run found them 10 min 0 s ago; the source rows around them are the same.',
  )
  expect(lines).toContain(
    'not looked at: blocks 7000000-8000000; source gaps and incomplete blocks among them',
  )
})

const last = (tables: readonly TableReport[], sourceAges = CHAIN.sourceAges) =>
  renderStatus({ ...CHAIN, tables, sourceAges }, { columns: Infinity, colors, carry }).at(-1)

test('only what `up` will fill is counted: nothing of a table that it leaves out, nor of one whose input has lost its rows', () => {
  const missing = [{ from: 101, to: 140 }]
  const open = (name: string, more: Partial<TableReport> = {}) =>
    table({ table: name, state: 'missing', first: 1, head: 140, missing, missingBlocks: 40, ...more })
  const emptied = { state: 'emptied', absences: [{ state: 'emptied', text: 'a is empty' }] } as const
  const tables = [
    open('a', emptied),
    open('b', { after: ['a'] }),
    open('c', { after: ['b'] }),
    open('d', { misfit: 'it has another column' }),
    open('e'),
  ]
  expect(last(tables)).toBe('Next: `backfill up` fills 40 missing blocks in 1 table.')
  expect(last([open('d', { misfit: 'it has another column' })])).toBe(
    'Not healthy: d: not as the file says, so `up` does not write to it; see above.',
  )
  expect(last([open('e', { state: 'waiting' })])).toBe('Missing blocks wait; see above.')
})

test('the stale ranges of several tables are built again by one command', () => {
  const blocks = [{ from: 1, to: 9 }]
  const version = { sqlHash: 'abc', hash: 'abc', reasons: ['sources' as const], blocks, built: null }
  const stale = table({
    table: 'a',
    first: 1,
    stale: blocks,
    staleVersions: [version],
    hint: 'backfill redo a --stale',
  })
  expect(last([stale])).toBe('Next: `backfill redo a --stale` builds the stale ranges again.')
  expect(last([stale, { ...stale, table: 'b' }])).toBe(
    'Next: `backfill redo --stale` builds the stale ranges again.',
  )
  // Nothing can be built from a table that lacks its rows, until a person has acted.
  for (const state of ['emptied', 'unknown rows'] as const) {
    const absences = [{ state, text: 'see above' }]
    expect(last([table({ table: 'c', state, absences }), { ...stale, after: ['c'] }])).toBe(
      `Not healthy: c: ${state}; see above.`,
    )
  }
})

test('of a table that is not as its file says the last line is never that nothing is missing', () => {
  const misfit = 'it has another column'
  expect(last([table({ table: 'd', misfit }), table({ table: 'e' })])).toBe(
    'Not healthy: d: not as the file says, so `up` does not write to it; see above.',
  )
  expect(last([table({ table: 'd', misfit }), table({ table: 'e', misfit })])).toBe(
    'Not healthy: all tables: not as the file says, so `up` does not write to them; see above.',
  )
})

test('sources that have stopped are said instead of that nothing is missing', () => {
  expect(last([table()])).toBe('Nothing is missing.')
  expect(
    last(
      [table()],
      new Map([
        ['traces', 14],
        ['blocks', 10_800],
      ]),
    ),
  ).toBe(
    'Nothing that the sources have is missing. Their newest rows are 3 h 0 min old: if newer ones should be there, look at what fills the sources.',
  )
})

test('where a table waits for one that is not shown, the next command names both', () => {
  const open = table({
    table: 'accounts_alive',
    state: 'missing',
    missing: [{ from: 1, to: 7 }],
    missingBlocks: 7,
    after: ['address_diffs'],
  })
  expect(last([open])).toBe('Next: `backfill up +accounts_alive` fills 7 missing blocks in 1 table.')
  expect(last([table({}), open])).toBe('Next: `backfill up` fills 7 missing blocks in 1 table.')
})

test('of dirty blocks the last error is said, its first line, and no more than fits', () => {
  const head =
    'address_diffs: dirty: an attempt at blocks 11-30 did not finish; rows may be partly written. Last error, 2026-11-26 14:03 UTC, of blocks 11-20 (`backfill log --errors`): '
  for (const [error, said] of [
    ['Division by zero\nmore', 'Division by zero'],
    ['x'.repeat(301), `${'x'.repeat(300)}…`],
  ] as const) {
    const lastFailure = { from: 11, to: 20, at: '2026-11-26T14:03:09Z', error }
    const tables = [table({ state: 'dirty', dirty: [{ from: 11, to: 30 }], lastFailure })]
    const lines = renderStatus({ ...CHAIN, tables }, { columns: Infinity, colors, carry })
    expect(lines).toContain(head + said)
  }
})

test('each range in which rows have arrived has a command of its own, and times are typed as they are shown', () => {
  const minutes = [1_710_338_100, 1_710_338_400].map((from) => ({ from, to: from + 59 }))
  const tables = [table({ accepted: minutes, arrived: minutes })]
  const text = renderStatus({ ...CHAIN, tables }, { columns: Infinity, colors, carry }).join('\n')
  const revoke = 'backfill accept address_diffs --revoke'
  expect(text).toContain(
    `accepted before: \`${revoke} --from 2024-03-13T13:55:00 --to 2024-03-13T13:55:59\`, \`${revoke} --from 2024-03-13T14:00:00 --to 2024-03-13T14:00:59\`, then \`backfill up\`.`,
  )
})
