// Owns `backfill status`.
import { EXIT, usageError } from '../../model/errors.ts'
import { sleep } from '../../seam/clock.ts'
import type { Command, Context } from '../../session/command.ts'
import { withWorkspace } from '../../session/session.ts'
import { interruptedCode, withSignals } from '../../terminal/signals.ts'
import type { Session } from '../../workspace/open.ts'
import { blockNumber, oneOf, positiveCount, readFlag } from '../../workspace/values.ts'
import { renderStatus, SORTS, sorted, statusFields } from './render.ts'
import { evaluateHealth, readTolerances, type Tolerances, verdictLine } from './verdict.ts'

export const statusCommand: Command = async (context) => {
  const { config, flags, output } = context
  const tolerances = readTolerances(flags)
  const at = readFlag(flags, 'at', blockNumber)
  const every = readFlag(flags, 'watch', (word) => (word.text === '' ? 5 : positiveCount(word)))
  readFlag(flags, 'sort', oneOf(SORTS))
  const isMetrics = readFlag(flags, 'format', oneOf(['text', 'prometheus'])) === 'prometheus'
  const first = [
    ...(isMetrics ? ['format prometheus', ...['json'].filter((name) => flags.has(name))] : []),
    ...['at', 'watch', 'check'].filter((name) => flags.has(name)),
  ]
  if (first.length > 1)
    throw usageError(`--${first[0]} and --${first[1]} exclude each other`, 'keep one of them')
  return await withWorkspace(context, async (session) => {
    if (isMetrics) {
      output.result(await (await import('./metrics-of.ts')).metricsOf(session, config.lag.value))
      return EXIT.ok
    }
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
  { workspace, connected }: Session,
  tolerances?: Tolerances,
  ready = (): void => {},
): Promise<number> {
  const [{ status }, { openAges }] = await Promise.all([
    import('./status.ts'),
    import('../../sources/ages.ts'),
  ])
  const ages = openAges({ server: connected.source, network: workspace.network.name })
  const found = await status(workspace, {
    lag: config.lag.value,
    ages,
    maxSourceAge: tolerances?.maxSourceAge,
  })
  const report = sorted(found, readFlag(flags, 'sort', oneOf(SORTS)))
  const verdict =
    tolerances !== undefined && flags.has('check')
      ? await evaluateHealth(workspace, report, { ages, tolerances })
      : undefined
  ready()
  if (flags.has('json')) output.json({ ...statusFields(report), ...(verdict && { check: verdict }) })
  else output.result(renderStatus(report, { ...output, colors: output.resultColors }))
  output.message([verdict && verdictLine(verdict)].filter((line) => line !== undefined))
  return verdict?.exit ?? EXIT.ok
}
