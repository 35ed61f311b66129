// Owns how done blocks are cut for verification: by what was known of their weight, never across what built them.
import { blockSet, type Range } from '../../model/blocks.ts'
import { cutChunks, type Sizing } from '../../planning/chunks.ts'
import type { Latest } from '../../ledger/latest-events.ts'
import type { RowEstimates } from '../../planning/row-estimates.ts'

type Built = {
  readonly range: Range
  readonly sqlHash: string
  /** Source rows of the whole event. */
  readonly rows: number
}

/** How heavy done blocks are, as far as the ledger knows. Little ones that touch are taken together: a ledger may have 10^5. */
export function builtRowEstimates(done: readonly Latest<Built>[]): RowEstimates {
  const rowEstimates: { from: number; to: number; rows: number }[] = []
  for (const { range, event } of done) {
    const rows = (event.rows * blocksIn(range)) / blocksIn(event.range)
    const last = rowEstimates.at(-1)
    if (last !== undefined && last.to + 1 === range.from && last.rows + rows < LITTLE_ROWS) {
      last.to = range.to
      last.rows += rows
    } else rowEstimates.push({ ...range, rows })
  }
  return rowEstimates
}

const LITTLE_ROWS = 500_000

/** The chunks of done blocks within `wanted`, by block; each was built by one version of the SQL. */
export function verifyChunks(
  done: readonly Latest<Built>[],
  wanted: Range,
  sizing: Sizing,
): readonly (Range & { readonly sqlHash: string })[] {
  const byHash = Map.groupBy(done, ({ event }) => event.sqlHash)
  return [...byHash]
    .flatMap(([sqlHash, segments]) =>
      cutChunks(blockSet(segments.flatMap(({ range }) => within(range, wanted))), sizing, 'oldest').map(
        ({ from, to }) => ({ from, to, sqlHash }),
      ),
    )
    .toSorted((a, b) => a.from - b.from)
}

function within(range: Range, wanted: Range): readonly Range[] {
  const clipped = { from: Math.max(range.from, wanted.from), to: Math.min(range.to, wanted.to) }
  return clipped.from <= clipped.to ? [clipped] : []
}

function blocksIn({ from, to }: Range): number {
  return to - from + 1
}

/** `size` of the items, each subset equally likely, in the items' order; all of them where there are no more. */
export function sample<T>(items: readonly T[], size: number, seed: number): readonly T[] {
  if (size >= items.length) return items
  const random = mulberry32(seed)
  const order = items.map((_, index) => index)
  // The first steps of a Fisher-Yates shuffle.
  for (let at = 0; at < size; at++) {
    const other = at + Math.floor(random() * (order.length - at))
    ;[order[at], order[other]] = [order[other]!, order[at]!]
  }
  const chosen = new Set(order.slice(0, size))
  return items.filter((_, index) => chosen.has(index))
}

/** Numbers in [0, 1) from a 32-bit seed. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
