// Owns digests that are recorded after `done`: those of ranges that could not be read back one by one, all in one scan at the end of a run.
import { DIGEST_ONLY, type LedgerEvent } from '../ledger/events.ts'
import type { Digest } from '../model/digest.ts'
import { WORTH } from '../targets/digest.ts'
import type { RunContext } from './prepare.ts'
import type { TableRun } from './table-run.ts'

/** For a range that is done: says the digest of its rows, and what they were computed from, and changes nothing else. */
export function digestEvent(
  { range, targetUuid, runId, sqlHash, forks = '', inputs = '' }: Omit<LedgerEvent, 'event'>,
  digest: Digest,
): LedgerEvent {
  return { event: 'done', error: DIGEST_ONLY, range, targetUuid, runId, sqlHash, forks, inputs, digest }
}

/** Ranges of a run for which it is done; the digests of others stay unknown. */
const MOST_RANGES = 10_000

/** A range that was done without a digest. */
export function keepForLater(run: TableRun, done: LedgerEvent): void {
  if (run.undigested.length < MOST_RANGES) run.undigested.push(done)
}

/** For each table, if the ranges are worth a scan. Never throws: digests stay unknown. */
export async function fillDigests(
  runs: readonly TableRun[],
  { ports, signal, retryPolicy }: RunContext,
): Promise<void> {
  for (const { lock, failure, undigested, tableStatus } of runs) {
    const { table, target } = tableStatus
    const written = undigested.reduce((sum, { rowsWritten = 0 }) => sum + rowsWritten, 0)
    const before = target?.rows ?? Infinity
    if (lock === undefined || failure !== undefined || signal.aborted || written === 0) continue
    if (before + written > Math.max(WORTH.perRow * written, WORTH.atLeast)) continue
    const done = undigested.toSorted((one, other) => one.range.from - other.range.from)
    const ranges = done.map(({ range }) => range)
    const digests = await ports.executor.storedDigests({ table, target: target! }, ranges).catch(() => [])
    const events = digests.map((digest, index) => digestEvent(done[index]!, digest))
    if (events.length > 0) await ports.ledger.appendAll(lock, events, retryPolicy).catch(() => undefined)
  }
}
