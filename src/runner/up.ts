// Owns the run loop: it starts all work that can start, and wakes when work ends, until nothing is left to start.
import { announce, refusalOf, skippedBlocks } from './announce.ts'
import { BackfillError } from '../model/errors.ts'
import { holdText } from '../ledger/steering.ts'
import { type Prepared, prepareRun } from './prepare.ts'
import { skipProbe, type TableRun } from './table-run.ts'
import { blockSet, subtract } from '../model/blocks.ts'
import { staleSummaries } from '../planning/stale-ranges.ts'
import { type Dependency, nextChunk, readyChunks } from '../planning/schedule.ts'
import type { RunEvent, RunSummary } from './events.ts'
import type { Workspace } from './workspace.ts'
import type { UpOptions } from '../planning/run-options.ts'
import { keepFound, keepSeen } from './keep-findings.ts'
import { fillDigests } from './later-digests.ts'
import { runRange } from './retry-range.ts'
import type { Choice } from './shared-chunks.ts'
import { checkpointTables, endTable, prepareTable, probeTable, readLocked, takeLocks } from './table-steps.ts'
import {
  blockedBlocks,
  dependenciesOf,
  inputStandstill,
  isUnfinished,
  taskOf,
  waitingEvents,
  workOf,
  workReporter,
} from './work-left.ts'
import { killAfterGrace } from './grace.ts'
import { LOOK_MS } from './throttle.ts'
import { monotonicMs, sleep, timeoutSignal } from '../seam/clock.ts'

export type UpHooks = {
  readonly report: (event: RunEvent) => void
  /** Once aborted, no new chunk starts; running chunks finish. */
  readonly signal: AbortSignal
}

/** Ranges of a table that may fail before the table stops: more failures mean that the range is not the cause. */
const MAX_FAILED_RANGES = 9

/** A table that fails stops; the others go on. @throws BackfillError before anything runs: `usage` if files and servers do not fit, `server` */
export async function up(
  workspace: Workspace,
  options: UpOptions,
  hooks: UpHooks,
  prepared?: Prepared,
): Promise<RunSummary> {
  const started = monotonicMs()
  const timeUp = options.maxRuntimeMs === undefined ? [] : [timeoutSignal(options.maxRuntimeMs)]
  /** Aborted if the whole run must end: a server is unreachable, or another run has a lock. */
  const unreachable = new AbortController()
  const signal = AbortSignal.any([hooks.signal, unreachable.signal, ...timeUp])
  const context = await prepareRun(workspace, options, { ...hooks, signal }, prepared)
  const { report, runs, throttle, sharing, slots } = context
  announce(runs, context)
  const totals = { chunks: 0, blocks: 0, seconds: 0, rowsWritten: 0 }
  const failed: { table: string; error: BackfillError }[] = []
  const inFlight = new Set<Promise<void>>()
  const progress = workReporter(report)
  let hasLocked = false
  let lockedOut: BackfillError | undefined

  const dependencies = (run: TableRun) => dependenciesOf(run, context)
  const task = (run: TableRun) => taskOf(run, context, dependencies)
  const tasks = () => [...runs.values()].map(task)
  /** As `dependencies`, but without blocks that an input skips: the input reports them once. */
  const unexplained = (run: TableRun): readonly Dependency[] =>
    dependencies(run).map((input) => {
      const { sourceGaps = [], incomplete = [] } = runs.get(input.key) ?? {}
      return { ...input, covered: blockSet([...input.covered, ...sourceGaps, ...incomplete]) }
    })

  function fail(run: TableRun, error: BackfillError): void {
    run.failure = error
    failed.push({ table: run.key, error })
    report({ type: 'table-failed', table: run.key, error })
  }

  function leaveOut(run: TableRun, error: BackfillError): void {
    run.failure = error
    report({ type: 'note', table: run.key, text: `left out: ${error.message}` })
    progress(run.key, { blocks: 0, unit: run.tableStatus.table.unit, chunks: 0 }, undefined)
  }

  /** An error stops its table, once. */
  function stop(run: TableRun, thrown: unknown): void {
    const error = thrown as BackfillError
    if (run.failure !== undefined) return
    if (options.lockSkip && error.kind === 'locked' && run.lock === undefined) return leaveOut(run, error)
    fail(run, error)
    // The time to wait for the server is up: the other tables need not wait again.
    if (error.kind === 'server') unreachable.abort()
  }

  function inBackground(work: Promise<void>): void {
    const ending = work.finally(() => inFlight.delete(ending))
    inFlight.add(ending)
  }

  function launch(run: TableRun, work: () => Promise<void>): void {
    inBackground(work().catch((thrown: unknown) => stop(run, thrown)))
  }

  /** Takes all locks of the run before anything is written, then prepares the tables. */
  async function lockTables(wanted: readonly TableRun[]): Promise<void> {
    const lent = new Set(wanted.filter(({ lock }) => lock !== undefined))
    const isFirst = !hasLocked
    hasLocked = true
    for (const run of wanted) run.phase = 'locking'
    try {
      await takeLocks(wanted, context, stop)
    } catch (thrown) {
      // Of tables that were paused until now: the others go on.
      if (!isFirst) return wanted.forEach((run) => stop(run, thrown))
      lockedOut = thrown as BackfillError
      unreachable.abort()
    }
    if (signal.aborted) return
    const locked = wanted.filter(({ lock }) => lock !== undefined)
    const read = readLocked(locked, context)
    for (const run of locked) launch(run, () => prepareTable(run, context, lent.has(run) ? undefined : read))
  }

  function chooseNext(): Choice | undefined {
    const free = [...runs.values()].filter((run) => run.phase === 'locked' && !sharing.isEarly(run))
    const choice = nextChunk(free.map(task), inFlight.size === 0)
    if (choice === undefined) return undefined
    const run = runs.get(choice.key)!
    return { run, work: sharing.take(run, choice.range) }
  }

  function startChunks(): void {
    while (slots.isFree()) {
      const choice = sharing.nextReserved() ?? chooseNext()
      if (choice === undefined) return
      const { run, work } = choice
      const { range, rows } = work
      const giveBack = slots.take(rows)
      run.running++
      launch(run, async () => {
        try {
          const rowsWritten = await runRange(run, work, context)
          totals.rowsWritten += rowsWritten // not `+= await`: that adds to the sum as it was before
          totals.chunks++
          totals[`${run.tableStatus.table.unit}s`] += range.to - range.from + 1
        } catch (thrown) {
          const error = thrown as BackfillError
          const before = failed.filter(({ table }) => table === run.key).length
          if (!error.rangeOnly || before >= MAX_FAILED_RANGES) throw error
          // It was aborted with the run: the next run repeats it.
          if (signal.aborted) return
          failed.push({ table: run.key, error })
        } finally {
          run.running--
          giveBack()
          sharing.confirm(work, undefined)
        }
        await checkpointTables([run], context, 'during')
      })
    }
  }

  /** Probes further if few blocks are left to run; locks the tables with work as soon as it is known which these are. */
  function prepareTables(): void {
    const all = tasks()
    const blocked = blockedBlocks(all, runs)
    const wanted: TableRun[] = []
    let isKnown = true
    for (const work of all) {
      const run = runs.get(work.key)!
      if (run.failure !== undefined || throttle.slotsOf(run.key) === 0) continue
      const little = readyChunks(work) < throttle.jobs() * 2
      skipProbe(run, blocked.get(run.key)!)
      if (!run.probing && little && run.unprobed.length > 0) launch(run, () => probeTable(run, context))
      const open = subtract(run.runnable, blocked.get(run.key)!)
      if (run.phase === 'unlocked') {
        if (run.tableStatus.dirty.length > 0 || open.length > 0) wanted.push(run)
        else isKnown &&= !run.probing
      }
      progress(run.key, workOf(work, run, blocked.get(run.key)!), inputStandstill(work, runs, blocked))
    }
    if (isKnown && wanted.length > 0) inBackground(lockTables(wanted))
  }

  for (const run of runs.values()) {
    const refusal = refusalOf(run, context)
    if (refusal !== undefined) fail(run, refusal)
    const pause = throttle.pauseOf(run.key)
    // Cron would start one waiting run after the other.
    if (pause !== undefined && options.lockSkip && isUnfinished(run))
      leaveOut(run, new BackfillError(`${run.key} is ${holdText(pause)}`, { kind: 'locked' }))
  }
  const ended = new AbortController()
  // A joined signal with a listener is kept, with all that the listener knows, as long as the process lives.
  const stopped = new Promise((wake) => signal.addEventListener('abort', wake, { signal: ended.signal }))
  const isHeldBack = () =>
    [...runs.values()].some((run) => throttle.slotsOf(run.key) === 0 && isUnfinished(run))
  const awake = AbortSignal.any([signal, ended.signal])
  const endWatch = context.watch()
  while (!signal.aborted) {
    // Tables first: then, if nothing is in flight, nothing can change any more.
    prepareTables()
    startChunks()
    if (inFlight.size === 0 && !isHeldBack()) break
    // Nothing else keeps the process alive while nothing is in flight.
    const nothing = inFlight.size === 0 ? [sleep(LOOK_MS, awake)] : []
    await Promise.race([...inFlight, ...nothing, stopped, throttle.changed()])
  }
  ended.abort()
  await endWatch()
  const killAll = () => context.ports.queries.end([...context.inFlight])
  const endGrace = killAfterGrace(hooks.signal, options.graceMs, killAll)
  await Promise.all(inFlight)
  endGrace()
  const isLocked = failed.length > 0 && failed.every(({ error }) => error.kind === 'locked')
  if (lockedOut !== undefined || isLocked)
    await context.sayEnded('locked', (lockedOut ?? failed[0]!.error).message)
  else if (hooks.signal.aborted) await context.sayEnded('interrupted')
  else if (timeUp.some(({ aborted }) => aborted)) await context.sayEnded('out of time')
  if (lockedOut !== undefined) throw lockedOut
  const together = fillDigests([...runs.values()], context)
    .then(() => checkpointTables([...runs.values()], context, 'atEnd'))
    .catch((error: unknown) => {
      if ((error as BackfillError).kind === 'server') unreachable.abort()
      throw error
    })
  for (const run of runs.values()) launch(run, () => endTable(run, context, together))
  await Promise.all(inFlight)
  await Promise.allSettled([keepFound(workspace, context), keepSeen(workspace, context)]) // no run fails for these
  for (const skipped of skippedBlocks(runs)) report(skipped)
  const explained = [...runs.values()].map((run) => taskOf(run, context, unexplained))
  if (!signal.aborted) waitingEvents(explained, runs).forEach(report)
  return {
    runId: context.runId,
    ...totals,
    elapsedMs: Math.round(monotonicMs() - started),
    stale: staleSummaries(
      [...runs.values()].map(({ tableStatus }) => tableStatus),
      workspace,
    ),
    failed,
    interrupted: hooks.signal.aborted,
    outOfTime: timeUp.some(({ aborted }) => aborted),
  }
}
