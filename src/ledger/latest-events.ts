// Owns which event of a table's past is seen over which blocks: later ones paint over earlier ones.
import type { Range } from '../model/blocks.ts'

/** A stretch of blocks over which `event` is the latest. */
export type Latest<T> = { readonly range: Range; readonly event: T }

/**
 * What is seen of events that come oldest first, by block; blocks without an event are absent. Painted from the newest
 * to the oldest, each stretch once: O(n log n).
 */
export function visible<T extends { readonly range: Range }>(events: readonly T[]): readonly Latest<T>[] {
  const cuts = [...new Set(events.flatMap(({ range }) => [range.from, range.to + 1]))].toSorted(
    (a, b) => a - b,
  )
  const cutAt = new Map(cuts.map((block, index) => [block, index]))
  const seen: (T | undefined)[] = cuts.map(() => undefined)
  /** The first stretch from here on that nobody has painted yet, as far as it is known. */
  const next = cuts.map((_, index) => index)
  const firstFree = (from: number): number => {
    let free = from
    while (next[free] !== free) free = next[free]!
    for (let at = from; at < free;) {
      const after = next[at]!
      next[at] = free
      at = after
    }
    return free
  }
  for (const event of events.toReversed()) {
    const end = cutAt.get(event.range.to + 1)!
    for (let at = firstFree(cutAt.get(event.range.from)!); at < end; at = firstFree(at)) {
      seen[at] = event
      next[at] = at + 1
    }
  }
  const segments: { range: { from: number; to: number }; event: T }[] = []
  for (const [index, event] of seen.entries()) {
    if (event === undefined) continue
    const [from, to] = [cuts[index]!, cuts[index + 1]! - 1]
    const last = segments.at(-1)
    if (last?.event === event && last.range.to + 1 === from) last.range.to = to
    else segments.push({ range: { from, to }, event })
  }
  return segments
}
