// Owns what past chunks teach about the next: rows a second, memory a row, and the chunk size that follows.
import type { Cost } from '../ledger/history.ts'

/** Sums over chunks, newer ones weighing more. */
export type Throughput = {
  readonly expected: number
  readonly written: number
  readonly elapsedMs: number
  /** Memory of the chunk that took most of it per expected row, in bytes a row; 0: not known. */
  readonly bytesPerRow: number
}

export const NO_PACE: Throughput = { expected: 0, written: 0, elapsedMs: 0, bytesPerRow: 0 }

/** The pace after one more chunk. */
export function throughputAfter(
  throughput: Throughput,
  { expected, written, elapsedMs, peakMemory }: Cost,
): Throughput {
  if (expected === 0) return throughput
  const bytesPerRow = expected >= MIN_SAMPLE_ROWS ? peakMemory / expected : 0
  return {
    expected: throughput.expected * DECAY + expected,
    written: throughput.written * DECAY + written,
    elapsedMs: throughput.elapsedMs * DECAY + elapsedMs,
    bytesPerRow: Math.max(throughput.bytesPerRow, bytesPerRow),
  }
}

/** How long a statement over so many expected rows takes, in ms; undefined where nothing is known. */
export function expectedMs(throughput: Throughput, rows: number): number | undefined {
  return throughput.expected === 0 ? undefined : (throughput.elapsedMs / throughput.expected) * rows
}

/** Rows written per expected row; 1 where nothing is known, which makes chunks smaller rather than bigger. */
export function yieldOf(throughputs: readonly Throughput[]): number {
  const expected = throughputs.reduce((sum, throughput) => sum + throughput.expected, 0)
  const written = throughputs.reduce((sum, throughput) => sum + throughput.written, 0)
  return expected === 0 || written === 0 ? 1 : written / expected
}

export type ChunkLimits = {
  /** Expected rows that a chunk should have. */
  readonly wanted: number
  /** Bytes that one statement may use; undefined where the server does not say. */
  readonly memoryBytes: number | undefined
}

/** Expected rows of the next chunk: what is wanted, unless the past says that it takes too much memory or time. */
export function rowsPerChunk(throughput: Throughput, { wanted, memoryBytes }: ChunkLimits): number {
  const fits =
    throughput.bytesPerRow === 0
      ? Infinity
      : ((memoryBytes ?? Infinity) * MEMORY_SHARE) / throughput.bytesPerRow
  const inTime =
    throughput.elapsedMs === 0 ? Infinity : (MAX_CHUNK_MS * throughput.expected) / throughput.elapsedMs
  return Math.max(1, Math.floor(Math.min(wanted, fits, inTime)))
}

/** How much of what older chunks say is kept with each newer one. */
const DECAY = 0.8

/** Below this a statement's fixed memory says nothing of its rows. */
const MIN_SAMPLE_ROWS = 100_000

/** What is left free of the memory that a statement may use: the next chunk is not quite like the last. */
const MEMORY_SHARE = 0.5

/** A kill should not cost more than this. */
const MAX_CHUNK_MS = 300_000
