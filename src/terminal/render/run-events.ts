// Owns the lines for a run's events and its summary. Pure.
import type { RunEvent, RunSummary } from '../../runner/events.ts'
import { type Colors, count, duration, number, perSecond, formatRanges, formatRange } from './format.ts'
import { oneLine } from './error.ts'
import { staleLines } from './stale.ts'

/** Importance of a line: `--quiet` prints only the last kind. */
type Importance = 'progress' | 'fact' | 'alarm'

type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { readonly type: Type }>

type EventText = { readonly importance: Importance; readonly lines: readonly string[] }

/** Lines for an event; none for events that only the live display shows. */
export function eventText(event: RunEvent, colors: Colors): EventText {
  switch (event.type) {
    case 'chunk-started':
      return progress()
    case 'chunk-done':
      return progress(
        `${event.table}  ${formatRange(event.range)}  ${count(event.rowsWritten, 'row')}  ${duration(event.elapsedMs)}`,
      )
    case 'table':
      return progress(`${event.table}  ${tableText(event)}`)
    case 'created':
      return fact(`${event.table}  created ${event.target}`)
    case 'note':
    case 'throttled':
    case 'released':
      return fact(about(event.table, event.text))
    case 'skipped':
      return fact(...skippedLines(event))
    case 'waiting':
      return fact(`${event.table}  ${count(event.blocks, 'block')} wait for ${event.on.join(', ')}`)
    case 'warning':
      return alarm(colors, about(event.table, event.text))
    case 'chunk-failed':
      return failure(`${event.table}  ${formatRange(event.range)}  failed`, event.error, colors)
    default:
      return failure(`${event.table}  stopped`, event.error, colors)
  }
}

/** The finished work, for stdout; `failureLines` has the failures. `again`: the command that continues the run. */
export function summaryLines(summary: RunSummary, colors: Colors, again = 'backfill up'): readonly string[] {
  const { chunks, blocks, rowsWritten, elapsedMs, stale, failed, interrupted, outOfTime } = summary
  const work =
    chunks === 0
      ? 'nothing to do'
      : `${count(chunks, 'chunk')}, ${count(blocks, 'block')}, ${count(rowsWritten, 'row')} in ${duration(elapsedMs)} (${perSecond(blocks, elapsedMs)} blocks/s)`
  const done = chunks === 0 ? '' : `; done: ${work}`
  const failedTables = new Set(failed.map(({ table }) => table)).size
  if (failedTables > 0) return [`${colors.red(`${count(failedTables, 'table')} failed`)}${done}`]
  if (interrupted) return [`${colors.yellow('Interrupted')}${done}. \`${again}\` resumes from here.`]
  if (outOfTime) return [`The time of --max-runtime is over; done: ${work}. \`${again}\` resumes from here.`]
  const left = staleLines(stale)
  if (chunks > 0) return [`${colors.green('Done')}: ${work}`, ...left]
  return left.length > 0 ? left : ['Nothing to do.']
}

/** Every failed table with its error and hint, for stderr, at the end of the output. */
export function failureLines({ failed }: RunSummary, colors: Colors): readonly string[] {
  return failed.flatMap(({ table, error }) => [
    `${colors.red('backfill:')} ${table}: ${oneLine(error.message)}`,
    ...(error.hint === undefined ? [] : [`  ${colors.dim(error.hint)}`]),
  ])
}

function tableText({ missingBlocks, doneBlocks }: EventOf<'table'>): string {
  const done = doneBlocks === 0 ? '' : `, ${number(doneBlocks)} done before`
  return missingBlocks === 0 ? `no block missing${done}` : `${count(missingBlocks, 'block')} not done${done}`
}

function* skippedLines({ tables, sourceGaps, incomplete }: EventOf<'skipped'>): Generator<string, void> {
  const what = `${tables.length > 3 ? `${tables.length} tables` : tables.join(', ')}  skipped`
  if (sourceGaps.length > 0) yield `${what} source gap ${formatRanges(sourceGaps)}: no source has rows there`
  if (incomplete.length > 0)
    yield `${what} incomplete ${formatRanges(incomplete)}: some sources lack these blocks`
}

function about(table: string | undefined, text: string): string {
  return table === undefined ? text : `${table}  ${text}`
}

function progress(...lines: readonly string[]): EventText {
  return { importance: 'progress', lines }
}

function fact(...lines: readonly string[]): EventText {
  return { importance: 'fact', lines }
}

function alarm(colors: Colors, line: string): EventText {
  return { importance: 'alarm', lines: [`${colors.yellow('warning:')} ${line}`] }
}

function failure(what: string, error: Error, colors: Colors): EventText {
  return { importance: 'alarm', lines: [`${colors.red(what)}: ${oneLine(error.message)}`] }
}
