// Owns the search for late source rows: it finds done ranges whose sources changed, marks them as stale, and says so.
import { type Changes, findChanges } from '../../sources/changes.ts'
import { BackfillError, EXIT } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { type Colors, formatRanges, listOf, amountOf } from '../../terminal/render/format.ts'
import type { Position } from '../../ledger/events.ts'
import type { Lock } from '../../lock/lock.ts'
import { blockSet, countBlocks, subtract } from '../../model/blocks.ts'
import { hintOf, withStaleTag } from '../../ledger/stale.ts'
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
      const mark = () => markChanges(workspace, ports, hooks, table.key, uuid!, since!, changed)
      checks.push({
        table: table.key,
        looked,
        changed: blockSet([...changed.values()].flat()),
        /** The source rows were pruned: the stored rows cannot be computed again, so nothing is marked. */
        gone,
        before,
        /** Why changed ranges were not marked; undefined if they were, or if nothing changed. */
        notMarked: changed.size === 0 ? undefined : dryRun ? 'dry-run' : await mark(),
      })
    }
  } finally {
    ended.abort()
  }
  return checks
}

/**
 * Under the table's lock; resolves with the error if rights are missing or the lock is held. A stale tag is a `done` event over done
 * blocks with a tagged SQL hash: no attempt, ignored by recovery. Blocks with newer events since the check are not tagged.
 */
async function markChanges(
  workspace: Workspace,
  ports: Connected,
  hooks: SourcesHooks,
  key: string,
  targetUuid: string,
  since: Position,
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

/** 5 if a lock prevented the marking, 4 if ranges are stale, otherwise 0; `gone` does not count. */
export function sourcesCode(checks: readonly SourcesCheck[]): number {
  if (checks.some(({ notMarked }) => typeof notMarked === 'object' && notMarked.kind === 'locked'))
    return EXIT.locked
  return checks.some(({ changed, before }) => changed.length + before.length > 0) ? EXIT.stale : EXIT.ok
}

export function renderSources(
  checks: readonly SourcesCheck[],
  tables: readonly TableDefinition[],
  colors: Colors,
): readonly string[] {
  const stale = checks.filter(({ changed, before }) => changed.length + before.length > 0)
  const first = tables.find(({ key }) => key === stale[0]?.table)
  const next = stale.length > 1 ? 'backfill redo --stale' : first && hintOf(first, tables)
  return [
    ...checks.flatMap((check) => lines(check, colors)),
    ...(next === undefined ? [] : ['', `Next: ${next}`]),
  ]
}

function lines(
  { table, looked, changed, gone, before, notMarked }: SourcesCheck,
  colors: Colors,
): readonly string[] {
  const facts = listOf(
    changed.length > 0 && colors.yellow(`changed ${formatRanges(changed)}: ${markText(notMarked)}`),
    before.length > 0 && `marked as stale before ${formatRanges(before)}`,
    gone.length > 0 &&
      `gone ${formatRanges(gone)}: the sources no longer hold these blocks; left as done, because they cannot be built again`,
  )
  const all = `${amountOf(looked)} done`
  if (facts.length === 0) return [`${table}  ${all}, none with changed sources`]
  return [`${colors.bold(table)}  ${all}, looked at`, ...facts.map((fact) => `  ${fact}`)]
}

function markText(notMarked: SourcesCheck['notMarked']): string {
  if (notMarked === undefined) return 'marked as stale'
  if (typeof notMarked === 'object') return `not marked: ${notMarked.message}`
  return notMarked === 'dry-run' ? 'not marked (--dry-run)' : 'not all of them marked (interrupted)'
}

/** `marked`: whether the changed ranges are marked as stale; `notMarked`: why not. */
export function sourcesFields({ looked, before, notMarked, ...table }: SourcesCheck): object {
  return {
    ...table,
    lookedBlocks: countBlocks(looked),
    markedBefore: before,
    marked: table.changed.length > 0 && notMarked === undefined,
    notMarked: typeof notMarked === 'object' ? notMarked.message : notMarked,
  }
}
