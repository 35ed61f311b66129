// Owns the prediction from past chunks: rows per second, memory per row, and the resulting chunk size.
import type { Cost } from '../ledger/reader.ts'

/** Sums over chunks, with more weight on newer ones. */
export type Throughput = {
  readonly expected: number
  readonly written: number
  readonly elapsedMs: number
  /** Highest memory per expected row of any chunk, in bytes; 0: not known. */
  readonly bytesPerRow: number
}

export const NO_PACE: Throughput = { expected: 0, written: 0, elapsedMs: 0, bytesPerRow: 0 }

export function throughputAfter(throughput: Throughput, { expected, written, elapsedMs, peakMemory }: Cost) {
  if (expected === 0) return throughput
  const bytesPerRow = expected >= MIN_SAMPLE_ROWS ? peakMemory / expected : 0
  return {
    expected: throughput.expected * DECAY + expected,
    written: throughput.written * DECAY + written,
    elapsedMs: throughput.elapsedMs * DECAY + elapsedMs,
    bytesPerRow: Math.max(throughput.bytesPerRow, bytesPerRow),
  }
}

/** Estimated duration of a statement over this many expected rows, in ms; undefined without data. */
export function expectedMs(throughput: Throughput, rows: number): number | undefined {
  return throughput.expected === 0 ? undefined : (throughput.elapsedMs / throughput.expected) * rows
}

/** Rows written per expected row; 1 without data, which makes chunks smaller rather than bigger. */
export function yieldOf(throughputs: readonly Throughput[]): number {
  const expected = throughputs.reduce((sum, throughput) => sum + throughput.expected, 0)
  const written = throughputs.reduce((sum, throughput) => sum + throughput.written, 0)
  return expected === 0 || written === 0 ? 1 : written / expected
}

/** The wanted number, or fewer if earlier chunks predict too much time, or more memory than a statement may use (Infinity: no known limit). */
export function rowsPerChunk(throughput: Throughput, wanted: number, memoryBytes: number): number {
  const fits = throughput.bytesPerRow === 0 ? Infinity : (memoryBytes * MEMORY_SHARE) / throughput.bytesPerRow
  const inTime =
    throughput.elapsedMs === 0 ? Infinity : (MAX_CHUNK_MS * throughput.expected) / throughput.elapsedMs
  return Math.max(1, Math.floor(Math.min(wanted, fits, inTime)))
}

/** The weight of older chunks is multiplied by this with each new chunk. */
const DECAY = 0.8

/** Below this many rows, a statement's fixed memory hides the memory per row. */
const MIN_SAMPLE_ROWS = 100_000

/** Share of a statement's memory limit to use: the next chunk differs from the last. */
const MEMORY_SHARE = 0.5

/** A killed chunk should not lose more work than this. */
const MAX_CHUNK_MS = 300_000
