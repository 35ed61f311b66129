// Owns late source rows: done ranges whose sources have changed since they were built are found, and marked as stale.
import { type Changes, findChanges } from '../../sources/changes.ts'
import { BackfillError } from '../../model/errors.ts'
import type { Position } from '../../ledger/events.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { Lock } from '../../lock/lock.ts'
import { type BlockSet, blockSet, subtract } from '../../model/blocks.ts'
import { withStaleTag } from '../../ledger/stale.ts'
import { ALL_BLOCKS } from '../../ledger/latest-events.ts'
import { readKnown } from '../../planning/table-status.ts'
import type { VerifyPorts } from './ports.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { randomId } from '../../seam/random.ts'

export type SourcesOptions = { readonly dryRun: boolean; readonly lockWaitMs: number }

export type SourcesHooks = {
  readonly note: (table: string, text: string) => void
  /** Once aborted no further table is looked at. */
  readonly signal: AbortSignal
}

/** Ranges of one table, sorted and disjoint. */
export type SourcesCheck = {
  readonly table: string
  /** Done blocks that were compared with their sources. */
  readonly looked: BlockSet
  /** Blocks came, rows were written again, or a table that it reads was redone. */
  readonly changed: BlockSet
  /** Source rows are there no more: what is stored could not be computed again, so nothing is marked. */
  readonly gone: BlockSet
  /** Marked as stale before. */
  readonly before: BlockSet
  /** Why what has changed was not marked; undefined where it was, or where nothing has. */
  readonly notMarked: BackfillError | 'dry-run' | undefined
}

/** Looks at the chosen tables that exist, one after the other. @throws BackfillError `server` */
export async function verifySources(
  workspace: Workspace,
  ports: VerifyPorts,
  options: SourcesOptions,
  hooks: SourcesHooks,
): Promise<readonly SourcesCheck[]> {
  const { uuids } = await readKnown(workspace)
  const verdicts: SourcesCheck[] = []
  for (const table of workspace.chosen) {
    if (hooks.signal.aborted) break
    const uuid = uuids.get(table.key)
    const since = uuid === undefined ? undefined : await ports.recordedEvents.last(table.key, uuid)
    const { changed, gone, marked: before, looked } = await findChanges(ports, { table, uuids })
    const about = { workspace, ports, options, hooks, table, uuid: uuid!, since: since! }
    const notMarked =
      changed.size === 0 ? undefined : options.dryRun ? 'dry-run' : await markChanges(about, changed)
    verdicts.push({
      table: table.key,
      looked,
      changed: blockSet([...changed.values()].flat()),
      gone,
      before,
      notMarked,
    })
  }
  return verdicts
}

type Marking = {
  readonly workspace: Workspace
  readonly ports: VerifyPorts
  readonly options: SourcesOptions
  readonly hooks: SourcesHooks
  readonly table: TableDefinition
  readonly uuid: string
  /** Before the table was looked at. */
  readonly since: Position
}

/** Marks the ranges under the table's lock; resolves with why that was not possible, for want of rights or of the lock. */
async function markChanges(
  marking: Marking,
  changed: Changes['changed'],
): Promise<BackfillError | undefined> {
  const { workspace, options, hooks, table } = marking
  let lock: Lock
  try {
    lock = await workspace.ports.locks.acquire(
      table.key,
      (text) => hooks.note(table.key, text),
      options.lockWaitMs,
    )
  } catch (error) {
    if (error instanceof BackfillError && (error.kind === 'locked' || ACCESS_CODES.has(error.code)))
      return error
    throw error
  }
  try {
    await appendMarks(marking, changed, lock)
  } finally {
    await lock.release()
  }
  return undefined
}

/** What the server answers to a user who may not create the lock's table: READONLY, ACCESS_DENIED. */
const ACCESS_CODES: ReadonlySet<number> = new Set([164, 497])

/**
 * A mark is a `done` over blocks that are done, with another word for the SQL's hash; it is no try, and recovery looks
 * through it. Blocks that somebody has worked on since they were looked at are left as they are.
 */
async function appendMarks(
  { workspace, ports, table, uuid, since }: Marking,
  changed: Changes['changed'],
  lock: Lock,
): Promise<void> {
  const runId = randomId()
  const touched = await ports.recordedEvents.touchedSince(since, {
    key: table.key,
    targetUuid: uuid,
    window: ALL_BLOCKS,
  })
  for (const [sqlHash, blocks] of changed)
    await workspace.ports.ledger.appendEach(lock, {
      event: 'done',
      blocks: subtract(blocks, touched),
      targetUuid: uuid,
      runId,
      sqlHash: withStaleTag('late', sqlHash),
    })
  await workspace.ports.ledger.checkpoint([{ lock, targetUuid: uuid }], runId)
}
