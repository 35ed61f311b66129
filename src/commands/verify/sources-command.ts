// Owns `backfill verify --sources`.
import { usageError } from '../../model/errors.ts'
import type { Command } from '../../session/command.ts'
import { renderSources, sourcesCode, sourcesJson } from './sources-render.ts'
import { withWorld } from '../../session/session.ts'
import { interruptedCode, withSignals } from '../../terminal/signals.ts'
import { verifyPorts } from './ports.ts'

/** Flags of the comparison of rows. */
const OTHERS = ['from', 'to', 'sample', 'seed', 'chunk', 'chunk-rows', 'jobs']

export const verifySourcesCommand: Command = async (context) => {
  const { output, words } = context
  const stray = OTHERS.find((flag) => words.has(flag))
  if (stray !== undefined)
    throw usageError(
      `--${stray} and --sources exclude each other`,
      '--sources looks at all done blocks: it reads two columns of the sources and computes nothing again',
    )
  return await withSignals(
    () => output.message(['Stopping after this table.']),
    (signal) =>
      withWorld(context, async (session) => {
        const { verifySources } = await import('./sources.ts')
        const { world } = session
        const verdicts = await verifySources(
          world,
          await verifyPorts(session),
          { dryRun: words.has('dry-run'), lockWaitMs: 0 },
          { signal, note: (table, text) => output.message([`${table}  ${text}`]) },
        )
        const perBlock = new Set(
          world.catalogue.tables.filter(({ rows }) => rows.kind === 'per-block').map(({ key }) => key),
        )
        output.result(
          words.has('json')
            ? [output.mask(JSON.stringify(sourcesJson(world.network.name, verdicts)))]
            : renderSources(verdicts, perBlock, output.resultPaint),
        )
        return signal.aborted ? interruptedCode(signal) : sourcesCode(verdicts)
      }),
  )
}
