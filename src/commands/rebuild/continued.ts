// Owns going on with a table that an earlier rebuild has begun: what it holds must be what would be computed now.
import { type BlockSet, blockSet, union } from '../../model/blocks.ts'
import { staleBlocks } from '../../ledger/stale.ts'
import { readTableStatuses } from '../../planning/table-status.ts'
import { findChanges } from '../../sources/changes.ts'
import { randomId } from '../../seam/random.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { uuidsBehind } from './checks.ts'
import type { Rebuilding } from './workspace.ts'

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

/** Whether single blocks of it can be built again; else it is begun anew. */
export function isMendable({ table }: Pick<Rebuilding, 'table'>, noDeletes: string | undefined): boolean {
  return table.rows.kind === 'per-block' && table.sequential !== 'itself' && noDeletes === undefined
}

/** From now on these blocks count as half written: the run deletes them and builds them again. */
export async function forget(
  { workspace, table, lock }: Rebuilding,
  targetUuid: string,
  blocks: BlockSet,
): Promise<void> {
  const declared = { blocks, targetUuid, runId: randomId(), sqlHash: table.sqlHash }
  await workspace.ports.ledger.appendEach(lock, { event: 'invalidated', ...declared })
}
