// Owns the question whether a chain is busy.
import { isMissing } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'
import { BUSY_TRANSACTIONS, TRANSACTION_TABLE } from './availability.ts'

/** Whether some thousand blocks of the chain have 20 transactions a block, as far as the source tells. */
export async function isBusy({
  server,
  network,
}: {
  readonly server: Server
  readonly network: string
}): Promise<boolean> {
  // In the order of the primary key: the server stops at the first such bucket.
  const rows = await server.client
    .rows({
      query: `SELECT intDiv(block_number, 1000) AS bucket FROM {database:Identifier}.{table:Identifier}
          WHERE meta_network_name = {network:String} GROUP BY bucket
          HAVING count() >= {busy:UInt64} * uniqExact(block_number) LIMIT 1`,
      query_params: {
        database: server.connection.database,
        table: TRANSACTION_TABLE,
        network,
        busy: BUSY_TRANSACTIONS,
      },
      clickhouse_settings: { optimize_aggregation_in_order: 1 },
      doing: 'looking whether the chain is busy',
    })
    .catch((error: unknown) => {
      if (!isMissing(error)) throw error
      return []
    })
  return rows.length > 0
}
