// Owns `backfill status`.
import type { PerUnit } from '../../model/model.ts'
import { EXIT } from '../../model/errors.ts'
import { sleep } from '../../seam/clock.ts'
import { type Command, type Context, withConnections, withWorkspace } from '../../session/session.ts'
import { listOf } from '../../terminal/render/format.ts'
import { interruptedCode, withSignals } from '../../terminal/signals.ts'
import type { Session } from '../../workspace/open.ts'
import { blockNumber, oneOf, positiveCount, readFlag } from '../../workspace/values.ts'
import { renderStatus, SORTS, sorted, statusFields } from './render.ts'
import type { StatusReport } from './table-report.ts'
import { evaluateHealth, readTolerances, type Tolerances, type Verdict, verdictLine } from './verdict.ts'

export const statusCommand: Command = async (context) => {
  const { flags, output } = context
  const tolerances = readTolerances(flags)
  const at = readFlag(flags, 'at', blockNumber)
  const every = readFlag(flags, 'watch', (word) => (word.text === '' ? 5 : positiveCount(word)))
  readFlag(flags, 'sort', oneOf(SORTS))
  const isMetrics = readFlag(flags, 'format', oneOf(['text', 'prometheus'])) === 'prometheus'
  if (isMetrics)
    return await withConnections(context, async (connections) => {
      // Without the flags that were typed: of two files, node_exporter leaves out a metric that has another HELP in the second.
      output.data(await (await import('./metrics-of.ts')).readMetrics(context, connections))
      return EXIT.ok
    })
  return await withWorkspace(context, async (session) => {
    if (at !== undefined) return await (await import('./at-block.ts')).printBlock(context, session, at)
    if (every === undefined) return await printStatus(context, session, tolerances)
    return await withSignals(
      () => {},
      async (signal) => {
        while (!signal.aborted) {
          await printStatus(context, session, tolerances, output.clear)
          await sleep(every * 1000, signal)
        }
        return interruptedCode(signal)
      },
    )
  })
}

/** Prints the status, and with `--check` the verdict: resolves to its exit code. `ready` runs before the first line. */
export async function printStatus(
  { config, flags, output }: Context,
  session: Session,
  tolerances?: Tolerances,
  ready = (): void => {},
): Promise<number> {
  const wanted = flags.has('check') ? tolerances : undefined
  const { status, verdict } = await readHealth(session, config.lag.value, wanted)
  const report = sorted(status, readFlag(flags, 'sort', oneOf(SORTS)))
  ready()
  const lines = renderStatus(report, { ...output, colors: output.resultColors })
  output.answer(healthFields({ status: report, verdict }), lines)
  output.message(listOf(verdict && verdictLine(report.network, verdict)))
  return verdict?.exit ?? EXIT.ok
}

export type Health = { readonly status: StatusReport; readonly verdict: Verdict | undefined }

/** The status with the age of the sources, `lag` in blocks; with tolerances also the verdict. @throws BackfillError `server` */
export async function readHealth(
  { workspace, connected }: Session,
  lag: PerUnit,
  tolerances?: Tolerances,
): Promise<Health> {
  const [{ status }, { openAges }] = await Promise.all([
    import('./status.ts'),
    import('../../sources/ages.ts'),
  ])
  const ages = openAges(connected.sources)
  const found = await status(workspace, { lag, ages, maxSourceAge: tolerances?.maxSourceAge })
  if (tolerances === undefined) return { status: found, verdict: undefined }
  return { status: found, verdict: await evaluateHealth(workspace, found, { ages, tolerances }) }
}

export function healthFields({ status, verdict }: Health): object {
  return { ...statusFields(status), ...(verdict && { check: verdict }) }
}
