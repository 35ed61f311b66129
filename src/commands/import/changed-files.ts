// Owns the files that changed since their import: it finds them and removes their coverage, so that they run again.
import type { Range } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { RetryPolicy } from '../../clickhouse/retry.ts'
import { type BlockSet, blockSet, intersect } from '../../model/blocks.ts'
import { writeFingerprint } from '../../sources/fingerprint.ts'
import { readKnown } from '../../planning/table-status.ts'
import type { LedgerEvents } from '../../ledger/latest-events.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { randomId } from '../../seam/random.ts'

/** Blocks by table key whose files, or the SQL that reads them, changed. A deleted file does not count. Reads only. */
export async function findChangedFiles(
  workspace: Workspace,
  recordedEvents: LedgerEvents,
  range: Range,
): Promise<ReadonlyMap<string, BlockSet>> {
  const { uuids } = await readKnown(workspace)
  const found = await Promise.all(
    workspace.chosen.map(
      async (table) =>
        [table.key, await changedOf(workspace, recordedEvents, { table, uuids, range })] as const,
    ),
  )
  return new Map(found)
}

/**
 * Removes the coverage of such blocks under the locks: the next run deletes their rows and imports them.
 * @throws BackfillError `locked`, `server`
 */
export async function forgetChangedFiles(
  workspace: Workspace,
  recordedEvents: LedgerEvents,
  question: {
    readonly range: Range
    readonly lockWaitMs: number
    readonly retryPolicy: RetryPolicy
    readonly note: (table: string, text: string) => void
  },
): Promise<void> {
  const { range, lockWaitMs, retryPolicy, note } = question
  const { uuids } = await readKnown(workspace)
  for (const table of workspace.chosen) {
    const about = { table, uuids, range }
    if ((await changedOf(workspace, recordedEvents, about)).length === 0) continue
    const lock = await workspace.ports.locks.acquire(table.key, (text) => note(table.key, text), lockWaitMs)
    try {
      // Again under the lock, because another run may have worked until now.
      const blocks = await changedOf(workspace, recordedEvents, about)
      const { sqlHash } = table
      const targetUuid = uuids.get(table.key)!
      await workspace.ports.ledger.appendEach(
        lock,
        { event: 'invalidated', blocks, targetUuid, runId: randomId(), sqlHash },
        retryPolicy,
      )
    } finally {
      await lock.release()
    }
  }
}

type ChangedQuestion = {
  readonly table: TableDefinition
  readonly uuids: ReadonlyMap<string, string>
  readonly range: Range
}

async function changedOf(
  { ports }: Workspace,
  recordedEvents: LedgerEvents,
  { table, uuids, range }: ChangedQuestion,
): Promise<BlockSet> {
  const targetUuid = uuids.get(table.key)
  if (targetUuid === undefined) return []
  const changed: Range[] = []
  for await (const page of recordedEvents.latest({
    key: table.key,
    targetUuid,
    window: range,
    withoutStaleTags: true,
  })) {
    const built = page.filter(({ event }) => event === 'done')
    const positions = built.map(({ position }) => position)
    const before = await recordedEvents.fingerprints(table.key, positions)
    const found = await Promise.all(
      built.map(async ({ eventRange, sqlHash }, index) => {
        const sources = await ports.source.fingerprint(table.sources, eventRange)
        const same = writeFingerprint({ sources, inputs: new Map() }) === before[index]
        const isThere = [...sources.values()].every(({ blocks }) => blocks > 0)
        return isThere && !(same && sqlHash === table.sqlHash) ? [eventRange] : []
      }),
    )
    changed.push(...found.flat())
  }
  return intersect(blockSet(changed), [range])
}
