// Owns the attempts at one range: retried after a transient error, split if it was too big, never repeated blindly.
import { runChunk } from './chunk.ts'
import { BackfillError, retryOf } from '../model/errors.ts'
import type { Range } from '../model/blocks.ts'
import { backOff, withRetry } from '../clickhouse/retry.ts'
import type { ChunkWork } from './chunk-work.ts'
import { MAX_ATTEMPTS } from '../clickhouse/error-codes.ts'
import { intersect, union } from '../model/blocks.ts'
import { withStaleTag } from '../ledger/stale.ts'
import { recover } from './recover.ts'
import { inputsOf } from '../planning/table-status.ts'
import { learn, type RunContext, type TableRun } from './table-run.ts'
import { randomId } from '../seam/random.ts'

/**
 * Runs a range of a locked table until it is done, and records it. Resolves with the rows written.
 * @throws BackfillError if another attempt would not help; the range is dirty then
 */
export async function runRange(run: TableRun, work: ChunkWork, context: RunContext): Promise<number> {
  const { range, rows } = work
  let progress = true
  for (let attempt = 1; ; attempt++) {
    const { epoch } = run.lock!
    try {
      return await tryOnce(run, { ...work, attempt, progress }, context)
    } catch (thrown) {
      const error = thrown as BackfillError
      context.report({ type: 'chunk-failed', table: run.key, range, error })
      // Another chunk of the table renewed the lock before this statement began: the lock is not lost.
      const renewed = error.kind === 'locked' && run.lock!.epoch !== epoch
      const decision = renewed ? 'retry' : retryOf(error)
      if (decision === 'stop' || context.signal.aborted) throw error
      if (attempt >= MAX_ATTEMPTS) throw tooOften(error, attempt)
      if (decision === 'split' && range.from === range.to) throw tooBig(error, run.key, range)
      if (decision === 'reconnect') await context.ports.queries.reachable(context.retryPolicy)
      // It may have been silent for longer than a proxy allows; without progress headers it still finishes.
      if (decision === 'reconnect') progress = false
      let lost = decision === 'reconnect'
      await withRetry({ queries: context.ports.queries, retryPolicy: context.retryPolicy }, async () => {
        // The lost statement may still arrive: then its lock epoch is over, and the fence refuses it.
        if (lost) await run.lock!.renew()
        lost = true
        await makeSafe(run, range, context)
      })
      if (decision === 'split') {
        run.tooBig = Math.min(run.tooBig ?? Infinity, rows)
        return await runHalves(run, work, context)
      }
      await backOff(attempt, context.signal)
    }
  }
}

type Try = ChunkWork & { readonly attempt: number; readonly progress: boolean }

async function tryOnce(
  run: TableRun,
  { attempt, progress, ...work }: Try,
  context: RunContext,
): Promise<number> {
  const { ports, runId, uuids, network, retryPolicy } = context
  const { range, rows, fingerprint, stepSession } = work
  const { table, bounds } = run.tableStatus
  const { key } = run
  const queryId = `backfill-${network}-${key}-${range.from}-${range.to}-${randomId()}`
  context.report({ type: 'chunk-started', table: key, range, queryId })
  context.inFlight.add(queryId)
  try {
    run.events += 2
    const report = await runChunk(ports, {
      table,
      range,
      runId,
      queryId,
      attempt,
      rowsExpected: Math.round(rows),
      // Rows that a retry reads may have arrived since.
      fingerprint: attempt === 1 ? fingerprint : undefined,
      targetUuid: uuids.get(key)!,
      forced: range.to > (bounds.inputs.naturalHead ?? Infinity),
      sqlHash:
        intersect(run.mixed, [range]).length > 0 ? withStaleTag('mixed', table.sqlHash) : table.sqlHash,
      lock: run.lock!,
      inputs: inputsOf(table, uuids),
      retryPolicy,
      progress,
      stepSession: attempt === 1 ? stepSession : undefined,
    })
    context.confirm(work, report.stepKept ? report.fingerprint : undefined)
    const { rowsWritten, rowsRead, elapsedMs, peakMemory } = report
    run.covered = union(run.covered, [range])
    learn(run, { expected: rows, written: rowsWritten, elapsedMs, peakMemory })
    context.report({ type: 'chunk-done', table: key, range, rowsWritten, rowsRead, elapsedMs })
    return rowsWritten
  } finally {
    context.inFlight.delete(queryId)
  }
}

async function runHalves(run: TableRun, { range, rows }: ChunkWork, context: RunContext): Promise<number> {
  const { from, to } = range
  const middle = Math.floor((from + to) / 2)
  const half = { rows: rows / 2, fingerprint: undefined, stepSession: undefined }
  const lower = await runRange(run, { range: { from, to: middle }, ...half }, context)
  return lower + (await runRange(run, { range: { from: middle + 1, to }, ...half }, context))
}

/** Makes blocks that an attempt of this run left partly written safe to run again. */
async function makeSafe(run: TableRun, range: Range, context: RunContext): Promise<void> {
  const { ports, runId, targets, uuids, retryPolicy } = context
  const { table } = run.tableStatus
  const target = targets.get(table.target)!
  const { stale } = await recover(ports, {
    table,
    target,
    lock: run.lock!,
    runId,
    inputs: inputsOf(table, uuids),
    dirty: [range],
    retryPolicy,
  })
  run.mixed = union(run.mixed, stale)
}

function tooOften(error: BackfillError, attempts: number): BackfillError {
  return new BackfillError(`${error.message}; tried ${attempts} times`, {
    ...detailsOf(error),
    hint: error.hint ?? 'Run backfill up again when the server is healthy',
  })
}

function tooBig(error: BackfillError, key: string, { from }: Range): BackfillError {
  return new BackfillError(`${error.message}; block ${from} alone is too big`, {
    ...detailsOf(error),
    hint: `Give ${key} more with '--! settings: max_memory_usage = …' in its transform, or raise the server's limit`,
  })
}

function detailsOf({ kind, code, rangeOnly, cause }: BackfillError) {
  return { kind, code, rangeOnly, cause }
}
