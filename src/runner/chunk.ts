// Owns the protocol of one attempt at a chunk: started, the fenced INSERT, the checks and audits, done. A failure in between leaves
// a dirty range, never a wrong `done`.
import { type BackfillError, retryOf } from '../model/errors.ts'
import { type SourceFacts, writeFingerprint } from '../sources/fingerprint.ts'
import type { LedgerEvent } from '../ledger/events.ts'
import { intersect } from '../model/blocks.ts'
import { withStaleTag } from '../ledger/stale.ts'
import { assertUnchanged, inputPositions, inputsText, readsOf } from './chunk-inputs.ts'
import { keepForLater } from './later-digests.ts'
import {
  assertNoOtherRows,
  assertNoRowsOutside,
  assertNoRowsYet,
  assertNotEmptied,
  assertSourcesLeft,
} from './chunk-checks.ts'
import type { InsertJob, InsertReport } from './executor.ts'
import type { TableInput } from '../planning/table-status.ts'
import type { RunContext } from './prepare.ts'
import type { ChunkWork, TableRun } from './table-run.ts'

/** An attempt at a range; `attempt` is 1 for the first one in this run, `progress` as in InsertJob. */
export type Attempt = ChunkWork & {
  readonly queryId: string
  readonly attempt: number
  readonly progress: boolean
}

/** `fingerprint`: of the sources, older than the INSERT. */
type ChunkReport = InsertReport & { readonly fingerprint: ReadonlyMap<string, SourceFacts> }

/** Resolves when the ledger has acknowledged `done`. @throws BackfillError, after `failed` has been recorded if that was possible */
export async function runChunk(
  run: TableRun,
  { range, rows, queryId, attempt, progress, fingerprint, stepSession }: Attempt,
  context: RunContext,
): Promise<ChunkReport> {
  const { ports, runId, uuids, retryPolicy, options } = context
  const { ledger } = ports
  const { key, mixed } = run
  const { forks, inputs: there } = readsOf(run.tableStatus, context)
  // Of a table that this run has locked nobody else takes blocks out; asking for its own chunks each time would take long.
  const isOurs = ({ key: input, perKey }: TableInput) => perKey && context.runs.get(input)?.lock !== undefined
  const inputs = there.map((input) => (isOurs(input) ? { ...input, known: undefined } : input))
  const { table, bounds, target } = run.tableStatus
  const lock = run.lock!
  const read = { table, targetUuid: uuids.get(key)!, columns: target!.columns, range, inputs }
  const [sources, before] = await Promise.all([
    fingerprint ?? ports.source.fingerprint(table.sources, range),
    inputPositions(ports, inputs),
  ])
  const sourceFingerprint = writeFingerprint(sources)
  const event = (name: LedgerEvent['event'], outcome: Partial<LedgerEvent>): LedgerEvent => ({
    event: name,
    range,
    targetUuid: read.targetUuid,
    // With a stale tag, the range counts as stale.
    sqlHash: intersect(mixed, [range]).length > 0 ? withStaleTag('mixed', table.sqlHash) : table.sqlHash,
    sourceFingerprint,
    forks,
    inputs: inputsText(read, before),
    attempt,
    rowsExpected: Math.round(rows),
    runId,
    queryId,
    forced: range.to > (bounds.inputs.naturalHead ?? Infinity),
    ...outcome,
  })

  await ledger.append(lock, event('started', {}), retryPolicy)
  let report: InsertReport
  let digest: LedgerEvent['digest']
  try {
    const job = { table, range, targetUuid: read.targetUuid, queryId, lock, progress, stepSession }
    await assertNoRowsYet(ports, { table, engine: target!.engine, range })
    report = await context.slots.insert(async () => {
      if (target!.expires !== true) await assertNotEmptied(ports, table, read.targetUuid)
      return await insert(job, context)
    })
    // A server also counts the rows that materialized views took: of such a table they are counted by themselves.
    if (table.rows.kind === 'per-block' && target!.views.length > 0)
      report = { ...report, rowsWritten: await ports.executor.count(table, [range]) }
    const { rowsWritten } = report
    ;[digest] = await Promise.all([
      ports.executor.digest({ table, target: target!, range, rowsWritten }),
      assertUnchanged(ports, read, before),
      // The last of a shared step has read the rows that the first one kept.
      assertSourcesLeft(ports, {
        table,
        range,
        before: sources,
        buckets: run.buckets,
        rowsExpected: rows,
        rowsRead: stepSession?.role === 'last' ? undefined : report.rowsRead,
      }),
    ])
    assertNoOtherRows({ table, range, rowsWritten, digest, mixed })
    await assertNoRowsOutside(ports, run, { table, range, rowsWritten, digest })
    // After the sources were found to be the same: rows of a moment in between are computed again, not judged.
    if (!options.noAudits) await ports.executor.audit(table, range)
  } catch (error) {
    const { code, message } = error as BackfillError
    // Without this event the range is dirty, too, because of `started`.
    await ledger
      .append(lock, event('failed', { errorCode: code, error: message.slice(0, MAX_ERROR) }))
      .catch(() => undefined)
    throw error
  }
  // Outside the try block: once `done` may have arrived, `failed` must never follow it.
  const { stepKept: _, ...measured } = report
  const done = event('done', { ...measured, digest })
  await ledger.append(lock, done, retryPolicy)
  if (digest === undefined) keepForLater(run, done)
  return { ...report, fingerprint: sources }
}

/** The INSERT; if its answer was lost, asks the server for its outcome first. */
async function insert(job: InsertJob, { ports, retryPolicy }: RunContext): Promise<InsertReport> {
  const { executor, queries } = ports
  try {
    return await executor.insert(job)
  } catch (error) {
    if (retryOf(error) !== 'reconnect') throw error
    await queries.reachable(retryPolicy)
    // What a question about it meets says nothing of the statement, which may still arrive.
    const report = await queries.waitForEnd(job.queryId).catch((met: unknown) => {
      if (retryOf(met) === 'stop') throw met
    })
    if (report === undefined) throw error
    return report
  }
}

/** Characters of a message that the ledger keeps. */
const MAX_ERROR = 4000
