// Owns the promise that a run that gives no sign is not taken for one that works: the next run takes its locks over.
import pc from 'picocolors'
import { expect, test } from 'vitest'
import { renderStatus } from '../../../src/commands/status/render.ts'
import { standstillOf, stateOf } from '../../../src/commands/status/table-report.ts'
import { reasonsNotReady } from '../../../src/commands/wait/command.ts'
import { CHAIN, table } from '../../support/status-report.ts'

const colors = pc.createColors(false)
const carry = (text: string) => text
const missing = [{ from: 5, to: 9 }]
const held = (silentSeconds: number) =>
  table({
    missing,
    missingBlocks: 5,
    lock: {
      name: 'mainnet__address_diffs__00000000000000000007',
      epoch: 7,
      host: 'ops1',
      pid: 4711,
      pidNamespace: '',
      since: '2026-11-26T14:03:09Z',
      heartbeat: '2026-11-26T14:03:09Z',
      silentSeconds,
      released: false,
      command: 'up',
    },
  })
const screen = (silentSeconds: number) => {
  const report = held(silentSeconds)
  const tables = [{ ...report, state: stateOf(report, true) }]
  return renderStatus({ ...CHAIN, tables }, { columns: Infinity, colors, carry }).join('\n')
}

test('a table is in progress up to the limit of a stale lock, 20 s; then it is missing, and nobody works on it', () => {
  expect(screen(20)).toContain('  in progress  ')
  expect(screen(20)).toContain('held by ops1 (pid 4711), last heartbeat 2026-11-26 14:03:09 UTC.')
  expect(screen(31)).toContain('  missing  ')
  expect(screen(31)).toContain(
    'address_diffs: held by ops1 (pid 4711), no heartbeat for 31 s: it was killed, it hangs, or it cannot write to the server. The next `backfill up` takes over; `backfill unlock address_diffs` frees the lock at once.',
  )
  expect(screen(31)).toContain('Next: `backfill up` fills 5 missing blocks in 1 table.')
  expect(reasonsNotReady(held(20), 9)).toEqual(['missing 5-9 (5 blocks): a run on ops1 works on it'])
  expect(reasonsNotReady(held(31), 9)[0]).toContain('no run works on it')
})

test('the lock of a run that gives no sign is no reason to stand still', () => {
  const bounds = { inputs: { newest: 9 } } as Parameters<typeof standstillOf>[1]
  const work = { missing, incomplete: [], holds: [] }
  expect(standstillOf({ ...work, lock: held(20).lock }, bounds)).toMatchObject({ reason: 'lock' })
  expect(standstillOf({ ...work, lock: held(31).lock }, bounds)).toBe(null)
})

test('a paused table stands still because of the pause, also while a run keeps its lock', () => {
  const bounds = { inputs: { newest: 9 } } as Parameters<typeof standstillOf>[1]
  const pause = { action: 'pause', table: '', spares: [], jobs: 0, by: 'ana', host: 'ops1' } as const
  const holds = [{ ...pause, since: '2026-11-26T14:00:00Z', until: null, found: null }]
  const work = { missing, incomplete: [], holds, lock: held(2).lock }
  expect(standstillOf(work, bounds)).toMatchObject({ reason: 'paused' })
  expect(standstillOf({ ...work, missing: [] }, bounds)).toMatchObject({ reason: 'lock' })
})
