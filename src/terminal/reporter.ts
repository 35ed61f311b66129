// Owns printing a run's events: JSON lines, live lines in a terminal, plain lines elsewhere, or only warnings.
import type { RunEvent, RunSummary } from '../runner/events.ts'
import type { Output } from './output.ts'
import { eventFields, summaryFields } from './render/json.ts'
import { eventText, failureLines, summaryLines } from './render/run-events.ts'
import { advance, inFlight, liveLines, NO_PROGRESS } from './render/run-progress.ts'
import { after, monotonicMs } from '../seam/clock.ts'

type ReporterOptions = {
  readonly json: boolean
  readonly quiet: boolean
  /** The command that continues the run, if not `backfill up`. */
  readonly again?: string | undefined
}

/** At most ten frames a second. */
const FRAME_MS = 100

export async function createReporter(output: Output, { json, quiet, again }: ReporterOptions) {
  const colors = output.messageColors
  const told = new Set<Error>()
  let progress = NO_PROGRESS
  const stream = json || quiet ? undefined : output.live
  // Loaded on use. The cursor stays visible, because a killed process could not restore it.
  let live = stream && (await import('log-update')).createLogUpdate(stream, { showCursor: true })
  let cancelFrame: (() => void) | undefined
  const drawFrame = () => {
    cancelFrame = undefined
    const { columns } = stream!
    const lines = liveLines(progress, { now: monotonicMs(), columns, colors })
    const text = lines.map(output.shown).join('\n')
    if (text !== '') live?.(text)
  }
  const tell = (lines: readonly string[]) => {
    if (live === undefined) return output.message(lines)
    if (lines.length > 0) live.persist(lines.map(output.shown).join('\n'))
    cancelFrame ??= after(FRAME_MS, drawFrame)
  }
  /** Leaves the last frame on the screen; later lines are printed below it. */
  const closeLive = () => {
    if (live === undefined) return
    cancelFrame?.()
    drawFrame()
    live.done()
    live = undefined
  }
  const worthTelling = {
    alarm: true,
    fact: !json && !quiet,
    progress: !json && !quiet && stream === undefined,
  }

  return {
    report: (event: RunEvent): void => {
      progress = advance(progress, event, monotonicMs())
      if (json) output.json(eventFields(event))
      const { importance, lines } = eventText(event, colors)
      // The error of a chunk is also the reason why its table stopped: print it once.
      const error = 'error' in event ? event.error : undefined
      const repeated = error !== undefined && told.has(error)
      if (error !== undefined) told.add(error)
      tell(worthTelling[importance] && !repeated ? lines : [])
    },
    /** Prints a message between the events. */
    print: (line: string) => tell([line]),
    /** Statements in flight, from the events so far. */
    inFlight: () => inFlight(progress),
    /** The run ended: prints the summary and the failures. */
    finish: (summary: RunSummary): void => {
      closeLive()
      if (json) output.json(summaryFields(summary))
      else if (!quiet) output.result(summaryLines(summary, output.resultColors, again))
      output.message(failureLines(summary, colors))
    },
    /** An error ended the run; its caller prints the error. */
    abandon: closeLive,
  }
}
