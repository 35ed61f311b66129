// Owns files that were published anew since they were imported, or were read by other SQL: found, and imported again.
import { NO_TRY } from '../../ledger/events.ts'
import type { Range } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { RetryPolicy } from '../../clickhouse/retry.ts'
import { type BlockSet, blockSet, intersect } from '../../model/blocks.ts'
import { readCoverage } from '../../ledger/coverage.ts'
import { readKnown } from '../../planning/table-status.ts'
import type { RecordedEvent, RecordedEventsPort } from '../../ledger/history.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { randomId } from '../../seam/random.ts'

/** Blocks of the range whose files, or the SQL that reads them, are others now, by table key. A file that is gone is no other file. Reads only. */
export async function findChangedFiles(
  workspace: Workspace,
  recordedEvents: RecordedEventsPort,
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
 * Takes the coverage of such blocks away, under the locks: the run that follows deletes their rows and imports them.
 * @throws BackfillError `locked`, `server`
 */
export async function forgetChangedFiles(
  workspace: Workspace,
  recordedEvents: RecordedEventsPort,
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
      // Again, since another run may have been at work until now.
      for (const changed of await changedOf(workspace, recordedEvents, about))
        await workspace.ports.ledger.append(
          lock,
          {
            ...NO_TRY,
            event: 'invalidated',
            range: changed,
            targetUuid: uuids.get(table.key)!,
            runId: randomId(),
            sqlHash: table.sqlHash,
          },
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
  recordedEvents: RecordedEventsPort,
  { table, uuids, range }: ChangedQuestion,
): Promise<BlockSet> {
  const uuid = uuids.get(table.key)
  if (uuid === undefined) return []
  const window = { key: table.key, targetUuid: uuid, window: range, fingerprints: true }
  const [{ built }, events] = await Promise.all([
    readCoverage(recordedEvents, { key: table.key, uuid, window: range }),
    recordedEvents.events(window),
  ])
  const before = new Map(events.map((event) => [positionOf(event), event.fingerprint]))
  const changed = await Promise.all(
    built.map(async (one) => {
      const now = await ports.source.fingerprint(table.sources, one.event.range)
      const same = now === before.get(positionOf(one.event)) && one.event.sqlHash === table.sqlHash
      const isOther = !same && !now.endsWith('=0@0')
      return isOther ? [one.event.range] : []
    }),
  )
  return intersect(blockSet(changed.flat()), [range])
}

function positionOf({ epoch, seq }: RecordedEvent): string {
  return `${epoch} ${seq}`
}
