// Owns the files that changed since their import: it finds them and removes their coverage, so that they run again.
import { type BlockSet, blockSet, intersect, type Range } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { UpOptions } from '../../planning/run-options.ts'
import { readKnown } from '../../planning/table-status.ts'
import type { UpHooks } from '../../runner/up.ts'
import { randomId } from '../../seam/random.ts'
import { writeFingerprint } from '../../sources/fingerprint.ts'
import type { ConnectedWorkspace } from '../../workspace/connect.ts'

/** Blocks by table key whose files, or the SQL that reads them, changed. A deleted file does not count. Reads only. */
export async function findChangedFiles(
  opened: ConnectedWorkspace,
  range: Range,
): Promise<ReadonlyMap<string, BlockSet>> {
  const { uuids } = await readKnown(opened.workspace)
  const found = opened.workspace.chosen.map(async (table) => {
    const targetUuid = uuids.get(table.key)
    return [table.key, await changedOf(opened, { table, targetUuid, range })] as const
  })
  return new Map(await Promise.all(found))
}

/** Removes their coverage under the locks, so that the next run imports them. @throws BackfillError `locked`, `server` */
export async function forgetChangedFiles(
  opened: ConnectedWorkspace,
  range: Range,
  { lockWaitMs, giveUpMs }: UpOptions,
  { report, signal }: UpHooks,
): Promise<void> {
  const { chosen, ports } = opened.workspace
  const { uuids } = await readKnown(opened.workspace)
  for (const table of chosen) {
    const { key, sqlHash } = table
    const targetUuid = uuids.get(key)
    const find = () => changedOf(opened, { table, targetUuid, range })
    if (targetUuid === undefined || (await find()).length === 0) continue
    const note = (text: string) => report({ type: 'note', table: key, text })
    const lock = await ports.locks.acquire(key, note, lockWaitMs)
    try {
      // Found again under the lock, because another run may have worked until now.
      const declared = { blocks: await find(), targetUuid, runId: randomId(), sqlHash }
      await ports.ledger.appendEach(lock, { event: 'invalidated', ...declared }, { giveUpMs, signal })
    } finally {
      await lock.release()
    }
  }
}

type ChangedQuestion = {
  readonly table: TableDefinition
  readonly targetUuid: string | undefined
  readonly range: Range
}

async function changedOf(
  { workspace: { ports }, connected }: ConnectedWorkspace,
  { table, targetUuid, range }: ChangedQuestion,
): Promise<BlockSet> {
  if (targetUuid === undefined) return []
  const { key } = table
  const events = connected.recordedEvents
  const changed: Range[] = []
  for await (const page of events.latest({ key, targetUuid, window: range, withoutStaleTags: true })) {
    const built = page.filter(({ event }) => event === 'done')
    const before = await events.fingerprints(
      key,
      built.map(({ position }) => position),
    )
    const found = await Promise.all(
      built.map(async ({ eventRange, sqlHash }, index) => {
        const sources = await ports.source.fingerprint(table.sources, eventRange)
        const same = writeFingerprint(sources) === before[index]
        const isThere = [...sources.values()].every(({ blocks }) => blocks > 0)
        return isThere && !(same && sqlHash === table.sqlHash) ? [eventRange] : []
      }),
    )
    changed.push(...found.flat())
  }
  return intersect(blockSet(changed), [range])
}
