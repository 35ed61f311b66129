// Owns the question which blocks of a range were pruned from the sources since it was built.
import { type BlockSet, blockSet, type Range } from '../model/blocks.ts'
import { type Fingerprint, goneBlocks, sourceRowsPruned } from './fingerprint.ts'
import type { SourcePort } from './source.ts'

export type SourceRows = Pick<SourcePort, 'buckets' | 'hasTimes'>

/** The blocks whose rows may be gone; none if nothing was pruned. One query for each source that lost some of its rows. */
export async function prunedBlocks(
  source: SourceRows,
  range: Range,
  { before, now }: { readonly before: Fingerprint; readonly now: Fingerprint },
): Promise<BlockSet> {
  const lost = [...now].filter((one) => sourceRowsPruned(before, new Map([one]), source))
  const parts = lost.map(async ([name, { blocks }]): Promise<BlockSet> => {
    const buckets = blocks === 0 ? [] : ((await source.buckets([name], range, 1)).get(name) ?? [])
    const present = blockSet(buckets.map(({ first, last }) => ({ from: first, to: last })))
    return goneBlocks(range, before.get(name)!, present)
  })
  return blockSet((await Promise.all(parts)).flat())
}
