// Owns the digest of what is left of a done range when a redo takes a part of it. The whole range's digest says nothing of the rest any more;
// while all of its rows are still there, it proves what the rest holds.
import { intersect, type BlockSet, subtract } from '../../model/blocks.ts'
import { addDigests } from '../../model/digest.ts'
import type { RetryPolicy } from '../../clickhouse/retry.ts'
import type { Lock } from '../../lock/lock.ts'
import type { TableStatus } from '../../planning/table-status.ts'
import { digestEvent } from '../../runner/later-digests.ts'
import type { Ports } from '../../runner/workspace.ts'

type Taken = {
  readonly blocks: BlockSet
  readonly lock: Lock
  readonly runId: string
  readonly retryPolicy: RetryPolicy
}

/** Ranges of which a part is redone, in one redo; the digest of others becomes unknown. */
const MOST_RANGES = 10_000

/**
 * To be called before the blocks are recorded as `invalidated`. Reads the ranges once, and records the digest of each rest whose range is as it was
 * recorded. @throws BackfillError `locked`, `server`
 */
export async function recordRest(
  { ledger, executor }: Pick<Ports, 'ledger' | 'executor'>,
  { table, target, view }: TableStatus,
  { blocks, lock, runId, retryPolicy }: Taken,
): Promise<void> {
  const targetUuid = target!.uuid
  const known = await ledger.digestsAt(table.key, targetUuid, blocks)
  const ranges = known.map(({ range }) => range)
  const islands = (view?.islands ?? []).filter(({ state }) => state === 'done')
  // Each piece lies in one range, and a piece of a rest in one island: what it was computed from is the same in all of its blocks.
  const taken = intersect(ranges, blocks).map((range) => ({ range, isRest: false }))
  const rest = intersect(subtract(ranges, blocks), islands).map((range) => ({ range, isRest: true }))
  const pieces = [...taken, ...rest].toSorted((a, b) => a.range.from - b.range.from)
  const rangeAt = walk(known, ({ range }) => range.to)
  const cut = [...Map.groupBy(pieces, ({ range }) => rangeAt(range.from))]
    .filter(([, some]) => some.some(({ isRest }) => isRest) && some.some(({ isRest }) => !isRest))
    .slice(0, MOST_RANGES)
  const read = cut.flatMap(([, some]) => some.map(({ range }) => range))
  // No redo fails for it: what cannot be read stays unknown.
  const digests = await executor.storedDigests({ table, target: target! }, read).catch(() => [])
  const stored = new Map(read.map(({ from }, index) => [from, digests[index]]))
  const islandAt = walk(islands, ({ to }) => to)
  const events = cut.flatMap(([{ digest }, some]) => {
    const whole = addDigests(some.map(({ range }) => stored.get(range.from)))
    if (whole?.columns !== digest.columns || whole.sum !== digest.sum || whole.rows !== digest.rows) return []
    return some
      .filter(({ isRest }) => isRest)
      .map(({ range }) => {
        const { sqlHash, forks, inputs } = islandAt(range.from)
        const done = { range, targetUuid, runId, sqlHash, forks, inputs }
        return digestEvent(done, stored.get(range.from)!)
      })
  })
  if (events.length > 0) await ledger.appendAll(lock, events, retryPolicy)
}

/** The item in which a block lies, of items by block; asked in the order of the blocks. */
function walk<Item>(items: readonly Item[], endOf: (item: Item) => number): (block: number) => Item {
  let at = 0
  return (block) => {
    while (endOf(items[at]!) < block) at++
    return items[at]!
  }
}
