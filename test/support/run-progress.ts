// Owns the events of a run and the state after them, for tests of what is shown of it.
import pc from 'picocolors'
import type { Standstill } from '../../src/model/standstill.ts'
import type { RunEvent } from '../../src/runner/events.ts'
import { liveLines } from '../../src/terminal/render/live-lines.ts'
import { advance, NO_PROGRESS, type Progress } from '../../src/terminal/render/run-progress.ts'

export const colors = pc.createColors(false)

export const RUN: RunEvent = {
  type: 'run',
  runId: 'r',
  network: 'mainnet',
  target: 't',
  source: 's',
  servers: 'ClickHouse',
  toolVersion: '1',
}
export const expected = (table: string, blocks: number, chunks: number): RunEvent => ({
  type: 'expected',
  table,
  blocks,
  unit: 'block',
  chunks,
})
export const started = (table: string, from: number, to: number): RunEvent => ({
  type: 'chunk-started',
  table,
  range: { from, to },
  queryId: 'q',
})
export const done = (table: string, from: number, to: number, rowsWritten = 100): RunEvent => ({
  type: 'chunk-done',
  table,
  range: { from, to },
  rowsWritten,
  rowsRead: 0,
  elapsedMs: 1000,
})
export const stall = (table: string | undefined, standstill: Standstill | undefined): RunEvent => ({
  type: 'standstill',
  table,
  standstill,
})
/** The state after events, each with its time in seconds. */
export function after(...events: readonly (readonly [seconds: number, event: RunEvent])[]): Progress {
  return events.reduce((progress, [at, event]) => advance(progress, event, at * 1000), NO_PROGRESS)
}
export const at = (progress: Progress, seconds: number, columns = 80, ended = false) =>
  liveLines(progress, { now: seconds * 1000, columns, colors, ended })

export const TWO: readonly (readonly [number, RunEvent])[] = [
  [0, RUN],
  [1, expected('address_diffs', 10_000, 10)],
  [1, expected('nothing_to_do', 0, 0)],
  [1, expected('waits', 10_000, 2)],
  [1, started('address_diffs', 1, 1000)],
]
