// Owns how the runner names blocks in its sentences.
import type { BlockSet } from './blocks.ts'

/** The first ranges of a set, for people. */
export function rangeWords(blocks: BlockSet): string {
  const ranges = blocks.slice(0, 3).map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`))
  return blocks.length > 3
    ? `${ranges.join(', ')} and ${blocks.length - 3} more up to ${blocks.at(-1)!.to}`
    : ranges.join(', ')
}
