// Owns how many statements run at the same time, how long they take and how big a table's chunks are, from options, the server's
// capacity and the costs of earlier chunks.
import { inUnit, type TableDefinition, type Unit } from '../model/model.ts'
import type { Capacity } from '../clickhouse/capacity.ts'
import type { TargetTable } from '../targets/target.ts'
import type { RowEstimates, Sizing } from './row-estimates.ts'
import type { UpOptions, ReadWorkspace } from './run-options.ts'
import type { Cost } from '../ledger/reader.ts'

/** Expected rows per chunk where nobody says otherwise, on a small server: docs/explanation/performance.md has the measurement. */
export const DEFAULT_CHUNK_ROWS = 5_000_000

export type RunHistory = {
  readonly capacity: Capacity
  readonly throughputs: ReadonlyMap<string, Throughput>
}

/** For a run without missing blocks. */
export const NOTHING_KNOWN: RunHistory = {
  capacity: { cores: 1, busyCores: 0, statementBytes: undefined, serverBytes: undefined },
  throughputs: new Map(),
}

/** `uuids`: table key -> UUID of the target. */
export async function readRunHistory({ ports }: ReadWorkspace, uuids: ReadonlyMap<string, string>) {
  const [capacity, costs] = await Promise.all([ports.capacity(), ports.ledger.costs(uuids)])
  return {
    capacity,
    throughputs: new Map([...costs].map(([key, chunks]) => [key, chunks.reduce(throughputAfter, NO_PACE)])),
  }
}

/** A statement uses one core while it sorts and writes: a second one uses the others (measured on two cores). More only if two cannot. */
export function slotsFor(options: Pick<UpOptions, 'jobs' | 'tableJobs'>, { cores, busyCores }: Capacity) {
  const idle = cores - Math.round(busyCores)
  const jobs = options.jobs ?? (idle < 2 ? 1 : Math.min(MAX_JOBS, Math.max(2, Math.ceil(idle / 2))))
  return { jobs, tableJobs: options.tableJobs ?? jobs }
}

const MAX_JOBS = 8

export type SizingQuestion = {
  readonly table: TableDefinition
  readonly options: Pick<UpOptions, 'chunk' | 'chunkRows'>
  readonly rowEstimates: RowEstimates
  readonly throughput: Throughput
  readonly inputs: readonly { readonly throughput: Throughput; readonly target: TargetTable | undefined }[]
  readonly jobs: number
  readonly capacity: Capacity
  /** Expected rows of a range that took too much memory or time in this run; the next chunks stay below. */
  readonly tooBig: number | undefined
}

/** `--chunk` beats `--chunk-rows`, which beats the header's `chunk`, which beats the default. */
export function sizingOf({ table, options, rowEstimates, throughput, inputs, ...server }: SizingQuestion) {
  const typed = inUnit(options.chunk, table.unit)
  if (typed !== undefined) return { blocks: typed }
  if (options.chunkRows === undefined && table.chunk !== undefined) return { blocks: table.chunk }
  const { statementBytes = Infinity, serverBytes = Infinity } = server.capacity
  const memoryBytes = Math.min(statementBytes, serverBytes / server.jobs)
  const wanted = wantedRows(options.chunkRows ?? defaultRows(server, memoryBytes), inputs)
  const limit = rowsPerChunk(throughput, wanted, memoryBytes)
  return { rows: Math.max(1, Math.min(limit, (server.tooBig ?? Infinity) / 2)), rowEstimates }
}

/** Where blocks have few rows, a chunk is millions of blocks to probe: the first ones of a table are smaller, to know soon that its statement works. */
export function startSmall(
  sizing: Sizing,
  { table, options, throughput }: Pick<SizingQuestion, 'table' | 'options' | 'throughput'>,
): Sizing {
  const isFree = !('blocks' in sizing) && options.chunkRows === undefined && throughput.expected === 0
  return isFree ? { ...sizing, mostBlocks: FIRST_POSITIONS[table.unit] } : sizing
}

/** As many as the first probe of a table looks at. */
const FIRST_POSITIONS: Readonly<Record<Unit, number>> = { block: 100_000, second: 1_200_000 }

/**
 * More where a statement has more cores than when the default was measured: it would end too soon for what each chunk costs beside it, in round trips
 * and parts. The first chunk's memory is not known: its rows have to fit by MOST_BYTES_PER_ROW.
 */
function defaultRows(
  { capacity, jobs }: Pick<SizingQuestion, 'capacity' | 'jobs'>,
  memoryBytes: number,
): number {
  const times = Math.min(MOST_TIMES, capacity.cores / jobs / MEASURED_CORES)
  return Math.max(DEFAULT_CHUNK_ROWS, Math.min(DEFAULT_CHUNK_ROWS * times, memoryBytes / MOST_BYTES_PER_ROW))
}

const MEASURED_CORES = 2
const MOST_TIMES = 8

/** Three times what the shipped transforms take. */
const MOST_BYTES_PER_ROW = 1000

/**
 * A statement that reads derived tables scans them whole (they are sorted by address), which costs about a hundredth of processing a row: so a chunk
 * takes at least a fiftieth of their rows. Estimates count rows of the sources, of which the inputs hold a part.
 */
function wantedRows(chunkRows: number, inputs: SizingQuestion['inputs']): number {
  if (inputs.length === 0) return chunkRows
  const stored = inputs.reduce((sum, { target }) => sum + (target?.rows ?? 0), 0)
  return Math.max(chunkRows, stored / LOOK_THROUGHS) / yieldOf(inputs.map(({ throughput }) => throughput))
}

const LOOK_THROUGHS = 50

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
