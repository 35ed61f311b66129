// Owns printing a run's events: JSON lines, live lines in a terminal, plain lines elsewhere, or only warnings.
import type { RunEvent, RunSummary } from '../runner/events.ts'
import type { Level, Output } from './output.ts'
import { eventFields, summaryFields } from './render/json.ts'
import { liveLines, stallLines, totalLine } from './render/live-lines.ts'
import { eventText, failureLines, isLeft, type Left, summaryLines } from './render/run-events.ts'
import {
  advance,
  chunksOf,
  inFlight,
  NO_PROGRESS,
  type Progress,
  type TableProgress,
} from './render/run-progress.ts'
import { columnsOf } from './render/printable.ts'
import { wrap } from './render/wrap.ts'
import { after, every, monotonicMs } from '../seam/clock.ts'

type ReporterOptions = {
  readonly json: boolean
  readonly quiet: boolean
  readonly again?: string | undefined
  readonly sql?: string | undefined
}

const FRAME_MS = 100

/** A log is never silent for longer, and a terminal shows how the time passes. */
const SILENCE_MS = 60_000
const TICK_MS = 1_000

export async function createReporter(output: Output, { json, quiet, again, sql }: ReporterOptions) {
  const colors = output.messageColors
  const told = new Set<Error>()
  let progress = NO_PROGRESS
  /** Told at the end: what the run leaves out. A run without work is one line. */
  let left: Left[] = []
  let header: string[] = []
  let spokeAt = monotonicMs()
  const stream = json || quiet ? undefined : output.live
  // Loaded on use. The cursor stays visible, because a killed process could not restore it.
  let live = stream && (await import('log-update')).createLogUpdate(stream, { showCursor: true })
  let cancelFrame: (() => void) | undefined
  const drawFrame = (ended = false) => {
    cancelFrame = undefined
    const { columns } = stream!
    const lines = liveLines(progress, { now: monotonicMs(), columns, colors, ended })
    if (lines.length > 0) live?.(lines.map(output.shown).join('\n'))
    else live?.clear()
  }
  const tell = (lines: readonly string[], level: Level = 'info') => {
    const all = lines.length === 0 ? [] : [...header, ...lines]
    if (all.length > 0) [header, spokeAt] = [[], monotonicMs()]
    if (live === undefined) return output.log(all, level)
    if (all.length > 0)
      live.persist(all.flatMap((line) => fitting(output.shown(line), stream!.columns)).join('\n'))
    cancelFrame ??= after(FRAME_MS, drawFrame)
  }
  const endFrame = () => {
    cancelFrame?.()
    drawFrame(true)
    live?.done()
  }
  const tick = () => {
    const now = monotonicMs()
    if (live !== undefined) cancelFrame ??= after(FRAME_MS, drawFrame)
    else if (!json && !quiet && progress.run !== undefined && now - spokeAt >= SILENCE_MS)
      tell([totalLine(progress, { now, columns: Infinity }), ...stallLines(progress, now)])
  }
  const stopTicking = every(TICK_MS, tick)
  const close = () => {
    stopTicking()
    if (live !== undefined) endFrame()
    live = undefined
  }
  const isTold = {
    error: true,
    warning: true,
    fact: !json && !quiet,
    progress: !json && !quiet && stream === undefined,
  }

  return {
    report: (event: RunEvent): void => {
      if (event.type === 'run' && progress.run !== undefined && live !== undefined) endFrame()
      progress = advance(progress, event, monotonicMs())
      const chunks = chunksOf(progress)
      const place = event.type === 'chunk-done' ? { chunk: chunks.done, chunks: chunks.all } : {}
      // What is expected changes with every chunk, which says so.
      if (json && event.type !== 'expected')
        output.json({ runId: progress.run?.runId, ...eventFields(event), ...place })
      const { importance, lines } = eventText(event, colors, chunks, begun(progress, event))
      if (event.type === 'run')
        header = isTold.fact ? lines.map((line) => [line, sql].filter(Boolean).join(', ')) : []
      if (isLeft(event)) left.push(event)
      // A terminal has no line for a chunk, and may have none before the last.
      if (event.type === 'chunk-started') tell(header.splice(0))
      if (event.type === 'run' || isLeft(event)) return tell([])
      // The error of a chunk is also the reason why its table stopped: print it once.
      const error = 'error' in event ? event.error : undefined
      const isRepeated = error !== undefined && told.has(error)
      if (error !== undefined) told.add(error)
      const level = importance === 'warning' || importance === 'error' ? importance : 'info'
      tell(isTold[importance] && !isRepeated ? lines : [], level)
    },
    print: (line: string) => tell([line]),
    inFlight: () => inFlight(progress),
    finish: (summary: RunSummary): void => {
      const { run } = progress
      const isIdle = summary.chunks === 0 && summary.failed.length === 0
      if (!json && !isIdle)
        for (const event of left) tell(isTold.fact ? eventText(event, colors, chunksOf(progress)).lines : [])
      close()
      output.message(failureLines(summary, colors), 'error')
      if (json) output.json({ ...summaryFields(summary), target: run?.target ?? '' })
      else if (!quiet)
        output.logResult(
          summaryLines(summary, {
            run,
            left: isIdle ? left : [],
            colors: output.resultColors,
            again,
            sql,
          }).flatMap((line) => (stream === undefined ? [line] : fitting(line, output.columns))),
        )
      left = []
    },
    abandon: close,
  }
}

/** A line as the terminal has room for it; in a log it stays one line. */
function fitting(line: string, columns: number): readonly string[] {
  return columnsOf(line) <= columns ? [line] : wrap(line, columns)
}

/** The table, if this event is of its first chunk in this run. */
function begun({ tables }: Progress, event: RunEvent): TableProgress | undefined {
  const table = event.type === 'chunk-started' ? tables.get(event.table) : undefined
  return table !== undefined && table.running + table.chunksDone === 1 && !table.failed ? table : undefined
}
