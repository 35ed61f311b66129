// Owns the algebra of block sets: sorted, disjoint, closed ranges that never touch each other.
import { formatPosition, formatRange, isTime } from './positions.ts'

export type BlockSet = readonly Range[]

export function blockSet(ranges: readonly Range[]): BlockSet {
  const sorted = ranges.filter((range) => range.from <= range.to).toSorted((a, b) => a.from - b.from)
  const set: { from: number; to: number }[] = []
  for (const { from, to } of sorted) {
    const last = set.at(-1)
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to)
    else set.push({ from, to })
  }
  return set
}

export function union(a: BlockSet, b: BlockSet): BlockSet {
  return blockSet([...a, ...b])
}

export function intersect(a: BlockSet, b: BlockSet): BlockSet {
  const common: Range[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const left = a[i]!
    const right = b[j]!
    const from = Math.max(left.from, right.from)
    const to = Math.min(left.to, right.to)
    if (from <= to) common.push({ from, to })
    if (left.to < right.to) i++
    else j++
  }
  return common
}

export function subtract(a: BlockSet, b: BlockSet): BlockSet {
  return intersect(a, complement(b))
}

export function countBlocks(set: BlockSet): number {
  return set.reduce((sum, { from, to }) => sum + (to - from + 1), 0)
}

export function covers(set: BlockSet, range: Range): boolean {
  return set.some(({ from, to }) => from <= range.from && range.to <= to)
}

export function hull(set: BlockSet): Range | undefined {
  const first = set[0]
  const last = set.at(-1)
  return first && last && { from: first.from, to: last.to }
}

/** End of the unbroken covered run that starts at `first`; undefined if `first` is not covered. */
export function watermark(covered: BlockSet, first: number): number | undefined {
  return covered.find(({ from, to }) => from <= first && first <= to)?.to
}

function complement(set: BlockSet): BlockSet {
  const outside: Range[] = []
  let next = 0
  for (const { from, to } of set) {
    if (next < from) outside.push({ from: next, to: from - 1 })
    next = to + 1
  }
  outside.push({ from: next, to: Number.MAX_SAFE_INTEGER })
  return outside
}

/** Closed block interval: both ends belong to it, `from <= to`. Blocks are whole numbers below 2^53. */
export type Range = { readonly from: number; readonly to: number }

/** `blocks 1-10, 20-30`, `block 5`; times say by themselves what they are. */
export function namedBlocks(blocks: BlockSet): string {
  const [first] = blocks
  if (first === undefined || isTime(first.from)) return formatBlockSet(blocks)
  return `${countBlocks(blocks) === 1 ? 'block' : 'blocks'} ${formatBlockSet(blocks)}`
}

export function formatBlockSet(blocks: BlockSet): string {
  const ranges = blocks.slice(0, 3).map(formatRange)
  return blocks.length > 3
    ? `${ranges.join(', ')} and ${blocks.length - 3} more up to ${formatPosition(blocks.at(-1)!.to)}`
    : ranges.join(', ')
}
