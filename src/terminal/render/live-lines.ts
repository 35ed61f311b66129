// Owns the look of a run while it goes on: a line for each table with work, and one for all. Pure.
import { concerns } from '../../ledger/steering.ts'
import { type Standstill, standstillText } from '../../model/standstill.ts'
import { progressBar } from './bar.ts'
import { amount, type Colors, duration, number, percent } from './format.ts'
import {
  rateOf,
  chunksOf,
  inFlight,
  type Progress,
  type TableProgress,
  type Throttle,
} from './run-progress.ts'

type LiveStyle = {
  readonly now: number
  readonly columns: number
  readonly colors: Colors
  /** The run has ended: nothing is left, or what is left is not done. */
  readonly ended?: boolean
}

/** The lines, none wider than `columns` - 1: in a terminal's last column some wrap. */
export function liveLines(progress: Progress, style: LiveStyle): readonly string[] {
  const { now, columns, colors, ended = false } = style
  const tables = [...progress.tables.values()].filter(({ expected }) => expected > 0)
  const width = columns - 1
  if (tables.length === 0) {
    const held = progress.throttles.at(-1)?.text ?? 'Probing sources…'
    const word = progress.stall === undefined ? held : stallText(progress.stall, now)
    return progress.run === undefined || ended ? [] : [colors.dim(word.slice(0, width))]
  }
  const held = ended ? [] : progress.throttles.filter(({ table }) => table === undefined)
  const texts = tables.map((table) => tableText(table, progress.throttles, { now, ended }))
  const widest = (of: (text: TableText) => string) => Math.max(...texts.map((text) => of(text).length))
  const names = Math.max(...tables.map(({ table }) => table.length))
  const room = (text: number) => width - names - PERCENT - text - 3 * 2
  const isShort = room(widest(([long]) => long)) < MIN_BAR
  const shown = ([long, short = long]: TableText) => (isShort ? short : long)
  const text = widest(shown)
  const bar = Math.min(MAX_BAR, room(text))
  const hasBar = bar >= MIN_BAR
  const name = hasBar ? names : Math.min(names, width - PERCENT - text - 2)
  const lines = tables.map((table, at) => {
    const { done, expected } = table
    const share = percent(Math.min(done, expected), expected).padStart(PERCENT)
    const cells = hasBar ? [progressBar(done / expected, bar)] : []
    const parts = [shortened(table.table, name), ...cells, share, shown(texts[at]!)]
    const line = parts.join(hasBar ? '  ' : ' ').slice(0, width)
    if (table.failed) return colors.red(line)
    if (done >= expected) return colors.green(line)
    return table.running > 0 ? line : colors.dim(line)
  })
  // On lines of their own: a limited run goes on, and how it does must stay to be seen.
  const throttles = held.map((one) => colors.dim(one.text.slice(0, width)))
  return [...lines, ...throttles, colors.bold(totalLine(progress, { now, columns: width, ended }))]
}

const MAX_BAR = 20
const MIN_BAR = 4
const PERCENT = 7

/** `1 min 5 s, chunk 12 of 34, 2 running, 12,345 rows/s, 21 s left`; where short of space, the least important go first. */
export function totalLine(
  progress: Progress,
  { now, columns, ended = false }: Pick<LiveStyle, 'now' | 'columns' | 'ended'>,
): string {
  const { done, all } = chunksOf(progress)
  const isDone = ended && [...progress.tables.values()].every((table) => table.done >= table.expected)
  const running = inFlight(progress)
  const elapsed = duration(now - progress.since)
  const rows = rateOf(progress.pace, now)
  const left = timeLeft(progress, now)
  const last = left === undefined || ended ? '' : `${duration(left)} left`
  const parts = [
    { rank: 3, text: isDone ? `all done in ${elapsed}` : elapsed },
    { rank: 4, text: all === 0 ? '' : `chunk ${number(done)} of ${number(all)}` },
    { rank: 2, text: ended ? '' : `${number(running)} running` },
    { rank: 1, text: rows === undefined ? '' : `${number(Math.round(rows.rows))} rows/s` },
    { rank: 5, text: progress.stall === undefined ? last : stallText(progress.stall, now) },
  ].filter(({ text }) => text !== '')
  const line = () => parts.map(({ text }) => text).join(', ')
  while (line().length > columns && parts.length > 1)
    parts.splice(parts.indexOf(parts.toSorted((one, other) => one.rank - other.rank)[0]!), 1)
  return line().slice(0, columns)
}

/** For what stands still, or is held back: `address_diffs: lock of host runner-2 (process 4711)`. */
export function stallLines({ tables, throttles }: Progress, now: number): readonly string[] {
  return [
    ...throttles.map(({ table, text }) => (table === undefined ? text : `${table}: ${text}`)),
    ...[...tables.values()].flatMap(({ table, expected, stall, running }) =>
      stall === undefined || running > 0 || expected === 0 ? [] : [`${table}: ${stallText(stall, now)}`],
    ),
  ]
}

type TableText = readonly [long: string, short?: string]

function tableText(
  table: TableProgress,
  throttles: readonly Throttle[],
  { now, ended }: { readonly now: number; readonly ended: boolean },
): TableText {
  const { expected, done, unit, running, pace, failed, stall } = table
  if (failed) return ['stopped']
  if (done >= expected) return [`${amount(expected, unit)} done`, 'done']
  if (stall !== undefined && running === 0) return [stallText(stall, now), shortOf(stall.standstill)]
  if (ended) return [`${amount(expected - done, unit)} left`, 'not done']
  if (running === 0) return [heldBack(table.table, throttles) ?? 'queued']
  const rate = rateOf(pace, now)?.blocks ?? 0
  if (rate === 0) return ['started']
  const left = `${duration(tableTimeLeft(table, now) ?? 0)} left`
  return unit === 'block' ? [`${number(Math.round(rate))} blocks/s, ${left}`, left] : [left]
}

/** What of all tables holds this one back is said once, below them. */
function heldBack(key: string, throttles: readonly Throttle[]): string | undefined {
  const own = throttles.filter(({ hold }) => hold === undefined || concerns(hold, key))
  if (own.some(({ hold }) => hold?.action === 'pause')) return 'paused'
  return own.some(({ hold }) => hold === undefined) ? 'throttled' : undefined
}

/** Where there is no room for more; the longest `11 min 59 s left` has 16. */
function shortOf({ reason }: Standstill): string {
  return { input: 'waits for input', lock: 'locked', disk: 'low on disk' }[reason as string] ?? reason
}

function stallText({ standstill, since }: NonNullable<Progress['stall']>, now: number): string {
  return standstillText(standstill, now - since)
}

/**
 * Time for the blocks left at the pace of all tables, in ms, and never less than a table shows: those that were paused have their share of the pace still.
 * Undefined where nothing is in flight, or nothing is done.
 */
function timeLeft(progress: Progress, now: number): number | undefined {
  const rate = rateOf(progress.pace, now)?.blocks ?? 0
  if (inFlight(progress) === 0 || rate === 0) return undefined
  const tables = [...progress.tables.values()].filter(({ failed }) => !failed)
  const left = tables.reduce((sum, { expected, done }) => sum + Math.max(0, expected - done), 0)
  return Math.max((left / rate) * 1000, ...tables.map((table) => tableTimeLeft(table, now) ?? 0))
}

function tableTimeLeft({ expected, done, running, pace }: TableProgress, now: number): number | undefined {
  const rate = rateOf(pace, now)?.blocks ?? 0
  return running === 0 || rate === 0 ? undefined : (Math.max(0, expected - done) / rate) * 1000
}

/** The name in so many columns, its middle left out: names differ at both ends. */
function shortened(name: string, width: number): string {
  if (name.length <= width) return name.padEnd(width)
  return `${name.slice(0, HEAD)}…${name.slice(HEAD + 1 - width)}`.slice(0, Math.max(0, width))
}

const HEAD = 2
