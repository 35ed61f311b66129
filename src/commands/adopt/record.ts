// Owns the recording of adopted rows as done, with what the ledger must know of them.
import type { Lock } from '../../lock/lock.ts'
import type { TableDefinition } from '../../model/model.ts'
import { isWatched } from '../../planning/absence.ts'
import { blocksIn } from '../../planning/table-status.ts'
import { writeFingerprint } from '../../sources/fingerprint.ts'
import { forksText } from '../../planning/stale-ranges.ts'
import { inputsText } from '../../runner/chunk-inputs.ts'
import { assertSameTable } from '../../runner/same-table.ts'
import { endAttempts } from '../../runner/recover.ts'
import type { Ports, Workspace } from '../../runner/workspace.ts'
import { randomId } from '../../seam/random.ts'
import type { Adoption, AdoptOptions } from './plan.ts'

/**
 * Holds the lock of the table, of whose rows `work` compares some and records all: what a dead run has sent to a table of before changes them no
 * more. @throws BackfillError `locked`, and what `work` throws
 */
export async function whileLocked<T>(
  { ports, chosen }: Workspace,
  note: (text: string) => void,
  work: (lock: Lock) => Promise<T>,
): Promise<T> {
  const table = chosen[0]!
  const lock = await ports.locks.acquire(table.key, note)
  try {
    if (lock.inherited) await endStatements(ports, table, lock)
    return await work(lock)
  } finally {
    await lock.release()
  }
}

/** The ledger knows them under the UUID of the table before. */
async function endStatements(ports: Ports, table: TableDefinition, lock: Lock): Promise<void> {
  const { ledger, target, executor } = ports
  const { key } = table
  const uuid = (await target.identities([table.target])).get(table.target)?.uuid
  const earlier = uuid === undefined ? undefined : await ledger.earlier(key, uuid)
  if (earlier !== undefined) {
    const view = (await ledger.fold(new Map([[key, earlier.uuid]]))).get(key)
    const dirty = blocksIn(view, 'dirty', 'invalidated')
    if (dirty.length > 0) await endAttempts(ports, lock, await ledger.attempts(key, earlier.uuid, dirty))
  }
  await executor.endDeletions(table, lock)
}

/** @throws BackfillError `locked`; `failed` if the table was replaced since the comparison */
export async function adopt(
  workspace: Workspace,
  { tableStatus: { table, target }, targetUuid, isKnown, ranges, inputs, before }: Adoption,
  { fromUuid }: Pick<AdoptOptions, 'fromUuid'>,
  lock: Lock,
): Promise<void> {
  const { ports } = workspace
  const { ledger } = ports
  const runId = randomId()
  assertSameTable(table, targetUuid, await ports.target.identities([table.target]))
  if ((await ports.versions.unkept([table])).has(table.key)) await ports.versions.keep(lock, table)
  if (fromUuid !== undefined) await ledger.takeOver(lock, { from: fromUuid, to: targetUuid }, inputs)
  else if (!isKnown) {
    const digests = await ports.executor.storedDigests({ table, target: target! }, ranges)
    const events = ranges.map((range, index) => ({
      event: 'done' as const,
      range,
      targetUuid,
      sqlHash: table.sqlHash,
      sourceFingerprint: writeFingerprint(before.sources[index]!),
      forks: forksText(table, workspace),
      inputs: inputsText({ table, inputs, range }, before.positions),
      digest: digests[index],
      runId,
      // The first event carries the rows of all: a table that is emptied later is told from one without rows.
      rowsWritten: index === 0 ? (target?.rows ?? 0) : 0,
    }))
    // Of a part of them, a run would compute the rest and write it beside the rows that are there.
    await ledger.appendAll(lock, events)
  }
  const parts = isWatched({ table, target }) ? await ports.target.oldestParts([table.target]) : undefined
  await ledger.checkpoint(
    [{ lock, targetUuid, inputs, parts: parts?.get(table.target), isWhole: true }],
    runId,
  )
}
