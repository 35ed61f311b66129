// Owns what past chunks teach about the next: rows a second, memory a row, and the chunk size that follows.
import type { Cost } from '../ledger/history.ts'

/** Sums over chunks, newer ones weighing more. */
export type Pace = {
  readonly expected: number
  readonly written: number
  readonly elapsedMs: number
  /** Memory of the chunk that took most of it per expected row, in bytes a row; 0: not known. */
  readonly bytesPerRow: number
}

export const NO_PACE: Pace = { expected: 0, written: 0, elapsedMs: 0, bytesPerRow: 0 }

/** The pace after one more chunk. */
export function paceAfter(pace: Pace, { expected, written, elapsedMs, peakMemory }: Cost): Pace {
  if (expected === 0) return pace
  const telling = expected >= TELLING_ROWS ? peakMemory / expected : 0
  return {
    expected: pace.expected * FADE + expected,
    written: pace.written * FADE + written,
    elapsedMs: pace.elapsedMs * FADE + elapsedMs,
    bytesPerRow: Math.max(pace.bytesPerRow, telling),
  }
}

/** How long a statement over so many expected rows takes, in ms; undefined where nothing is known. */
export function expectedMs(pace: Pace, rows: number): number | undefined {
  return pace.expected === 0 ? undefined : (pace.elapsedMs / pace.expected) * rows
}

/** Rows written per expected row; 1 where nothing is known, which makes chunks smaller rather than bigger. */
export function yieldOf(paces: readonly Pace[]): number {
  const expected = paces.reduce((sum, pace) => sum + pace.expected, 0)
  const written = paces.reduce((sum, pace) => sum + pace.written, 0)
  return expected === 0 || written === 0 ? 1 : written / expected
}

export type ChunkLimits = {
  /** Expected rows that a chunk should have. */
  readonly wanted: number
  /** Bytes that one statement may use; undefined where the server does not say. */
  readonly memoryBytes: number | undefined
}

/** Expected rows of the next chunk: what is wanted, unless the past says that it takes too much memory or time. */
export function rowsPerChunk(pace: Pace, { wanted, memoryBytes }: ChunkLimits): number {
  const fits =
    pace.bytesPerRow === 0 ? Infinity : ((memoryBytes ?? Infinity) * MEMORY_SHARE) / pace.bytesPerRow
  const inTime = pace.elapsedMs === 0 ? Infinity : (MAX_CHUNK_MS * pace.expected) / pace.elapsedMs
  return Math.max(1, Math.floor(Math.min(wanted, fits, inTime)))
}

/** How much of what older chunks say is kept with each newer one. */
const FADE = 0.8

/** Below this a statement's fixed memory says nothing of its rows. */
const TELLING_ROWS = 100_000

/** What is left free of the memory that a statement may use: the next chunk is not quite like the last. */
const MEMORY_SHARE = 0.5

/** A kill should not cost more than this. */
const MAX_CHUNK_MS = 300_000
