// Owns `backfill demo`: a sample chain in the embedded server, then `up`, then `status`.
import type { Command } from '../../session/command.ts'
import { count, duration } from '../../terminal/render/format.ts'
import { runUp } from '../../session/supervised-run.ts'
import type { Session } from '../../workspace/open.ts'
import { printStatus } from '../status/command.ts'
import { upOptions } from '../../workspace/run-options.ts'

export const demo: Command = async (context) => {
  const { config, output } = context
  const { readDemo } = await import('../../project/sql-folder.ts')
  const chain = await readDemo(config.sql.value)
  const ready = async ({ workspace, connected }: Session): Promise<void> => {
    const { loadDemo } = await import('./load.ts')
    output.message(['Loading the sample chain.'])
    const { loaded, rows, elapsedMs } = await loadDemo({
      server: connected.source,
      sources: workspace.catalogue.sources,
      chain,
      network: config.network.value,
    })
    const what = count(rows, 'source row')
    output.message([
      loaded ? `Loaded ${what} in ${duration(elapsedMs)}.` : `The sample chain is there: ${what}.`,
    ])
  }
  return await runUp(context, upOptions(context), {
    ready,
    after: async ({ workspace }) => {
      output.result([''])
      await printStatus(context, workspace)
    },
  })
}
