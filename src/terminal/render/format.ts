// Owns formatting numbers, times and block ranges. Pure.
import type pc from 'picocolors'
import { countBlocks, type Range, formatPosition, formatRange, isTime } from '../../model/blocks.ts'
import type { Unit } from '../../model/model.ts'

export { formatRange } from '../../model/blocks.ts'

/** A whole number, `1,234,567`. Not by Intl: its data alone takes longer to load than this program. */
export function number(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

export function positionText(position: number): string {
  return isTime(position) ? formatPosition(position) : number(position)
}

/** `1 block`, `1,500 blocks`. */
export function count(value: number, noun: string): string {
  return `${number(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** So many units: `1,500 blocks`; seconds as a time, `25 min 0 s`. */
export function amount(value: number, unit: Unit): string {
  return unit === 'second' ? duration(value * 1000) : count(value, unit)
}

export function amountOf(ranges: readonly Range[]): string {
  return amount(countBlocks(ranges), ranges.some(({ from }) => isTime(from)) ? 'second' : 'block')
}

/** The first few ranges and how many blocks they all have: `1-10, 15 and 7 more (1,500 blocks)`. */
export function formatRanges(ranges: readonly Range[], shown = 3): string {
  const head = ranges.slice(0, shown).map(formatRange).join(', ')
  const more = ranges.length > shown ? ` and ${number(ranges.length - shown)} more` : ''
  return `${head}${more} (${amountOf(ranges)})`
}

/** `formatRanges` after the word `blocks`, which times do without. */
export function namedRanges(ranges: readonly Range[]): string {
  return `${ranges.some(({ from }) => isTime(from)) ? '' : 'blocks '}${formatRanges(ranges)}`
}

/** Floored to 0.1, so that 100.0 % means that no block is missing; `-` if no block is expected. */
export function percent(done: number, expected: number): string {
  return expected === 0 ? '-' : `${(Math.floor((done * 1000) / expected) / 10).toFixed(1)} %`
}

/** `0.8 s`, `1 min 23 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  if (hours === 0) return `${minutes} min ${seconds % 60} s`
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${number(Math.floor(hours / 24))} d ${hours % 24} h`
}

/** Bytes: `1.2 GB`. */
export function size(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

export function minute(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ')
}

export function perSecond(value: number, ms: number): string {
  return number(Math.round(value / Math.max(ms / 1000, 0.001)))
}

/** The parts that are neither false nor undefined; lists are flattened: `listOf(head, isLate && 'late', rows)`. */
export function listOf<T extends string | object>(
  ...parts: readonly (T | readonly T[] | false | undefined)[]
): readonly T[] {
  return (parts.flat() as readonly (T | false | undefined)[]).filter(
    (part) => part !== false && part !== undefined,
  )
}

export type Colors = ReturnType<typeof pc.createColors>
