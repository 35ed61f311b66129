// Owns the steps of a table's run around its chunks: probing its blocks, locking it, writing its checkpoints.
import { withRetry } from '../clickhouse/retry.ts'
import type { WaitNote } from '../lock/watch.ts'
import { intersect, subtract, union } from '../model/blocks.ts'
import { BackfillError } from '../model/errors.ts'
import type { Standstill } from '../model/standstill.ts'
import { absentText, hasUnknownRows, isWatched, thinText } from '../planning/absence.ts'
import { probeMissing } from '../planning/probe-missing.ts'
import { mergeRowEstimates } from '../planning/row-estimates.ts'
import { coverageOf, inputsOf } from '../planning/table-status.ts'
import type { Bucket } from '../sources/availability.ts'
import { mergeBuckets } from '../sources/fingerprint.ts'
import { orderOf } from './work-left.ts'
import { recover } from './recover.ts'
import { assertSameTable } from './same-table.ts'
import type { RunContext } from './prepare.ts'
import type { TableRun } from './table-run.ts'

/** Probes the next window and adds the blocks that may run. */
export async function probeTable(
  run: TableRun,
  { probeBlocks, ports, retryPolicy, options, report }: RunContext,
): Promise<void> {
  run.probing = true
  try {
    const { table } = run.tableStatus
    const [window, found] = await withRetry({ queries: ports.queries, retryPolicy }, async () => {
      const next = await probeBlocks.next(table, run.unprobed, orderOf(run, options), run.lastProbe)
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
 * In the order of their keys, so that of several runs one gets all. Without a table that is `refused` the others go on. @throws BackfillError `locked`
 * if another `up` holds one, unless such tables are to be left out; `failed` naming the GRANT that lacks to drop old locks. No lock is kept then
 */
export async function takeLocks(
  runs: readonly TableRun[],
  { ports, options, report, retryPolicy }: RunContext,
  refused: (run: TableRun, error: unknown) => void,
): Promise<void> {
  const taken: TableRun[] = []
  const free = runs.filter(({ lock }) => lock === undefined)
  // If this fails, each table asks by itself.
  const seen = await ports.locks.look(free.map(({ key }) => key)).catch(() => undefined)
  try {
    for (const run of free.toSorted((one, other) => (one.key < other.key ? -1 : 1))) {
      const { key } = run
      if (retryPolicy.signal.aborted) continue
      const tell = (standstill?: Standstill) => report({ type: 'standstill', table: key, standstill })
      let waited = false
      const waits: WaitNote = (_, { host, pid }) => {
        waited = true
        tell({ reason: 'lock', host, pid })
      }
      try {
        run.lock = await withRetry({ queries: ports.queries, retryPolicy }, () =>
          ports.locks.acquire(key, waits, options.lockWaitMs, UP, seen),
        )
        taken.push(run)
      } catch (error) {
        const isOfUp = error instanceof BackfillError && error.heldBy === UP
        if (isOfUp && !options.lockSkip) throw error
        refused(run, error)
      } finally {
        if (waited) tell()
      }
    }
    await ports.locks.sweep()
  } catch (error) {
    await Promise.all(taken.map(({ lock }) => lock!.release()))
    for (const other of taken) other.lock = undefined
    throw error
  }
}

const UP = 'up'

/** What is there of locked tables: their events, which of their files the ledger lacks, which tables they are. Need not be awaited. */
export function readLocked(runs: readonly TableRun[], { ports, uuids }: RunContext) {
  const read = Promise.all([
    ports.ledger.fold(new Map(runs.map(({ key }) => [key, uuids.get(key)!]))),
    ports.versions.unkept(runs.map(({ tableStatus }) => tableStatus.table)),
    ports.target.identities(runs.map(({ tableStatus }) => tableStatus.table.target)),
  ])
  read.catch(() => undefined)
  return read
}

type Locked = ReturnType<typeof readLocked>

/**
 * Reads the ledger again under the lock, and makes partly written ranges safe. `read`: what was read so for several tables; undefined if statements sent
 * under the lock may still arrive: then it is renewed. @throws BackfillError `locked`, or `failed` if a range cannot be made safe or the table is another one
 */
export async function prepareTable(run: TableRun, context: RunContext, read: Locked | undefined) {
  const { ports, retryPolicy } = context
  let first = read
  await withRetry({ queries: ports.queries, retryPolicy }, async () => {
    const locked = first
    first = undefined
    if (locked === undefined) await run.lock!.renew()
    await mend(run, context, await (locked ?? readLocked([run], context)))
  })
  run.phase = 'locked'
}

async function mend(
  run: TableRun,
  context: RunContext,
  [views, unkept, present]: Awaited<Locked>,
): Promise<void> {
  const { ports, report, uuids } = context
  const { key } = run
  const { table, bounds, target } = run.tableStatus
  assertSameTable(table, uuids.get(key), present)
  let view = views.get(key)
  if (hasUnknownRows(table, target!, view)) {
    await disownRows(run, context)
    view = (await readLocked([run], context))[0].get(key)
  }
  const { covered, dirty } = coverageOf(bounds, view)
  run.events = view?.tail ?? 0
  run.covered = covered
  run.todo = subtract(run.todo, covered)
  run.unprobed = subtract(run.unprobed, covered)
  run.runnable = subtract(run.runnable, covered)
  // After this: what was read together for several tables is known together, before one of them begins.
  if (unkept.has(key)) await ports.versions.keep(run.lock!, table)
  if (dirty.length > 0) report({ type: 'note', table: key, text: await recover(run, dirty, context) })
  // The ledger knows nothing of a deletion that was sent to a table of before, and has met this one.
  else if (run.lock!.inherited) await ports.executor.endDeletions(table, run.lock!)
}

/** Records unknown rows as those of an attempt by nobody: recovery deletes them, now or after a kill. Only what can be computed again. */
async function disownRows(run: TableRun, { ports, runId, retryPolicy, probeBlocks }: RunContext) {
  const { table, target, missing } = run.tableStatus
  const { runnable: blocks } = await probeMissing(probeBlocks, table, intersect(missing, run.wanted))
  const declared = { blocks, targetUuid: target!.uuid, runId, sqlHash: '' }
  const queryId = `unknown-${runId}`
  for (const event of ['started', 'invalidated'] as const)
    await ports.ledger.appendEach(run.lock!, { ...declared, event, queryId }, retryPolicy)
}

/** Number of events after which a checkpoint is written: during a run, and at its end. */
const CHECKPOINT_EVENTS = { during: 4000, atEnd: 1 }

/** A statement names each of its tables several times, in up to 1 KB, and a server takes 128 KiB of a statement with long parameters. */
const TOGETHER = 50

/** Writes checkpoints for tables with many events, unless one of their events may still arrive. */
export async function checkpointTables(
  runs: readonly TableRun[],
  { ports, runId, uuids, tableStatuses, retryPolicy }: RunContext,
  when: keyof typeof CHECKPOINT_EVENTS,
): Promise<void> {
  const due = runs.filter(
    ({ failure, events, lock }) => failure === undefined && events >= CHECKPOINT_EVENTS[when] && lock,
  )
  const watched = due.map(({ tableStatus }) => tableStatus).filter(isWatched)
  const oldest = await ports.target.oldestParts(watched.map(({ table }) => table.target))
  const requests = due.map(({ key, lock, tableStatus: { table } }) => {
    const [targetUuid, parts] = [uuids.get(key)!, oldest.get(table.target)]
    return { lock: lock!, targetUuid, inputs: inputsOf(table, tableStatuses), parts }
  })
  for (let at = 0; at < due.length; at += TOGETHER) {
    await ports.ledger.checkpoint(requests.slice(at, at + TOGETHER), runId, retryPolicy)
    for (const run of due.slice(at, at + TOGETHER)) run.events = 0
  }
}

/** Gives its lock back, whatever becomes of its checkpoint: a process that uses the library lives on. `together`: the checkpoint of all tables. */
export async function endTable(run: TableRun, context: RunContext, together: Promise<void>): Promise<void> {
  try {
    // If the joint checkpoint fails, each table writes its own, so that only the table with the error fails.
    await together.catch(() => checkpointTables([run], context, 'atEnd'))
  } finally {
    await run.lock?.release()
  }
}
