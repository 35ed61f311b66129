// Owns the protocol of one attempt at a chunk: started, the fenced INSERT, the checks, done. A failure in between leaves
// a dirty range, never a wrong `done`.
import { BackfillError, retryOf } from '../model/errors.ts'
import { type SourceFacts, writeFingerprint } from '../sources/fingerprint.ts'
import { type LedgerEvent, NOTHING_MEASURED } from '../ledger/events.ts'
import type { Range } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import type { Lock } from '../lock/lock.ts'
import type { InsertReport, StepSession } from './executor-port.ts'
import type { RetryPolicy } from '../clickhouse/retry.ts'
import type { Ports } from './workspace.ts'

export type ChunkJob = {
  readonly table: TableDefinition
  readonly targetUuid: string
  readonly range: Range
  readonly runId: string
  readonly queryId: string
  /** 1 for the first attempt at the range in this run. */
  readonly attempt: number
  readonly rowsExpected: number
  /** Of the sources, read earlier in this run; undefined: it must be read now. */
  readonly fingerprint: ReadonlyMap<string, SourceFacts> | undefined
  readonly forced: boolean
  /** The hash for the ledger; with a stale tag, the range counts as stale. */
  readonly sqlHash: string
  readonly lock: Lock
  /** Table key -> target UUID of the tables in `after`. */
  readonly inputs: ReadonlyMap<string, string>
  readonly retryPolicy: RetryPolicy
  /** As in InsertJob. */
  readonly progress: boolean
  readonly stepSession: StepSession | undefined
}

/** `fingerprint`: of the sources, older than the INSERT. */
export type ChunkReport = InsertReport & { readonly fingerprint: ReadonlyMap<string, SourceFacts> }

/**
 * Runs one attempt and resolves when the ledger has acknowledged `done`.
 * @throws BackfillError, after `failed` has been recorded if that was possible
 */
export async function runChunk(ports: Ports, job: ChunkJob): Promise<ChunkReport> {
  const { table, range, lock, inputs, retryPolicy } = job
  const { ledger } = ports
  const [sources, before] = await Promise.all([
    job.fingerprint ?? ports.source.fingerprint(table.sources, range),
    ledger.inputVersions(inputs, range),
  ])
  const sourceFingerprint = writeFingerprint({ sources, inputs: before })
  const event = (name: LedgerEvent['event'], outcome: Partial<LedgerEvent>): LedgerEvent => ({
    event: name,
    range,
    targetUuid: job.targetUuid,
    sqlHash: job.sqlHash,
    sourceFingerprint,
    attempt: job.attempt,
    rowsExpected: job.rowsExpected,
    runId: job.runId,
    queryId: job.queryId,
    forced: job.forced,
    ...NOTHING_MEASURED,
    ...outcome,
  })

  await ledger.append(lock, event('started', {}), retryPolicy)
  let report: InsertReport
  try {
    report = await insert(ports, job)
    const now = { sources, inputs: await ledger.inputVersions(inputs, range) }
    if (writeFingerprint(now) !== sourceFingerprint)
      throw new BackfillError(
        `the inputs of ${table.key} were redone in blocks ${range.from}-${range.to} meanwhile`,
        {
          kind: 'failed',
          hint: 'Run backfill up again',
        },
      )
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
  await ledger.append(lock, event('done', measured), retryPolicy)
  return { ...report, fingerprint: sources }
}

/** The INSERT; if its answer was lost, asks the server for its outcome first. */
async function insert(
  { executor, queries }: Ports,
  { table, range, queryId, lock, progress, retryPolicy, stepSession }: ChunkJob,
): Promise<InsertReport> {
  try {
    const job = { table, range, queryId, lock, progress }
    return await executor.insert({ ...job, ...(stepSession && { stepSession }) })
  } catch (error) {
    if (retryOf(error) !== 'reconnect') throw error
    await queries.reachable(retryPolicy)
    const report = await queries.waitForEnd(queryId)
    if (report === undefined) throw error
    return { ...report, stepKept: false }
  }
}

/** Characters of a message that the ledger keeps: parameters are sent in the URL. */
const MAX_ERROR = 4000
