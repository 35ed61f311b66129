// Owns the state of a run: one table's blocks left to probe and to run, its lock, its growing coverage.
import type { BackfillError } from '../model/errors.ts'
import type { Network } from '../model/model.ts'
import { type BlockSet, intersect, type Range } from '../model/blocks.ts'
import type { Capacity } from '../clickhouse/capacity.ts'
import type { RetryPolicy } from '../clickhouse/retry.ts'
import type { SourcePart } from '../ledger/source-probe.ts'
import type { Lock } from '../lock/lock.ts'
import type { Buckets, SourceFacts } from '../sources/fingerprint.ts'
import type { Availability, Probe } from '../planning/probe.ts'
import type { RowEstimates } from '../planning/row-estimates.ts'
import type { TableStatus } from '../planning/table-status.ts'
import type { Throughput } from '../planning/throughput.ts'
import type { UpOptions } from '../planning/run-options.ts'
import type { RunEvent } from './events.ts'
import type { roomWatch } from './room.ts'
import type { StepSession } from './shared-insert.ts'
import type { Throttle } from './throttle.ts'
import type { Ports } from './workspace.ts'

export type TableRun = {
  readonly key: string
  readonly tableStatus: TableStatus
  /** Blocks that the run may work on. */
  readonly wanted: BlockSet
  /** As in `Task`, at the start of the run. */
  readonly overdue: number
  covered: BlockSet
  /** Wanted blocks that were missing when it began, and that no other run has done since. */
  todo: BlockSet
  /** Missing blocks that are not probed yet, and probed blocks that may run and are not started yet. */
  unprobed: BlockSet
  runnable: BlockSet
  /** What the last window held. */
  lastProbe: Pick<Availability, 'rowEstimates'> | undefined
  sourceGaps: BlockSet
  incomplete: BlockSet
  /** Sparse sources without any row, as reported. */
  readonly absent: Set<string>
  /** Results of the probe: rows of all sources, buckets of the table's own sources. */
  rowEstimates: RowEstimates
  buckets: Buckets
  /** Ranges whose shared step another table computes or has computed; they run before the runnable ones. */
  reservations: Reservation[]
  /** Costs of its chunks, in earlier runs and in this one. */
  throughput: Throughput
  /** Expected rows of the smallest range that took too much memory or time in this run. */
  tooBig: number | undefined
  /** Blocks with rows of an earlier attempt that could not be deleted: they are stale when done. */
  mixed: BlockSet
  running: number
  probing: boolean
  lock: Lock | undefined
  /** `locked` only after the ledger has been read under the lock: no chunk may start before. `locking`: from its turn on. */
  phase: 'unlocked' | 'locking' | 'locked'
  /** Events appended since the last checkpoint. */
  events: number
  failure: BackfillError | undefined
}

export type RunContext = {
  readonly ports: Ports
  readonly options: UpOptions
  readonly throttle: Throttle
  readonly capacity: Capacity
  readonly runId: string
  /** Of the chosen tables and of those that they read. */
  readonly tableStatuses: ReadonlyMap<string, TableStatus>
  readonly probeBlocks: Probe
  /** The data parts of the sources before the first probe; asked once. */
  readonly partsBefore: () => Promise<readonly SourcePart[] | undefined>
  readonly runs: ReadonlyMap<string, TableRun>
  /**
   * Records the end of a chunk: the table's partner uses the shared step, which has read the sources as of `fingerprint`;
   * without a fingerprint there is no shared step, and the partner computes the range itself.
   */
  readonly confirm: (work: ChunkWork, fingerprint: ChunkWork['fingerprint']) => void
  readonly network: Network
  readonly signal: AbortSignal
  readonly retryPolicy: RetryPolicy
  /** Query ids of the INSERTs under way. */
  readonly inFlight: Set<string>
  /** Resolves when the target's disks have room (room.ts). */
  readonly room: ReturnType<typeof roomWatch>
  /** Table key -> UUID of its target. */
  readonly uuids: ReadonlyMap<string, string>
  readonly report: (event: RunEvent) => void
}

/** A table at the start of a run over the wanted blocks: nothing probed. `lock`: if it is held already. */
export function startTable(
  tableStatus: TableStatus,
  throughput: Throughput,
  { wanted, overdue, lock }: Pick<TableRun, 'wanted' | 'overdue' | 'lock'>,
): TableRun {
  return {
    key: tableStatus.table.key,
    tableStatus,
    wanted,
    overdue,
    covered: tableStatus.covered,
    todo: intersect(tableStatus.missing, wanted),
    unprobed: intersect(tableStatus.missing, wanted),
    runnable: [],
    lastProbe: undefined,
    sourceGaps: [],
    incomplete: [],
    absent: new Set(),
    rowEstimates: [],
    buckets: new Map(),
    reservations: [],
    throughput,
    tooBig: undefined,
    mixed: [],
    running: 0,
    probing: false,
    lock,
    phase: 'unlocked',
    events: 0,
    failure: undefined,
  }
}

/** A range to run, the rows that the probe found for it, and the fingerprint of its sources, if the probe knows it. */
export type ChunkWork = {
  readonly range: Range
  readonly rows: number
  readonly fingerprint: ReadonlyMap<string, SourceFacts> | undefined
  readonly stepSession: StepSession | undefined
}

/** A chunk that a table runs after its partner has computed the shared step; its blocks are not runnable meanwhile. */
export type Reservation = Range & { readonly work: ChunkWork; readonly ready: boolean }
