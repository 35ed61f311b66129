// Owns how fast work went in the last minute, from what was finished when. Pure.

/** Sums of everything finished until `at`, in ms of a monotonic clock; the oldest first. */
export type Pace = readonly { readonly at: number; readonly blocks: number; readonly rows: number }[]

const WINDOW_MS = 60_000

/** Samples nearer than this count as one: a minute has few of them. */
const SAMPLE_MS = 1_000

export function startPace(at: number): Pace {
  return [{ at, blocks: 0, rows: 0 }]
}

/** The pace after more work was finished. */
export function finished(pace: Pace, at: number, work: { blocks: number; rows: number }): Pace {
  const last = pace.at(-1) ?? { blocks: 0, rows: 0, at }
  const sum = { at, blocks: last.blocks + work.blocks, rows: last.rows + work.rows }
  const before = pace.at(-2)
  const kept = before !== undefined && last.at - before.at < SAMPLE_MS ? pace.slice(0, -1) : pace
  const start = kept.findLastIndex((sample) => sample.at <= at - WINDOW_MS)
  return [...kept.slice(Math.max(0, start)), sum]
}

/**
 * Blocks and rows a second over the last minute; undefined as long as nothing is finished. Work is counted when it is
 * finished, so the minute ends then; a longer silence counts.
 */
export function rateOf(
  pace: Pace,
  now: number,
): { readonly blocks: number; readonly rows: number } | undefined {
  const [start] = pace
  const last = pace.at(-1)
  if (start === undefined || last === undefined || last === start) return undefined
  const seconds = Math.max(1, Math.max(last.at, now - WINDOW_MS) - start.at) / 1000
  return { blocks: (last.blocks - start.blocks) / seconds, rows: (last.rows - start.rows) / seconds }
}
