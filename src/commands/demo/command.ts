// Owns `backfill demo`: a sample chain in the embedded server, then `up`, then `status`.
import type { Command } from '../../session/session.ts'
import { count, duration } from '../../terminal/render/format.ts'
import { runUp } from '../../session/supervised-run.ts'
import type { Session } from '../../workspace/open.ts'
import { printStatus } from '../status/command.ts'
import { upOptions } from '../../workspace/run-options.ts'
import { type Catalogue, type SqlText, shortName } from '../../model/model.ts'
import type { Server } from '../../clickhouse/server.ts'
import { usageError } from '../../model/errors.ts'
import { monotonicMs } from '../../seam/clock.ts'

export const demo: Command = async (context) => {
  const { config, flags, output } = context
  const { readCatalogue, readDemo } = await import('../../project/sql-folder.ts')
  const chain = await readDemo()
  const { sources } = await readCatalogue()
  const ready = async ({ connected, workspace }: Session): Promise<void> => {
    const known = sources.map(({ table }) => table)
    const others = workspace.chosen.filter((table) => table.sources.some((one) => !known.includes(one)))
    if (others.length > 0)
      throw usageError(
        `the sample chain has no rows for ${others.map(({ key }) => key).join(', ')}: its tables are ${known.map(shortName).join(', ')}`,
        '`backfill test` runs the tests of all tables without a server; `backfill demo --sql xatu` shows the tables of the package',
      )
    output.message(['Loading the sample chain.'])
    const { loaded, rows, elapsedMs } = await loadDemo(connected.source, sources, chain, config.network.value)
    const what = count(rows, 'source row')
    output.message([
      loaded ? `Loaded ${what} in ${duration(elapsedMs)}.` : `The sample chain is there: ${what}.`,
    ])
  }
  return await runUp(context, upOptions(context), {
    ready,
    after: async (session) => {
      if (!flags.has('json')) output.result([''])
      await printStatus(context, session)
    },
  })
}

/** Fills the source tables once by the statements of `chain`. `loaded`: not there before; `rows`: of the network, before merging. */
async function loadDemo(
  { client, connection }: Server,
  sources: Catalogue['sources'],
  chain: readonly SqlText[],
  network: string,
) {
  const started = monotonicMs()
  const call = { query_params: { source: connection.database, network }, doing: 'loading the sample chain' }
  for (const { ddl } of sources) await client.command({ query: ddl.text, ...call })
  const counts = sources.map(
    ({ table }) =>
      `SELECT count() AS rows FROM {source:Identifier}.${table} WHERE meta_network_name = {network:String}`,
  )
  const countRows = async () =>
    await client.rows<{ readonly rows: number }>({ query: counts.join(' UNION ALL '), ...call })
  // Each statement fills one table: a load that died in the middle left some of them empty.
  const loaded = (await countRows()).some(({ rows }) => rows === 0)
  if (loaded) for (const { text } of chain) await client.command({ query: text, ...call })
  const rows = (await countRows()).reduce((sum, one) => sum + one.rows, 0)
  return { loaded, rows, elapsedMs: Math.round(monotonicMs() - started) }
}
