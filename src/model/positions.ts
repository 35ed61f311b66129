// Owns positions as people type and read them: numbers of blocks, and UTC times in place of seconds since 1970.

/** `2024-03-13T13:55` or `2024-03-13`, in UTC, in seconds since 1970; undefined for any other text. */
export function timePosition(text: string): number | undefined {
  const [, date, time = '00:00'] = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?))?Z?$/.exec(text) ?? []
  // oxlint-disable-next-line no-restricted-globals -- of a given time
  const ms = Date.parse(`${date}T${time}Z`)
  return Number.isNaN(ms) ? undefined : ms / 1000
}

/** No chain has as many blocks, and the oldest is from 2009. */
const FIRST_TIME = 1_000_000_000

export function isTime(position: number): boolean {
  return position >= FIRST_TIME && position < 10 * FIRST_TIME
}

/** A position without separators, so that it can be typed: `17000000`, `2024-03-13T13:55:35`. */
export function formatPosition(position: number): string {
  // oxlint-disable-next-line no-restricted-globals -- of a given time
  return isTime(position) ? new Date(position * 1000).toISOString().slice(0, 19) : String(position)
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
