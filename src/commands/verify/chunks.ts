// Owns how done blocks are cut for verification: by what was known of their weight, never across what built them.
import type { Range } from '../../model/blocks.ts'
import { cutChunks, type Sizing } from '../../planning/chunks.ts'
import { blockSet } from '../../model/blocks.ts'
import type { Visible } from '../../ledger/latest-events.ts'
import type { Weights } from '../../planning/weights.ts'

type Built = {
  readonly range: Range
  readonly sqlHash: string
  /** Source rows of the whole event. */
  readonly rows: number
}

/** How heavy done blocks are, as far as the ledger knows. Little ones that touch are taken together: a ledger may have 10^5. */
export function builtWeights(done: readonly Visible<Built>[]): Weights {
  const weights: { from: number; to: number; rows: number }[] = []
  for (const { range, event } of done) {
    const rows = (event.rows * blocksIn(range)) / blocksIn(event.range)
    const last = weights.at(-1)
    if (last !== undefined && last.to + 1 === range.from && last.rows + rows < LITTLE_ROWS) {
      last.to = range.to
      last.rows += rows
    } else weights.push({ ...range, rows })
  }
  return weights
}

const LITTLE_ROWS = 500_000

/** The chunks of done blocks within `wanted`, by block; each was built by one version of the SQL. */
export function verifyChunks(
  done: readonly Visible<Built>[],
  wanted: Range,
  sizing: Sizing,
): readonly (Range & { readonly sqlHash: string })[] {
  const byHash = Map.groupBy(done, ({ event }) => event.sqlHash)
  return [...byHash]
    .flatMap(([sqlHash, stretches]) =>
      cutChunks(blockSet(stretches.flatMap(({ range }) => within(range, wanted))), sizing, 'tail').map(
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
