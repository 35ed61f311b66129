// Owns the search for late source rows: it finds done ranges whose sources changed and marks them as stale.
import { type Changes, findChanges } from '../../sources/changes.ts'
import { BackfillError } from '../../model/errors.ts'
import type { Position } from '../../ledger/events.ts'
import type { Lock } from '../../lock/lock.ts'
import { blockSet, subtract } from '../../model/blocks.ts'
import { withStaleTag } from '../../ledger/stale.ts'
import { ALL_BLOCKS } from '../../ledger/latest-events.ts'
import { readKnown } from '../../planning/table-status.ts'
import type { Connected } from '../../workspace/connect.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { randomId } from '../../seam/random.ts'

export type SourcesHooks = {
  readonly note: (table: string, text: string) => void
  readonly signal: AbortSignal
}

export type SourcesCheck = Awaited<ReturnType<typeof verifySources>>[number]

/** Checks the chosen tables that exist, one after the other. @throws BackfillError `server` */
export async function verifySources(
  workspace: Workspace,
  ports: Connected,
  { dryRun }: { readonly dryRun: boolean },
  hooks: SourcesHooks,
) {
  const { uuids } = await readKnown(workspace)
  const checks = []
  const ended = new AbortController()
  const listening = { once: true, signal: ended.signal }
  const aborted = new Promise<undefined>((stop) =>
    hooks.signal.addEventListener('abort', () => stop(undefined), listening),
  )
  try {
    for (const table of workspace.chosen) {
      if (hooks.signal.aborted) break
      const uuid = uuids.get(table.key)
      const since = uuid === undefined ? undefined : await ports.recordedEvents.last(table.key, uuid)
      const found = await Promise.race([findChanges(ports, { table, uuids }), aborted])
      if (found === undefined) break
      const { changed, gone, marked: before, looked } = found
      const marking = { workspace, ports, hooks, key: table.key, targetUuid: uuid!, since: since! }
      checks.push({
        table: table.key,
        looked,
        changed: blockSet([...changed.values()].flat()),
        /** The source rows were pruned: the stored rows cannot be computed again, so nothing is marked. */
        gone,
        before,
        /** Why changed ranges were not marked; undefined if they were, or if nothing changed. */
        notMarked: changed.size === 0 ? undefined : dryRun ? 'dry-run' : await markChanges(marking, changed),
      })
    }
  } finally {
    ended.abort()
  }
  return checks
}

type Marking = {
  readonly workspace: Workspace
  readonly ports: Connected
  readonly hooks: SourcesHooks
  readonly key: string
  readonly targetUuid: string
  readonly since: Position
}

/**
 * Marks the ranges under the table's lock; resolves with the error if rights are missing or the lock is held. A stale
 * tag is a `done` event over done blocks with a tagged SQL hash. It is not an attempt, and recovery ignores it. Blocks
 * with newer events since the check are not tagged.
 */
async function markChanges(
  { workspace, ports, hooks, key, targetUuid, since }: Marking,
  changed: Changes['changed'],
): Promise<BackfillError | 'interrupted' | undefined> {
  const { ledger, locks } = workspace.ports
  let lock: Lock
  try {
    lock = await locks.acquire(key, (text) => hooks.note(key, text), 0)
  } catch (error) {
    if (error instanceof BackfillError && (error.kind === 'locked' || ACCESS_CODES.has(error.code)))
      return error
    throw error
  }
  try {
    const runId = randomId()
    const touched = await ports.recordedEvents.touchedSince(since, { key, targetUuid, window: ALL_BLOCKS })
    for (const [sqlHash, blocks] of changed) {
      const mark = { event: 'done', targetUuid, runId, sqlHash: withStaleTag('sources', sqlHash) } as const
      const marks = { ...mark, blocks: subtract(blocks, touched) }
      await ledger.appendEach(lock, marks, undefined, hooks.signal)
    }
    await ledger.checkpoint([{ lock, targetUuid }], runId)
  } finally {
    await lock.release()
  }
  return hooks.signal.aborted ? 'interrupted' : undefined
}

/** Error codes for a user who may not create the lock's table: READONLY, ACCESS_DENIED. */
const ACCESS_CODES: ReadonlySet<number> = new Set([164, 497])
