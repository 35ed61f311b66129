// Owns what a rebuild makes sure of: that nothing which the old table has would be lacking in the new one.
import { findChanges } from '../../sources/changes.ts'
import { BackfillError } from '../../model/errors.ts'
import { type Island, NO_TRY } from '../../ledger/events.ts'
import { type BlockSet, blockSet, hull, intersect, subtract } from '../../model/blocks.ts'
import { rangeWords } from '../../model/blocks.ts'
import type { Rebuilding } from './world.ts'
import { readStandings, uuidsOf } from '../../planning/table-status.ts'
import type { World } from '../../runner/world.ts'

/** @throws BackfillError `failed` where source rows are there no more of which the old table was built */
export async function refuseGone({ world, ports, table }: Rebuilding, uuid: string): Promise<void> {
  const inputs = world.catalogue.tables.filter(({ key }) => table.after.includes(key))
  const targets = await world.ports.target.tables(inputs.map(({ target }) => target))
  const uuids = new Map([...uuidsOf(inputs, targets), [table.key, uuid]])
  const { changes } = await findChanges(ports, { table, uuids })
  const gone = blockSet(changes.filter(({ change }) => change === 'gone').map(({ range }) => range))
  if (gone.length > 0)
    throw new BackfillError(
      `the sources no longer hold all of blocks ${rangeWords(gone)} of ${table.key}: a new table would lack rows that the old one has`,
      { kind: 'failed', hint: 'Bring the source rows back; nothing was changed' },
    )
}

/**
 * The head up to which the new table has to reach where the old one is ahead of the sources' head: somebody gave their
 * word for it once (--to, or a smaller lag). Undefined where the head will do.
 */
export async function forcedHead(
  { world, table, options }: Rebuilding,
  building: World,
  uuid: string,
): Promise<number | undefined> {
  const standing = (await readStandings(building, { lag: options.up.lag, forcedHead: undefined })).get(
    table.key,
  )!
  const end = hull(blocksOf(await islandsOf(world, table.key, uuid), 'done', 'accepted'))?.to
  return end !== undefined && end > (standing.bounds.inputs.naturalHead ?? -1) ? end : undefined
}

/**
 * Takes over what somebody has accepted of the old table, and makes sure that the new one then covers all that the old
 * one covers. @throws BackfillError `failed` where it does not
 */
export async function carryAccepted(
  { world, table, lock }: Rebuilding,
  { name, old, runId }: { readonly name: string; readonly old: string; readonly runId: string },
): Promise<void> {
  const { ledger, target } = world.ports
  const { uuid } = (await target.tables([name])).get(name)!
  const [before, now] = [await islandsOf(world, table.key, old), await islandsOf(world, table.key, uuid)]
  const lacking = subtract(blocksOf(before, 'done', 'accepted'), blocksOf(now, 'done', 'accepted'))
  const accepted = intersect(lacking, blocksOf(before, 'accepted'))
  const lost = subtract(lacking, accepted)
  if (lost.length > 0)
    throw new BackfillError(
      `${table.key}: the new table lacks blocks ${rangeWords(lost)}, which the old one has: nothing was exchanged`,
      {
        kind: 'failed',
        hint: `backfill plan --tables ${table.key} shows holes and held blocks; run backfill rebuild ${table.key} again when the sources have these blocks`,
      },
    )
  for (const range of accepted)
    await ledger.append(lock, { ...NO_TRY, event: 'accepted', range, targetUuid: uuid, runId, sqlHash: '' })
}

async function islandsOf({ ports }: World, key: string, uuid: string): Promise<readonly Island[]> {
  return (await ports.ledger.fold(new Map([[key, uuid]]))).get(key)?.islands ?? []
}

function blocksOf(islands: readonly Island[], ...states: readonly Island['state'][]): BlockSet {
  return blockSet(islands.filter(({ state }) => states.includes(state)))
}
