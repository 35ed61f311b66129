// Owns the checks of a rebuild: the new table must not lack blocks that the old one has, and what an earlier rebuild began must be what would be
// computed now.
import { findChanges } from '../../sources/changes.ts'
import { failedError } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { LedgerView } from '../../ledger/events.ts'
import { hull, intersect, subtract, namedBlocks, type BlockSet, blockSet, union } from '../../model/blocks.ts'
import type { TargetTable } from '../../targets/target.ts'
import type { Rebuilding } from './workspace.ts'
import { blocksIn, readTableStatuses, uuidsOf } from '../../planning/table-status.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { resolveLimits } from '../../planning/bounds.ts'
import { rangeOf } from '../../ledger/staleness.ts'
import { staleBlocks } from '../../ledger/stale.ts'

/** @throws BackfillError `failed` if source rows that the old table was built from no longer exist */
export async function assertStillThere({ workspace, ports, table }: Rebuilding, uuid: string): Promise<void> {
  const changes = await findChanges(ports, { table, uuids: await uuidsBehind(workspace, table, uuid) })
  const gone = intersect(changes.gone, heldBlocks(workspace, table))
  if (gone.length > 0)
    throw failedError(
      `the sources no longer hold ${namedBlocks(gone)} of ${table.key}: a new table would lack rows that the old one has`,
      `Restore the source rows; nothing was changed${table.rows.kind === 'per-block' ? `. backfill redo ${table.key} --stale builds the stale ones of the other blocks again` : ''}`,
    )
}

/** By its limits of today: what lies outside is not built again, and what is stored there goes with the old table. */
function heldBlocks({ network }: Workspace, { blocks }: TableDefinition): BlockSet {
  return [rangeOf(resolveLimits(blocks, network.forks))]
}

/** Of its inputs, and its own as given. */
async function uuidsBehind(
  { catalogue, ports }: Workspace,
  { key, after }: TableDefinition,
  uuid: string,
): Promise<ReadonlyMap<string, string>> {
  const inputs = catalogue.tables.filter((one) => after.includes(one.key))
  const targets = await ports.target.tables(inputs.map(({ target }) => target))
  return new Map([...uuidsOf(inputs, targets), [key, uuid]])
}

/** Undefined if the natural head suffices; the old table may reach beyond it, after a run with --to or a smaller lag. */
export async function forcedHead(
  { workspace, table, options }: Rebuilding,
  building: Workspace,
  uuid: string,
): Promise<number | undefined> {
  const tableStatus = (await readTableStatuses(building, { lag: options.up.lag })).get(table.key)!
  const end = hull(blocksIn(await viewOf(workspace, table.key, uuid), 'done', 'accepted'))?.to
  return end !== undefined && end > (tableStatus.bounds.inputs.naturalHead ?? -1) ? end : undefined
}

/** Copies accepted blocks of the old table. @throws BackfillError `failed` if the new one lacks others of its blocks */
export async function carryAccepted(
  rebuilding: Rebuilding,
  { name, old, runId }: { readonly name: string; readonly old: string; readonly runId: string },
): Promise<void> {
  const { workspace, table, lock } = rebuilding
  const { ledger } = workspace.ports
  const { uuid } = await builtTable(rebuilding, name)
  const before = await viewOf(workspace, table.key, old)
  const now = await viewOf(workspace, table.key, uuid)
  const held = intersect(blocksIn(before, 'done', 'accepted'), heldBlocks(workspace, table))
  const missing = subtract(held, blocksIn(now, 'done', 'accepted'))
  const accepted = intersect(missing, blocksIn(before, 'accepted'))
  const lost = subtract(missing, accepted)
  if (lost.length > 0)
    throw failedError(
      `${table.key}: the new table lacks ${namedBlocks(lost)}, which the old one has: nothing was exchanged`,
      `backfill plan --tables ${table.key} shows source gaps and incomplete blocks; run backfill rebuild ${table.key} again when the sources have these blocks`,
    )
  await ledger.appendEach(lock, { event: 'accepted', blocks: accepted, targetUuid: uuid, runId, sqlHash: '' })
}

/** The table that is built. @throws BackfillError `failed` if it is gone: the RENAME of a dead call may still arrive */
export async function builtTable({ workspace, table }: Rebuilding, name: string): Promise<TargetTable> {
  const found = (await workspace.ports.target.tables([name])).get(name)
  if (found !== undefined) return found
  throw failedError(
    `somebody renamed or dropped ${name} meanwhile: nothing was exchanged`,
    `Run backfill rebuild ${table.key} again`,
  )
}

export async function viewOf(
  { ports }: Workspace,
  key: string,
  uuid: string,
): Promise<LedgerView | undefined> {
  return (await ports.ledger.fold(new Map([[key, uuid]]))).get(key)
}

/** `building`: in which the begun table is the target. Blocks whose sources or inputs have changed since the earlier rebuild did them. */
export async function changedSince(
  { workspace, ports, table, options }: Rebuilding,
  building: Workspace,
  uuid: string,
): Promise<BlockSet> {
  const statuses = await readTableStatuses(building, { lag: options.up.lag })
  const uuids = await uuidsBehind(workspace, table, uuid)
  const { changed } = await findChanges(ports, { table, uuids })
  return union(staleBlocks(statuses.get(table.key)!.stale), blockSet([...changed.values()].flat()))
}
