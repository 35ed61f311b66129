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
    const changed = changedOf(opened, table, { uuid: uuids.get(table.key), range })
    return [table.key, await changed] as const
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
    const uuid = uuids.get(key)
    const find = () => changedOf(opened, table, { uuid, range })
    if (uuid === undefined || (await find()).length === 0) continue
    const lock = await ports.locks.acquire(
      key,
      (text) => report({ type: 'note', table: key, text }),
      lockWaitMs,
    )
    try {
      // Found again under the lock, because another run may have worked until now.
      const declared = { blocks: await find(), targetUuid: uuid, runId: randomId(), sqlHash }
      await ports.ledger.appendEach(lock, { event: 'invalidated', ...declared }, { giveUpMs, signal })
    } finally {
      await lock.release()
    }
  }
}

async function changedOf(
  { workspace: { ports }, connected: { recordedEvents } }: ConnectedWorkspace,
  { key, sources, sqlHash }: TableDefinition,
  { uuid: targetUuid, range: window }: { readonly uuid: string | undefined; readonly range: Range },
): Promise<BlockSet> {
  if (targetUuid === undefined) return []
  const changed: Range[] = []
  for await (const page of recordedEvents.latest({ key, targetUuid, window, withoutStaleTags: true })) {
    const built = page.filter(({ event }) => event === 'done')
    const positions = built.map(({ position }) => position)
    const before = await recordedEvents.fingerprints(key, positions)
    const found = built.map(async ({ eventRange, sqlHash: hash }, index) => {
      const now = await ports.source.fingerprint(sources, eventRange)
      const isSame = writeFingerprint(now) === before[index] && hash === sqlHash
      const isThere = [...now.values()].every(({ blocks }) => blocks > 0)
      return isThere && !isSame ? [eventRange] : []
    })
    changed.push(...(await Promise.all(found)).flat())
  }
  return intersect(blockSet(changed), [window])
}
