// Owns the loading of the sample chain (sql/demo) into the source database of the embedded server.
import type { Catalogue, SqlText } from '../../model/model.ts'
import type { Server } from '../../clickhouse/server.ts'
import { monotonicMs } from '../../seam/clock.ts'

/**
 * Creates missing source tables and fills them once; the chain is the same every time. `loaded` is false if it was
 * there already; `rows`: source rows of the network, before merging.
 */
export async function loadDemo({
  server: { client, connection },
  sources,
  chain,
  network,
}: {
  readonly server: Server
  readonly sources: Catalogue['sources']
  /** Statements that fill the source tables. */
  readonly chain: readonly SqlText[]
  readonly network: string
}) {
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
