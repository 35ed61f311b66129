// Owns the state of a run: one table's blocks left to probe and to run, its lock, its growing coverage.
import type { BackfillError } from '../model/errors.ts'
import { type BlockSet, intersect, type Range, subtract, union } from '../model/blocks.ts'
import type { LedgerEvent } from '../ledger/events.ts'
import type { Lock } from '../lock/lock.ts'
import type { Buckets, SourceFacts } from '../sources/fingerprint.ts'
import { type Availability, divide, type NotRunnable } from '../planning/probe.ts'
import type { RowEstimates } from '../planning/row-estimates.ts'
import type { TableStatus } from '../planning/table-status.ts'
import type { Throughput } from '../planning/sizing.ts'
import type { StepSession } from './executor.ts'

export type TableRun = ReturnType<typeof startTable>

/** A table at the start of a run over the wanted blocks: nothing probed but what is `kept` from the run before. `lock`: if it is held already. */
export function startTable(
  tableStatus: TableStatus,
  {
    throughput,
    wanted,
    kept,
    overdue,
    lock,
  }: {
    readonly throughput: Throughput
    readonly wanted: BlockSet
    readonly kept: NotRunnable
    readonly overdue: number
    readonly lock: Lock | undefined
  },
) {
  const todo = intersect(tableStatus.missing, wanted)
  const { runnable: unprobed, ...found } = divide(todo, kept)
  return {
    key: tableStatus.table.key,
    tableStatus,
    /** Blocks that the run may work on. */
    wanted,
    overdue,
    covered: tableStatus.covered,
    /** Wanted blocks that were missing when it began, and that no other run has done since. */
    todo,
    /** Missing blocks that are not probed yet, and probed blocks that may run and are not started yet. */
    unprobed,
    runnable: [] as BlockSet,
    /** What the last window held. */
    lastProbe: undefined as Pick<Availability, 'rowEstimates'> | undefined,
    ...found,
    /** Sparse sources without any row, as reported. */
    absent: new Set<string>(),
    /** Results of the probe: rows of all sources, buckets of the table's own sources. */
    rowEstimates: [] as RowEstimates,
    buckets: new Map() as Buckets,
    /** Ranges whose shared step another table computes or has computed; they run before the runnable ones. */
    reservations: [] as Reservation[],
    throughput,
    /** Expected rows of the smallest range that took too much memory or time in this run. */
    tooBig: undefined as number | undefined,
    /** Blocks with rows of an earlier attempt that could not be deleted: they are stale when done. */
    mixed: [] as BlockSet,
    running: 0,
    probing: false,
    lock,
    /** `locked` only after the ledger has been read under the lock: no chunk may start before. `locking`: from its turn on. */
    phase: 'unlocked' as 'unlocked' | 'locking' | 'locked',
    /** Fewer rows than were written were no rows outside of their range, but several of one key. */
    yieldsSeveral: false,
    /** The `done` events without a digest. */
    undigested: [] as LedgerEvent[],
    /** Events appended since the last checkpoint. */
    events: 0,
    failure: undefined as BackfillError | undefined,
  }
}

/** Of a table without sources of its own the probe finds numbers of rows alone: of blocks that its inputs will not have, nobody needs them. */
export function skipProbe(run: TableRun, blocked: BlockSet): void {
  const isBlocked = subtract(run.unprobed, blocked).length === 0
  if (run.probing || !isBlocked || run.tableStatus.table.sources.length > 0) return
  run.runnable = union(run.runnable, run.unprobed)
  run.unprobed = []
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
