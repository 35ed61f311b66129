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
  const islands = (view?.islands ?? []).filter(({ state }) => state === 'done')
  const cut = (await ledger.digestsAt(table.key, targetUuid, blocks))
    .map(({ range, digest }) => {
      const rest = subtract([range], blocks)
      // What a rest was computed from is the same in all of its blocks.
      const parts = islands.flatMap((island) =>
        intersect(rest, [island]).map((part) => ({ range: part, island })),
      )
      return { digest, taken: intersect(blocks, [range]), parts }
    })
    .filter(({ taken, parts }) => taken.length > 0 && parts.length > 0)
    .slice(0, MOST_RANGES)
  const pieces = cut
    .flatMap(({ taken, parts }) => [...taken, ...parts.map(({ range }) => range)])
    .toSorted((a, b) => a.from - b.from)
  // No redo fails for it: what cannot be read stays unknown.
  const digests = await executor.storedDigests({ table, target: target! }, pieces).catch(() => [])
  const stored = new Map(pieces.map(({ from }, index) => [from, digests[index]]))
  const events = cut.flatMap(({ digest, taken, parts }) => {
    const ranges = [...taken, ...parts.map(({ range }) => range)]
    const whole = addDigests(ranges.map(({ from }) => stored.get(from)))
    if (whole?.columns !== digest.columns || whole.sum !== digest.sum || whole.rows !== digest.rows) return []
    return parts.map(({ range, island: { sqlHash, forks, inputs } }) =>
      digestEvent({ range, targetUuid, runId, sqlHash, forks, inputs }, stored.get(range.from)!),
    )
  })
  if (events.length > 0) await ledger.appendAll(lock, events, retryPolicy)
}
