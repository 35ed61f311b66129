// Owns one table's part of a run: blocks left to probe and to run, its lock, its growing coverage.
import type { BackfillError } from '../model/errors.ts'
import { withRetry } from '../clickhouse/retry.ts'
import type { Lock } from '../lock/lock.ts'
import type { Capacity } from '../clickhouse/capacity.ts'
import type { RetryPolicy } from '../clickhouse/retry.ts'
import type { Ports } from './workspace.ts'
import type { TargetTable } from '../targets/target-port.ts'
import { type BlockSet, intersect, subtract, union } from '../model/blocks.ts'
import { type Cost } from '../ledger/history.ts'
import { type Throughput, throughputAfter } from '../planning/throughput.ts'
import { type Buckets, mergeBuckets } from '../sources/probed-fingerprint.ts'
import type { Bucket } from '../sources/availability.ts'
import { mergeRowEstimates, type RowEstimates } from '../planning/row-estimates.ts'
import { recover } from './recover.ts'
import type { RunEvent } from './events.ts'
import type { UpOptions } from '../planning/run-options.ts'
import type { Reservation, ConfirmReservation } from './chunk-work.ts'
import type { Slots } from '../planning/sizing.ts'
import { coverageOf, inputsOf, type TableStatus } from '../planning/table-status.ts'
import { FIRST_WINDOW, nextWindow, type Availability, type Probe, widthAfter } from '../planning/probe.ts'

export type TableRun = {
  readonly key: string
  readonly tableStatus: TableStatus
  covered: BlockSet
  /** Missing blocks that are not probed yet, and probed blocks that may run and are not started yet. */
  unprobed: BlockSet
  runnable: BlockSet
  /** Blocks of the next window to probe. */
  window: number
  sourceGaps: BlockSet
  incomplete: BlockSet
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
  /** `locked` only after the ledger has been read under the lock: no chunk may start before. */
  phase: 'unlocked' | 'locking' | 'locked'
  /** Events appended since the last checkpoint. */
  events: number
  failure: BackfillError | undefined
}

export type RunContext = {
  readonly ports: Ports
  readonly options: UpOptions
  readonly slots: Slots
  readonly capacity: Capacity
  readonly runId: string
  readonly probeBlocks: Probe
  readonly runs: ReadonlyMap<string, TableRun>
  readonly confirm: ConfirmReservation
  readonly network: string
  readonly signal: AbortSignal
  readonly retryPolicy: RetryPolicy
  /** Query ids of the INSERTs under way. */
  readonly inFlight: Set<string>
  /** All targets of the run by table name, and their UUIDs by table key. */
  readonly targets: ReadonlyMap<string, TargetTable>
  readonly uuids: ReadonlyMap<string, string>
  readonly report: (event: RunEvent) => void
}

/** Blocks of a run, and the table's lock if it is held already. */
type Start = { readonly wanted: BlockSet; readonly lock: Lock | undefined }

/** A table at the start of a run: nothing probed. */
export function startTable(
  tableStatus: TableStatus,
  throughput: Throughput,
  { wanted, lock }: Start,
): TableRun {
  return {
    key: tableStatus.table.key,
    tableStatus,
    covered: tableStatus.covered,
    unprobed: intersect(tableStatus.missing, wanted),
    runnable: [],
    window: FIRST_WINDOW,
    sourceGaps: [],
    incomplete: [],
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

/** Probes the next window and adds the blocks that may run. */
export async function probeTable(
  run: TableRun,
  { probeBlocks, ports, retryPolicy, options }: RunContext,
): Promise<void> {
  run.probing = true
  try {
    const window = nextWindow(run.unprobed, options.order, run.window)
    const look = () => probeBlocks(run.tableStatus.table, window)
    const { runnable, sourceGaps, incomplete, rowEstimates, buckets }: Availability = await withRetry(
      { queries: ports.queries, retryPolicy },
      look,
    )
    run.unprobed = subtract(run.unprobed, window)
    run.window = widthAfter(run.window, { rowEstimates })
    run.runnable = union(run.runnable, subtract(runnable, run.covered))
    run.sourceGaps = union(run.sourceGaps, sourceGaps)
    run.incomplete = union(run.incomplete, incomplete)
    // Estimates of done blocks are not needed any more.
    const ahead = run.rowEstimates.filter((segment) => intersect(run.runnable, [segment]).length > 0)
    run.rowEstimates = mergeRowEstimates(ahead, rowEstimates)
    const isAhead = ({ first, last }: Bucket) =>
      intersect(run.runnable, [{ from: first, to: last }]).length > 0
    run.buckets = mergeBuckets(run.buckets, buckets, isAhead)
  } finally {
    run.probing = false
  }
}

/**
 * Takes the table's lock and reads the ledger again, because another run may have worked on the table until then.
 * Makes partly written ranges of earlier runs safe to run again.
 * @throws BackfillError `locked`, or `failed` if a partly written range cannot be made safe
 */
export async function lockTable(run: TableRun, context: RunContext): Promise<void> {
  run.phase = 'locking'
  const { ports, retryPolicy } = context
  await withRetry({ queries: ports.queries, retryPolicy }, () => lockAndMend(run, context))
  run.phase = 'locked'
}

async function lockAndMend(run: TableRun, context: RunContext): Promise<void> {
  const { ports, report, uuids, runId, retryPolicy } = context
  const { key, tableStatus } = run
  const note = (text: string) => report({ type: 'note', table: key, text })
  // Locked a second time, after a lost answer, or with a caller's lock: statements sent under it may still arrive.
  if (run.lock !== undefined) await run.lock.renew()
  else run.lock = await ports.locks.acquire(key, note, context.options.lockWaitMs)
  const [views] = await Promise.all([
    ports.ledger.fold(new Map([[key, uuids.get(key)!]])),
    ports.versions.keep(run.lock, tableStatus.table),
  ])
  const { covered, dirty } = coverageOf(tableStatus.bounds, views.get(key))
  run.events = views.get(key)?.tail ?? 0
  run.covered = covered
  run.unprobed = subtract(run.unprobed, covered)
  run.runnable = subtract(run.runnable, covered)
  if (dirty.length > 0) {
    const { table, target } = tableStatus
    const { stale, text } = await recover(ports, {
      table,
      target: target!,
      lock: run.lock,
      runId,
      inputs: inputsOf(tableStatus.table, uuids),
      dirty,
      retryPolicy,
    })
    note(text)
    run.mixed = stale
  }
}

/** Number of events after which a checkpoint is written: during a run, and at its end. */
const CHECKPOINT_EVENTS = { during: 4000, atEnd: 1 }

/** Writes checkpoints for tables with many events, unless one of their events may still arrive. */
export async function checkpointTables(
  runs: readonly TableRun[],
  { ports, runId, uuids, retryPolicy }: RunContext,
  when: keyof typeof CHECKPOINT_EVENTS,
): Promise<void> {
  const due = runs.filter(({ failure, events }) => failure === undefined && events >= CHECKPOINT_EVENTS[when])
  const requests = due.flatMap(({ key, lock }) =>
    lock === undefined ? [] : [{ lock, targetUuid: uuids.get(key)! }],
  )
  await ports.ledger.checkpoint(requests, runId, retryPolicy)
  for (const run of due) run.events = 0
}

/** Records the cost of a chunk. */
export function learn(run: TableRun, cost: Cost): void {
  run.throughput = throughputAfter(run.throughput, cost)
}
