// Owns the state of a run as its events tell it. Pure: the time is a parameter, in ms of a monotonic clock.
import type { Unit } from '../../model/model.ts'
import type { Standstill } from '../../model/standstill.ts'
import type { RunEvent } from '../../runner/events.ts'

export type Throttle = Extract<RunEvent, { readonly type: 'throttled' }>

type Stall = { readonly standstill: Standstill; readonly since: number }

export type TableProgress = {
  readonly table: string
  /** What this run does, in its unit, as far as is known, and how much of it is done. */
  readonly expected: number
  readonly done: number
  readonly unit: Unit
  /** Chunks that have not started, and that are done. */
  readonly chunksLeft: number
  readonly chunksDone: number
  readonly running: number
  readonly pace: Pace
  readonly failed: boolean
  readonly stall: Stall | undefined
}

export type Progress = {
  readonly run: Extract<RunEvent, { readonly type: 'run' }> | undefined
  readonly since: number
  readonly tables: ReadonlyMap<string, TableProgress>
  readonly pace: Pace
  /** Why nothing goes on at all. */
  readonly stall: Stall | undefined
  /** What holds it back now. Of one kind there is one for a table, and one for all. */
  readonly throttles: readonly Throttle[]
}

export const NO_PROGRESS: Progress = {
  run: undefined,
  since: 0,
  tables: new Map(),
  pace: [],
  stall: undefined,
  throttles: [],
}

/** The state after an event. A new `run` begins anew. */
export function advance(progress: Progress, event: RunEvent, now: number): Progress {
  if (event.type === 'run') return { ...NO_PROGRESS, run: event, since: now, pace: startPace(now) }
  if (event.type === 'throttled' || event.type === 'released') {
    const others = progress.throttles.filter((one) => kindOf(one) !== kindOf(event))
    return { ...progress, throttles: event.type === 'released' ? others : [...others, event] }
  }
  const standstill = event.type === 'standstill' ? event.standstill : undefined
  // Several statements may tell of one unreachable server: the time counts from the first.
  const stallAfter = (before: Stall | undefined) =>
    standstill && { standstill, since: before?.standstill.reason === standstill.reason ? before.since : now }
  const isStall = event.type === 'standstill'
  if (isStall && 'table' in event && event.table === undefined)
    return { ...progress, stall: stallAfter(progress.stall) }
  if (!('table' in event) || event.table === undefined) return progress
  const before = progress.tables.get(event.table) ?? { ...NOTHING, table: event.table }
  const table = isStall ? { ...before, stall: stallAfter(before.stall) } : advanceTable(before, event, now)
  const tables = new Map(progress.tables).set(event.table, table)
  const pace = event.type === 'chunk-done' ? finished(progress.pace, now, workOf(event)) : progress.pace
  return { ...progress, tables, pace }
}

function kindOf({ hold, table = '' }: Pick<Throttle, 'hold' | 'table'>): string {
  return `${hold?.action ?? 'load'} ${table}`
}

export function inFlight({ tables }: Progress): number {
  return [...tables.values()].reduce((sum, { running }) => sum + running, 0)
}

/** Chunks done, and how many there are, as far as is known. */
export function chunksOf({ tables }: Progress): { readonly done: number; readonly all: number } {
  const sum = (of: (table: TableProgress) => number) =>
    [...tables.values()].reduce((total, table) => total + of(table), 0)
  const done = sum(({ chunksDone }) => chunksDone)
  return { done, all: done + sum(({ running, chunksLeft }) => running + chunksLeft) }
}

const NOTHING: Omit<TableProgress, 'table'> = {
  expected: 0,
  done: 0,
  unit: 'block',
  chunksLeft: 0,
  chunksDone: 0,
  running: 0,
  pace: [],
  failed: false,
  stall: undefined,
}

type ChunkDone = Extract<RunEvent, { readonly type: 'chunk-done' }>

function workOf({ range, rowsWritten }: ChunkDone) {
  return { blocks: range.to - range.from + 1, rows: rowsWritten }
}

function advanceTable(table: TableProgress, event: RunEvent, now: number): TableProgress {
  const { running, pace } = table
  switch (event.type) {
    case 'expected':
      return { ...table, expected: event.blocks, unit: event.unit, chunksLeft: event.chunks }
    case 'chunk-started':
      return {
        ...table,
        running: running + 1,
        stall: undefined,
        // Its chunk is not one that has not started; the next `expected` counts again.
        chunksLeft: Math.max(0, table.chunksLeft - 1),
        pace: pace.length > 0 ? pace : startPace(now),
      }
    case 'chunk-done':
      return {
        ...table,
        running: running - 1,
        done: table.done + workOf(event).blocks,
        chunksDone: table.chunksDone + 1,
        pace: finished(pace, now, workOf(event)),
      }
    case 'chunk-failed':
      return { ...table, running: running - 1 }
    case 'table-failed':
      return { ...table, failed: true, chunksLeft: 0 }
    default:
      return table
  }
}

/** Sums of everything finished until `at`, in ms of a monotonic clock; the oldest first. */
export type Pace = readonly { readonly at: number; readonly blocks: number; readonly rows: number }[]

const WINDOW_MS = 60_000

/** Samples nearer than this count as one: a minute has few of them. */
const SAMPLE_MS = 1_000

function startPace(at: number): Pace {
  return [{ at, blocks: 0, rows: 0 }]
}

function finished(pace: Pace, at: number, work: { blocks: number; rows: number }): Pace {
  const last = pace.at(-1) ?? { blocks: 0, rows: 0, at }
  const sum = { at, blocks: last.blocks + work.blocks, rows: last.rows + work.rows }
  const before = pace.at(-2)
  const kept = before !== undefined && last.at - before.at < SAMPLE_MS ? pace.slice(0, -1) : pace
  const start = kept.findLastIndex((sample) => sample.at <= at - WINDOW_MS)
  return [...kept.slice(Math.max(0, start)), sum]
}

/** A second, over the last minute before something was finished; a longer silence counts. */
export function rateOf(
  pace: Pace,
  now: number,
): { readonly blocks: number; readonly rows: number } | undefined {
  const [start] = pace
  const last = pace.at(-1)
  if (start === undefined || last === undefined || last === start) return undefined
  const seconds = Math.max(1, Math.max(last.at, now - WINDOW_MS) - start.at) / 1000
  return { blocks: (last.blocks - start.blocks) / seconds, rows: (last.rows - start.rows) / seconds }
}
