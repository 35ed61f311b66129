// Owns finding the attempts that may have left rows in dirty blocks.
import { type BlockSet, intersect, type Range, subtract, union } from '../model/blocks.ts'

/** An event of the ledger as recovery sees it; events of one attempt share its query id. */
export type Trace = { readonly event: string; readonly range: Range; readonly queryId: string }

export type Found = {
  /** The dirty blocks that may hold its rows. */
  readonly blocks: BlockSet
  /** An `invalidated` event is newer than this attempt: delete its rows even if SQL and sources are unchanged. */
  readonly suspect: boolean
  /** Its INSERT has ended. */
  readonly finished: boolean
}

/**
 * Back to the last `cleaned`, or to the last `done`, whose own rows are there too. `events`: newest first, without marks. Adopted rows, whose
 * `done` has no query id, count as those of an attempt that is done.
 */
export function attemptsIn<T extends Trace>(events: readonly T[], dirty: BlockSet): readonly (T & Found)[] {
  const tries = new Map<string, T & Found>()
  let open = dirty
  let invalidated: BlockSet = []
  for (const event of events) {
    const blocks = intersect(open, [event.range])
    if (blocks.length === 0) continue
    if (event.event === 'invalidated') invalidated = union(invalidated, blocks)
    const id = event.queryId === '' ? `adopted ${tries.size}` : event.queryId
    if (WRITES.has(event.event) && !tries.has(id)) {
      const suspect = intersect(blocks, invalidated).length > 0
      tries.set(id, { ...event, blocks, suspect, finished: event.event === 'done' })
    }
    if (SETTLES.has(event.event)) open = subtract(open, blocks)
  }
  return [...tries.values()]
}

const WRITES: ReadonlySet<string> = new Set(['started', 'failed', 'done'])

const SETTLES: ReadonlySet<string> = new Set(['cleaned', 'done'])
