// Owns `backfill demo`: a sample chain in the embedded server, then `up`, then `status`.
import type { Catalogue } from '../../runner/model.ts'
import type { Command } from '../context.ts'
import { count, duration } from '../render/format.ts'
import { runUp } from '../run-up.ts'
import type { Connections } from '../session.ts'
import { printStatus } from './status.ts'
import { upOptions } from './up.ts'

export const demo: Command = async (context) => {
  const { config, output } = context
  const { readDemo } = await import('../../files/sql-folder.ts')
  const chain = await readDemo(config.sql.value)
  const before = async ({ source }: Connections, { sources }: Catalogue): Promise<void> => {
    const { loadDemo } = await import('../../clickhouse/load-demo.ts')
    output.message(['Loading the sample chain.'])
    const { loaded, rows, elapsedMs } = await loadDemo({
      connection: source,
      sources,
      chain,
      network: config.network.value,
    })
    const what = count(rows, 'source row')
    output.message([
      loaded ? `Loaded ${what} in ${duration(elapsedMs)}.` : `The sample chain is there: ${what}.`,
    ])
  }
  return await runUp(context, upOptions(context, { from: 'from', to: 'to' }), {
    before,
    after: async ({ world }) => {
      output.result([''])
      await printStatus(context, world)
    },
  })
}
