// Owns the lines for a run's events and its summary. Pure.
import type { Unit } from '../../model/model.ts'
import { blockSet } from '../../model/blocks.ts'
import { standstillText } from '../../model/standstill.ts'
import type { RunEvent, RunSummary } from '../../runner/events.ts'
import {
  amount,
  type Colors,
  count,
  duration,
  listOf,
  number,
  perSecond,
  formatRanges,
  formatRange,
} from './format.ts'
import { oneLine } from './error.ts'
import { staleLines } from './stale.ts'

/** Importance of a line: `--quiet` prints only the last two kinds. */
type Importance = 'progress' | 'fact' | 'warning' | 'error'

type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { readonly type: Type }>

type EventText = { readonly importance: Importance; readonly lines: readonly string[] }

/** No lines for events that only the live display shows. `begun`: the table whose first chunk begins. */
export function eventText(
  event: RunEvent,
  colors: Colors,
  chunks: { readonly done: number; readonly all: number },
  begun?: { readonly expected: number; readonly done: number; readonly unit: Unit },
): EventText {
  switch (event.type) {
    case 'chunk-started':
      if (begun === undefined) return progress()
      return progress(`${event.table}  ${amount(begun.expected - begun.done, begun.unit)} not done`)
    case 'expected':
    case 'table':
      return progress()
    case 'run':
      return fact(
        `backfill ${event.toolVersion}: network ${event.network}, target ${event.target}, source ${event.source}, ${event.servers}, run ${event.runId}`,
      )
    case 'standstill':
      return standstillLine(event)
    case 'chunk-done':
      return progress(
        `chunk ${number(chunks.done)} of ${number(chunks.all)}  ${event.table}  ${formatRange(event.range)}  ${count(event.rowsWritten, 'row')}  ${duration(event.elapsedMs)}`,
      )
    case 'created':
      return fact(`${event.table}  created ${event.target}`)
    case 'note':
    case 'throttled':
    case 'released':
      return fact(about(event.table, event.text))
    case 'skipped':
      return fact(...skippedLines(event))
    case 'waiting':
      return fact(`${event.table}  ${waitingText(event)}`)
    case 'warning':
      return text('warning', `${colors.yellow('warning:')} ${about(event.table, event.text)}`)
    case 'chunk-failed':
      return failure(`${event.table}  ${formatRange(event.range)}  failed`, event.error, colors)
    default:
      return failure(`${event.table}  stopped`, event.error, colors)
  }
}

/** The finished work, for stdout; `failureLines` has the failures. `again`: the command that continues the run. */
export function summaryLines(
  summary: RunSummary,
  { run, left, colors, again = 'backfill up', sql = '' }: SummaryStyle,
): readonly string[] {
  const { chunks, stale, failed, interrupted, outOfTime } = summary
  const where = run === undefined ? '' : `; network ${run.network}, target ${run.target}`
  const work = chunks === 0 ? 'nothing to do' : workText(summary)
  const done = chunks === 0 ? '' : `; done: ${work}`
  const failedTables = new Set(failed.map(({ table }) => table)).size
  const resumes = `. \`${again}\` resumes from here.`
  if (failedTables > 0) return [`${colors.red(`${count(failedTables, 'table')} failed`)}${done}${where}`]
  if (interrupted) return [`${colors.yellow('Interrupted')}${done}${where}${resumes}`]
  if (outOfTime) return [`The time of --max-runtime is over; done: ${work}${where}${resumes}`]
  const old = staleLines(stale)
  if (chunks > 0) return [...old, `${colors.green('Done')}: ${work}${where}`]
  return [
    `${['Nothing to do', ...leftTexts(left)].join('; ')}${where}${sql && `, ${sql}`}.${old.map((line) => ` ${line}`).join('')}`,
  ]
}

function workText({ chunks, blocks, seconds, rowsWritten, elapsedMs }: RunSummary): string {
  const what = listOf(
    count(chunks, 'chunk'),
    blocks > 0 && amount(blocks, 'block'),
    seconds > 0 && `a span of ${amount(seconds, 'second')}`,
    count(rowsWritten, 'row'),
  )
  const speed = blocks > 0 ? ` (${perSecond(blocks, elapsedMs)} blocks/s)` : ''
  return `${what.join(', ')} in ${duration(elapsedMs)}${speed}`
}

export type Left = EventOf<'skipped' | 'waiting' | 'note'>

/** Whether it is told at the end: of a run without work in its only line. */
export function isLeft(event: RunEvent): event is Left {
  return ['skipped', 'waiting'].includes(event.type) || (event.type === 'note' && event.isEmpty === true)
}

type SummaryStyle = {
  readonly run: EventOf<'run'> | undefined
  readonly left: readonly Left[]
  readonly colors: Colors
  readonly again?: string | undefined
  readonly sql?: string | undefined
}

function leftTexts(left: readonly Left[]): readonly string[] {
  const skipped = left.filter((event) => event.type === 'skipped')
  const gaps = blockSet(skipped.flatMap(({ sourceGaps }) => sourceGaps))
  const incomplete = blockSet(skipped.flatMap((event) => event.incomplete))
  const empty = left.filter((event) => event.type === 'note')
  return listOf(
    gaps.length > 0 && `source gap ${formatRanges(gaps)}`,
    incomplete.length > 0 && `incomplete ${formatRanges(incomplete)}`,
    ...left.map((event) => event.type === 'waiting' && `${event.table}: ${waitingText(event)}`),
    ...(empty.length > 2
      ? [`${empty.length} tables have no blocks here: \`backfill status\` says why`]
      : empty.map(({ table, text: why }) => `${table}: ${why}`)),
  )
}

function waitingText({ blocks, unit, on, standstill, hint }: EventOf<'waiting'>): string {
  const why =
    standstill === undefined ? `wait for ${on.join(', ')}` : `wait: ${standstillText(standstill, 0)}`
  return `${amount(blocks, unit)} ${why}${hint === undefined ? '' : ` (\`${hint}\` builds what it reads, too)`}`
}

/** That an input is not as far yet is no news. */
function standstillLine({ table, standstill }: EventOf<'standstill'>): EventText {
  if (standstill === undefined) return progress()
  const line = about(table, `stands still: ${standstillText(standstill, 0)}`)
  const inputs = standstill.reason === 'input' ? [standstill, ...(standstill.others ?? [])] : undefined
  return inputs?.every(({ failed }) => !failed) ? progress() : fact(line)
}

/** Every failed table with its error and hint, for stderr, at the end of the output. */
export function failureLines({ failed }: RunSummary, colors: Colors): readonly string[] {
  return failed.flatMap(({ table, error: { message, hint } }) =>
    listOf(
      `${colors.red('backfill:')} ${table}: ${oneLine(message)}`,
      hint !== undefined && `  ${colors.dim(hint)}`,
    ),
  )
}

function skippedLines({ tables, sourceGaps, incomplete }: EventOf<'skipped'>): readonly string[] {
  const what = `${tables.length > 3 ? `${tables.length} tables` : tables.join(', ')}  skipped`
  return listOf(
    sourceGaps.length > 0 && `${what} source gap ${formatRanges(sourceGaps)}: no source has rows there`,
    incomplete.length > 0 && `${what} incomplete ${formatRanges(incomplete)}: some sources lack these blocks`,
  )
}

function about(table: string | undefined, text: string): string {
  return table === undefined ? text : `${table}  ${text}`
}

const text = (importance: Importance, ...lines: readonly string[]): EventText => ({ importance, lines })

const progress = (...lines: readonly string[]) => text('progress', ...lines)

const fact = (...lines: readonly string[]) => text('fact', ...lines)

const failure = (what: string, error: Error, colors: Colors) =>
  text('error', `${colors.red(what)}: ${oneLine(error.message)}`)
