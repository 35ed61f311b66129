// Owns the steps of a table's run around its chunks: probing its blocks, locking it, writing its checkpoints.
import { withRetry } from '../clickhouse/retry.ts'
import { intersect, subtract, union } from '../model/blocks.ts'
import { absentText, hasUnknownRows, thinText } from '../planning/absence.ts'
import { probeMissing } from '../planning/probe.ts'
import { mergeRowEstimates } from '../planning/row-estimates.ts'
import { coverageOf, inputsOf } from '../planning/table-status.ts'
import type { Bucket } from '../sources/availability.ts'
import { mergeBuckets } from '../sources/fingerprint.ts'
import { recover } from './recover.ts'
import type { RunContext, TableRun } from './table-run.ts'

/** Probes the next window and adds the blocks that may run. */
export async function probeTable(
  run: TableRun,
  { probeBlocks, partsBefore, ports, retryPolicy, options, report }: RunContext,
): Promise<void> {
  run.probing = true
  try {
    const { table } = run.tableStatus
    await partsBefore()
    const [window, found] = await withRetry({ queries: ports.queries, retryPolicy }, async () => {
      const next = await probeBlocks.next(table, run.unprobed, options.order, run.lastProbe)
      return [next, await probeBlocks(table, next)] as const
    })
    const { runnable, sourceGaps, incomplete, rowEstimates, buckets, absent, thin } = found
    for (const part of thin) report({ type: 'warning', table: run.key, text: thinText(part) })
    for (const name of absent.filter((one) => !run.absent.has(one))) {
      run.absent.add(name)
      report({ type: 'warning', table: run.key, text: absentText(name) })
    }
    run.unprobed = subtract(run.unprobed, window)
    run.lastProbe = { rowEstimates }
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
  const { ports, report, uuids } = context
  const { key } = run
  const { table, bounds, target } = run.tableStatus
  const note = (text: string) => report({ type: 'note', table: key, text })
  // Locked a second time, after a lost answer, or with a caller's lock: statements sent under it may still arrive.
  if (run.lock !== undefined) await run.lock.renew()
  else run.lock = await ports.locks.acquire(key, note, context.options.lockWaitMs)
  const fold = async () => (await ports.ledger.fold(new Map([[key, uuids.get(key)!]]))).get(key)
  let [view] = await Promise.all([fold(), ports.versions.keep(run.lock, table)])
  if (hasUnknownRows({ table, target: target!, view })) {
    await disownRows(run, context)
    view = await fold()
  }
  const { covered, dirty } = coverageOf(bounds, view)
  run.events = view?.tail ?? 0
  run.covered = covered
  run.unprobed = subtract(run.unprobed, covered)
  run.runnable = subtract(run.runnable, covered)
  if (dirty.length > 0) note(await recover(run, dirty, context))
}

/**
 * Records unknown rows as those of an attempt by nobody, to be deleted: recovery deletes them, in this run or after a
 * kill. Only of blocks that can be computed again.
 */
async function disownRows(
  run: TableRun,
  { ports, runId, retryPolicy, probeBlocks }: RunContext,
): Promise<void> {
  const { table, target, missing } = run.tableStatus
  const { runnable: blocks } = await probeMissing(probeBlocks, table, intersect(missing, run.wanted))
  const declared = { blocks, targetUuid: target!.uuid, runId, sqlHash: '' }
  const queryId = `unknown-${runId}`
  for (const event of ['started', 'invalidated'] as const)
    await ports.ledger.appendEach(run.lock!, { ...declared, event, queryId }, retryPolicy)
}

/** Number of events after which a checkpoint is written: during a run, and at its end. */
const CHECKPOINT_EVENTS = { during: 4000, atEnd: 1 }

/** Writes checkpoints for tables with many events, unless one of their events may still arrive. */
export async function checkpointTables(
  runs: readonly TableRun[],
  { ports, runId, uuids, tableStatuses, retryPolicy }: RunContext,
  when: keyof typeof CHECKPOINT_EVENTS,
): Promise<void> {
  const due = runs.filter(({ failure, events }) => failure === undefined && events >= CHECKPOINT_EVENTS[when])
  const requests = due.flatMap(({ key, lock, tableStatus: { table } }) =>
    lock === undefined ? [] : [{ lock, targetUuid: uuids.get(key)!, inputs: inputsOf(table, tableStatuses) }],
  )
  await ports.ledger.checkpoint(requests, runId, retryPolicy)
  for (const run of due) run.events = 0
}
