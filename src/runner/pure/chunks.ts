// Owns how runnable blocks become chunks.
import type { Range } from '../model.ts'
import type { BlockSet } from './interval.ts'

/** Blocks per chunk where neither `--chunk` nor the transform's header says otherwise. */
export const DEFAULT_CHUNK = 10_000

/** Cuts a set into ranges of at most `size` blocks, ascending; a chunk never spans a missing block of the set. */
export function cutChunks(runnable: BlockSet, size: number): Range[] {
  return runnable.flatMap(({ from, to }) => {
    const count = Math.ceil((to - from + 1) / size)
    return Array.from({ length: count }, (_, index) => ({
      from: from + index * size,
      to: Math.min(from + (index + 1) * size - 1, to),
    }))
  })
}

/** The lowest chunk of a set without cutting all of it. */
export function firstChunk(runnable: BlockSet, size: number): Range | undefined {
  const first = runnable[0]
  return first && { from: first.from, to: Math.min(first.to, first.from + size - 1) }
}
