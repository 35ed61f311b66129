// Owns drawing blocks as a row of cells. Pure.
import { type BlockSet, blockSet, countBlocks, intersect, type Range } from '../../model/blocks.ts'

export type Coverage = Readonly<Record<'covered' | 'blocked', readonly Range[]>> & { readonly span: Range }

export const BAR_LEGEND = '█ done  ▓▒ partly  · missing  ○ source gap or incomplete'

/** One character per `cells`-th of the span. A single missing block is enough to make a cell other than █. */
export function coverageBar({ span, covered, blocked }: Coverage, cells: number): string {
  const total = span.to - span.from + 1
  const done = blockSet(covered)
  const unable = blockSet(blocked)
  return Array.from({ length: cells }, (_, cell) => {
    const from = span.from + Math.floor((cell * total) / cells)
    const to = Math.max(from, span.from + Math.floor(((cell + 1) * total) / cells) - 1)
    return glyph({ from, to }, done, unable)
  }).join('')
}

export function progressBar(share: number, cells: number): string {
  const full = Math.floor(Math.min(1, Math.max(0, share)) * cells)
  return '█'.repeat(full) + '·'.repeat(cells - full)
}

function glyph(cell: Range, done: BlockSet, unable: BlockSet): string {
  const size = cell.to - cell.from + 1
  const covered = countBlocks(intersect([cell], done))
  const blocked = countBlocks(intersect([cell], unable))
  if (covered === size) return '█'
  if (blocked * 2 >= size) return '○'
  if (covered === 0) return '·'
  return covered * 2 >= size ? '▓' : '▒'
}
