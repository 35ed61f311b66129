// Owns `backfill verify --sources`.
import { usageError } from '../../model/errors.ts'
import type { Command } from '../../session/command.ts'
import { renderSources, sourcesCode, sourcesFields } from './sources-render.ts'
import { withWorkspace } from '../../session/session.ts'
import { interruptedCode, withSignals } from '../../terminal/signals.ts'
import { verifyPorts } from './ports.ts'

/** Flags of the comparison of rows. */
const OTHERS = ['from', 'to', 'sample', 'seed', 'chunk', 'chunk-rows', 'jobs']

export const verifySourcesCommand: Command = async (context) => {
  const { output, flags } = context
  const stray = OTHERS.find((flag) => flags.has(flag))
  if (stray !== undefined)
    throw usageError(
      `--${stray} and --sources exclude each other`,
      '--sources looks at all done blocks: it reads two columns of the sources and recomputes nothing',
    )
  return await withSignals(
    () => output.message(['Stopping after this table.']),
    (signal) =>
      withWorkspace(context, async (session) => {
        const { verifySources } = await import('./sources.ts')
        const { workspace } = session
        const checks = await verifySources(
          workspace,
          await verifyPorts(session),
          { dryRun: flags.has('dry-run'), lockWaitMs: 0 },
          { signal, note: (table, text) => output.message([`${table}  ${text}`]) },
        )
        const perBlock = new Set(
          workspace.catalogue.tables.filter(({ rows }) => rows.kind === 'per-block').map(({ key }) => key),
        )
        if (flags.has('json'))
          output.json({ network: workspace.network.name, tables: checks.map(sourcesFields) })
        else output.result(renderSources(checks, perBlock, output.resultColors))
        return signal.aborted ? interruptedCode(signal) : sourcesCode(checks)
      }),
  )
}
