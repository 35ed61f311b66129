// Owns running under the command line: signals in, events out, a summary, an exit code.
import { setFlagsFromString } from 'node:v8'
import { EXIT } from '../model/errors.ts'
import { exitCodeOf } from '../terminal/render/error.ts'
import type { RunSummary } from '../runner/events.ts'
import type { UpOptions } from '../planning/run-options.ts'
import type { UpHooks } from '../runner/up.ts'
import { type Context, withWorkspace } from './session.ts'
import { count } from '../terminal/render/format.ts'
import { createReporter } from '../terminal/reporter.ts'
import { shownFolders } from '../workspace/config.ts'
import type { Session } from '../workspace/open.ts'
import { interruptedCode, withSignals } from '../terminal/signals.ts'

export type RunHooks = {
  readonly ready?: (session: Session) => Promise<void>
  readonly continued?: (session: Session, summary: RunSummary, run: UpHooks) => Promise<RunSummary>
  readonly after?: (session: Session) => Promise<void>
}

/** V8's young heap stays small, in MB: left alone it keeps more and more garbage (docs/explanation/performance.md). */
const YOUNG_HEAP = ['--max-semi-space-size=1', '--semi-space-growth-factor=1']

export async function runUp(context: Context, options: UpOptions, hooks: RunHooks = {}): Promise<number> {
  return await supervised(context, (run) =>
    withWorkspace(context, async (session) => {
      await hooks.ready?.(session)
      const { up } = await import('../runner/up.ts')
      const first = await up(session.workspace, options, run)
      const summary = (await hooks.continued?.(session, first, run)) ?? first
      const code = run.finish(summary)
      if (!summary.interrupted) await hooks.after?.(session)
      return code
    }),
  )
}

export type Supervised = UpHooks & {
  readonly finish: (summary: RunSummary) => number
}

/** Runs work with signal handling and event reports. `again`: the command that continues it, if not `up`. */
export async function supervised(
  { config, output, flags }: Context,
  work: (run: Supervised) => Promise<number>,
  again?: string,
): Promise<number> {
  YOUNG_HEAP.forEach((flag) => setFlagsFromString(flag))
  const sql = `SQL files ${shownFolders(config.sql.value, config.folder)} (${config.sql.origin})`
  const how = { json: flags.has('json'), quiet: flags.has('quiet'), again, sql }
  const reporter = await createReporter(output, how)
  const stopping = () => {
    const running = reporter.inFlight()
    const what =
      running === 0
        ? 'nothing is in flight'
        : `${count(running, 'chunk')} ${running === 1 ? 'is' : 'are'} finishing`
    reporter.print(`Stopping: ${what}; press Ctrl-C again to exit immediately.`)
  }
  try {
    return await withSignals(stopping, (signal) =>
      work({
        report: reporter.report,
        signal,
        finish(summary) {
          reporter.finish(summary)
          return summary.interrupted ? interruptedCode(signal) : failureCode(summary)
        },
      }),
    )
  } catch (error) {
    reporter.abandon()
    throw error
  }
}

/** Every failure of one kind: that kind's code. Failures of several kinds, or of chunks: 1. */
function failureCode({ failed }: RunSummary): number {
  const codes = new Set(failed.map(({ error }) => exitCodeOf(error)))
  const [code = EXIT.ok] = codes
  return codes.size > 1 ? EXIT.failed : code
}
