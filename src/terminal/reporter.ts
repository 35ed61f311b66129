// Owns printing a run's events: JSON lines, live lines in a terminal, plain lines elsewhere, or only warnings.
import { BackfillError } from '../model/errors.ts'
import type { RunEvent, RunSummary } from '../runner/events.ts'
import { createLive } from './live-lines.ts'
import type { Output } from './output.ts'
import { errorEvent, eventFields, summaryFields } from './render/json.ts'
import { eventText, failureLines, summaryLines } from './render/run-events.ts'
import { advance, inFlight, liveLines, NO_PROGRESS } from './render/run-progress.ts'
import { monotonicMs } from '../seam/clock.ts'

export type Reporter = {
  readonly report: (event: RunEvent) => void
  /** Prints a message between the events. */
  readonly print: (line: string) => void
  /** Statements in flight, from the events so far. */
  readonly inFlight: () => number
  /** The run ended: prints the summary and the failures. */
  readonly finish: (summary: RunSummary) => void
  /** An error ended the run; its caller prints the error. */
  readonly abandon: (error: unknown) => void
}

export type ReporterOptions = {
  readonly json: boolean
  readonly quiet: boolean
  /** The command that continues the run, if not `backfill up`. */
  readonly again?: string | undefined
}

export async function createReporter(
  output: Output,
  { json, quiet, again }: ReporterOptions,
): Promise<Reporter> {
  const colors = output.messageColors
  const told = new Set<Error>()
  let progress = NO_PROGRESS
  const stream = json || quiet ? undefined : output.live
  const live =
    stream &&
    (await createLive(stream, () =>
      liveLines(progress, { now: monotonicMs(), columns: stream.columns, colors }),
    ))
  const tell = (lines: readonly string[]) => {
    if (live === undefined) return output.message(lines)
    live.above(lines.map(output.mask))
    live.draw()
  }
  const worthTelling = { alarm: true, fact: !json && !quiet, progress: !json && !quiet && live === undefined }

  return {
    report(event) {
      progress = advance(progress, event, monotonicMs())
      if (json) output.json(eventFields(event))
      const { importance, lines } = eventText(event, colors)
      // The error of a chunk is also the reason why its table stopped: print it once.
      const error = 'error' in event ? event.error : undefined
      const repeated = error !== undefined && told.has(error)
      if (error !== undefined) told.add(error)
      tell(worthTelling[importance] && !repeated ? lines : [])
    },
    print: (line) => tell([line]),
    inFlight: () => inFlight(progress),
    finish(summary) {
      live?.close()
      if (json) output.json(summaryFields(summary))
      else if (!quiet) output.result(summaryLines(summary, output.resultColors, again))
      output.message(failureLines(summary, colors))
    },
    abandon(error) {
      live?.close()
      if (json && error instanceof BackfillError) output.json(errorEvent(error))
    },
  }
}
