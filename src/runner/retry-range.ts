// Owns the attempts at one range: retried after a transient error, split if it was too big, never repeated blindly.
import { BackfillError, retryOf } from '../model/errors.ts'
import { type Range, union } from '../model/blocks.ts'
import { MAX_ATTEMPTS, NOT_ENOUGH_SPACE, TOO_MANY_PARTS } from '../clickhouse/error-codes.ts'
import { backOff, withRetry } from '../clickhouse/retry.ts'
import { throughputAfter } from '../planning/sizing.ts'
import { monotonicMs } from '../seam/clock.ts'
import { randomId } from '../seam/random.ts'
import { type Attempt, runChunk } from './chunk.ts'
import { recover } from './recover.ts'
import type { RunContext } from './prepare.ts'
import type { ChunkWork, TableRun } from './table-run.ts'

/** Resolves with the rows written. @throws BackfillError if another attempt would not help; the range is dirty then */
export async function runRange(run: TableRun, work: ChunkWork, context: RunContext): Promise<number> {
  const { range, rows } = work
  let progress = true
  let fullSince: number | undefined
  for (let attempt = 1; ; attempt++) {
    await context.room((standstill) => context.report({ type: 'standstill', table: run.key, standstill }))
    const { epoch } = run.lock!
    try {
      return await tryOnce(run, work, { attempt, progress }, context)
    } catch (thrown) {
      const error = thrown as BackfillError
      context.report({ type: 'chunk-failed', table: run.key, range, error })
      // Another chunk of the table renewed the lock before this statement began: the lock is not lost.
      const renewed = error.kind === 'locked' && run.lock!.epoch !== epoch
      const decision = renewed ? 'retry' : retryOf(error)
      if (decision === 'stop' || context.signal.aborted) throw error
      // A full disk is waited for as a server that is away.
      fullSince = error.code === NOT_ENOUGH_SPACE ? (fullSince ?? monotonicMs()) : undefined
      if (fullSince !== undefined && monotonicMs() - fullSince < context.options.giveUpMs)
        attempt = Math.min(attempt, MAX_ATTEMPTS - 1)
      if (attempt >= MAX_ATTEMPTS) throw tooOften(error, attempt)
      if (decision === 'split' && range.from === range.to) throw tooBig(error, run.key, range)
      if (decision !== 'split') await context.ports.queries.reachable(context.retryPolicy)
      // It may have been silent for longer than a proxy allows; without progress headers it still finishes.
      if (decision === 'reconnect') progress = false
      let lost = decision === 'reconnect'
      await withRetry({ queries: context.ports.queries, retryPolicy: context.retryPolicy }, async () => {
        // The lost statement may still arrive: then its lock epoch is over, and the fence refuses it.
        if (lost) await run.lock!.renew()
        lost = true
        await recoverRange(run, range, context)
      })
      if (decision === 'split') {
        run.tooBig = Math.min(run.tooBig ?? Infinity, rows)
        return await runHalves(run, work, context)
      }
      await backOff(attempt, context.signal)
    }
  }
}

/** Another chunk of the table may renew the lock meanwhile, which refuses the statements of this recovery: it begins again. */
async function recoverRange(run: TableRun, range: Range, context: RunContext): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { epoch } = run.lock!
    try {
      await recover(run, [range], context)
      return
    } catch (error) {
      const renewed = (error as BackfillError).kind === 'locked' && run.lock!.epoch !== epoch
      if (!renewed || attempt >= MAX_ATTEMPTS) throw error
    }
  }
}

async function tryOnce(
  run: TableRun,
  work: ChunkWork,
  { attempt, progress }: Pick<Attempt, 'attempt' | 'progress'>,
  context: RunContext,
): Promise<number> {
  const { range, rows } = work
  const { key } = run
  const queryId = `backfill-${context.network.name}-${key}-${range.from}-${range.to}-${randomId()}`
  context.report({ type: 'chunk-started', table: key, range, queryId })
  context.inFlight.add(queryId)
  try {
    run.events += 2
    // Rows that a retry reads may have arrived since the probe and since the shared step.
    const stale = attempt === 1 ? {} : { fingerprint: undefined, stepSession: undefined }
    const report = await runChunk(run, { ...work, ...stale, queryId, attempt, progress }, context)
    context.sharing.confirm(work, report.stepKept ? report.fingerprint : undefined)
    const { rowsWritten, rowsRead, elapsedMs, peakMemory } = report
    run.covered = union(run.covered, [range])
    const cost = { expected: rows, written: rowsWritten, elapsedMs, peakMemory }
    run.throughput = throughputAfter(run.throughput, cost)
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

function tooOften(error: BackfillError, attempts: number): BackfillError {
  return new BackfillError(`${error.message}; tried ${attempts} times`, {
    ...detailsOf(error),
    hint: error.hint ?? 'Run backfill up again when the server is healthy',
  })
}

const MEMORY_LIMIT_EXCEEDED = 241

function tooBig(error: BackfillError, key: string, { from }: Range): BackfillError {
  const limits: Readonly<Record<number, string>> = {
    [MEMORY_LIMIT_EXCEEDED]: 'max_memory_usage',
    [TOO_MANY_PARTS]: 'max_partitions_per_insert_block',
  }
  const limit = limits[error.code]
  const words = limit === undefined ? 'takes too long' : 'is too big'
  return new BackfillError(`${error.message}; block ${from} alone ${words}`, {
    ...detailsOf(error),
    hint:
      limit === undefined
        ? `Make the transform of ${key} faster (docs/reference/sql-files.md, Fast SQL), or try again when the server is less busy`
        : `Give ${key} more with '--! settings: ${limit} = …' in its transform, or raise the server's limit`,
  })
}

function detailsOf({ kind, code, rangeOnly, cause }: BackfillError) {
  return { kind, code, rangeOnly, cause }
}
