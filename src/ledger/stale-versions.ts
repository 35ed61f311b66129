// Owns which ranges of a table are stale, by what built them.
import type { Range } from '../model/blocks.ts'
import { blockSet, type BlockSet, countBlocks } from '../model/blocks.ts'
import { markOf, type StaleReason } from './stale.ts'

/** An island of the ledger. */
export type Painted = Range & { readonly state: string; readonly sqlHash: string }

/** Done ranges that one version of the SQL built and that are not what the file would build now. */
export type StaleVersion = {
  /** As the ledger holds it, mark included. */
  readonly sqlHash: string
  /** Without the mark. */
  readonly hash: string
  /** Why they are stale beside, or instead of, another text of the SQL. */
  readonly reason: StaleReason | undefined
  /** Whether the SQL that built them is not the file's. */
  readonly edited: boolean
  readonly blocks: BlockSet
}

/** The stale ranges of a table whose file has the hash `current`; what has the most blocks first, then the oldest. */
export function staleVersions(islands: readonly Painted[], current: string): readonly StaleVersion[] {
  const stale = islands.filter(({ state, sqlHash }) => state === 'done' && sqlHash !== current)
  return [...Map.groupBy(stale, ({ sqlHash }) => sqlHash)]
    .map(([sqlHash, of]): StaleVersion => {
      const { reason, hash } = markOf(sqlHash)
      return { sqlHash, hash, reason, edited: hash !== current, blocks: blockSet(of) }
    })
    .toSorted(
      (a, b) => countBlocks(b.blocks) - countBlocks(a.blocks) || a.blocks[0]!.from - b.blocks[0]!.from,
    )
}

/** All blocks of the versions. */
export function staleBlocks(versions: readonly StaleVersion[]): BlockSet {
  return blockSet(versions.flatMap(({ blocks }) => blocks))
}
