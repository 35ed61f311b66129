// Owns block sets (sorted, disjoint, closed ranges that never touch each other), and positions as people type and read them.

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

/** The highest position that people may type: of block numbers and times alike, UInt32 and DateTime hold it. */
export const MAX_TYPED = 4_294_967_295

/** `2024-03-13T13:55` or `2024-03-13`, in UTC, in seconds since 1970; undefined for any other text, and for a time that is no position. */
export function timePosition(text: string): number | undefined {
  const [, date, time = '00:00'] = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?))?Z?$/.exec(text) ?? []
  const written = `${date}T${time}`
  // oxlint-disable-next-line no-restricted-globals -- of a given time
  const seconds = Date.parse(`${written}Z`) / 1000
  if (!(seconds >= 0 && seconds <= MAX_TYPED)) return undefined
  // Another time is read from days that no month has, and from 24:00.
  // oxlint-disable-next-line no-restricted-globals -- of a given time
  return new Date(seconds * 1000).toISOString().startsWith(written) ? seconds : undefined
}

/** From 2001, and before 2065: no chain has as many blocks. Above are numbers of blocks again, which are mistakes, such as the largest UInt32. */
const TIMES = { from: 1_000_000_000, before: 3_000_000_000 }

export function isTime(position: number): boolean {
  return position >= TIMES.from && position < TIMES.before
}

/** A position without separators, so that it can be typed: `17000000`, `2024-03-13T13:55:35`. */
export function formatPosition(position: number): string {
  // oxlint-disable-next-line no-restricted-globals -- of a given time
  return isTime(position) ? new Date(position * 1000).toISOString().slice(0, 19) : String(position)
}

/** The flags that name a range: `--from 1 --to 10`. */
export function rangeFlags({ from, to }: { readonly from: number; readonly to: number }): string {
  return `--from ${formatPosition(from)} --to ${formatPosition(to)}`
}

/** `block 17000000`; a time says by itself what it is. */
export function namedPosition(position: number): string {
  return isTime(position) ? formatPosition(position) : `block ${position}`
}

/** `1-10`; times have hyphens of their own: `2024-03-13T13:55:00..2024-03-13T14:00:00`. */
export function formatRange({ from, to }: { readonly from: number; readonly to: number }): string {
  if (from === to) return formatPosition(from)
  return [from, to].map(formatPosition).join(isTime(from) && isTime(to) ? '..' : '-')
}
