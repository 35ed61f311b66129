// Owns the live lines of a run: their state from its events, and their look. Pure: the time is a parameter.
import type { RunEvent } from '../../runner/events.ts'
import { progressBar } from './bar.ts'
import { type Colors, duration, number, percent } from './format.ts'

type TableProgress = {
  readonly table: string
  /** Blocks that this run has to do. */
  readonly expected: number
  readonly done: number
  readonly doneBefore: number
  /** Statements in flight. */
  readonly running: number
  /** When its first statement started, in ms of a monotonic clock. */
  readonly since: number | undefined
  readonly failed: boolean
}

export type Progress = ReadonlyMap<string, TableProgress>

export const NO_PROGRESS: Progress = new Map()

export function advance(progress: Progress, event: RunEvent, now: number): Progress {
  if (event.type === 'table') {
    return new Map(progress).set(event.table, {
      table: event.table,
      expected: event.missingBlocks,
      done: 0,
      doneBefore: event.doneBlocks,
      running: 0,
      since: undefined,
      failed: false,
    })
  }
  const before = 'table' in event && event.table !== undefined ? progress.get(event.table) : undefined
  return before ? new Map(progress).set(before.table, advanceTable(before, event, now)) : progress
}

/** Statements in flight over all tables. */
export function inFlight(progress: Progress): number {
  return [...progress.values()].reduce((sum, { running }) => sum + running, 0)
}

type LiveStyle = { readonly now: number; readonly columns: number; readonly colors: Colors }

/** One line per table with work, never wider than the terminal. */
export function liveLines(progress: Progress, { now, columns, colors }: LiveStyle): readonly string[] {
  const tables = [...progress.values()].filter(({ expected }) => expected > 0)
  const width = Math.max(0, ...tables.map(({ table }) => table.length))
  return tables.map((table) => {
    const share = percent(table.doneBefore + table.done, table.doneBefore + table.expected).padStart(7)
    const text = `${table.table.padEnd(width)}  ${progressBar(table.done / table.expected, 20)} ${share}  ${throughputText(table, now)}`
    const line = text.slice(0, columns - 1)
    if (table.failed) return colors.red(line)
    if (table.done >= table.expected) return colors.green(line)
    return table.running > 0 ? line : colors.dim(line)
  })
}

function advanceTable(table: TableProgress, event: RunEvent, now: number): TableProgress {
  switch (event.type) {
    case 'chunk-started':
      return { ...table, running: table.running + 1, since: table.since ?? now }
    case 'chunk-done':
      return {
        ...table,
        running: table.running - 1,
        done: table.done + event.range.to - event.range.from + 1,
      }
    case 'chunk-failed':
      return { ...table, running: table.running - 1 }
    case 'table-failed':
      return { ...table, failed: true }
    default:
      return table
  }
}

function throughputText({ expected, done, since, running, failed }: TableProgress, now: number): string {
  if (failed) return 'stopped'
  if (done >= expected) return `${number(expected)} blocks done`
  if (since === undefined) return 'waiting'
  const elapsed = now - since
  if (done === 0 || elapsed <= 0) return running > 0 ? 'started' : 'waiting'
  const left = duration(((expected - done) * elapsed) / done)
  return `${number(Math.round((done * 1000) / elapsed))} blocks/s, ${left} left`
}
