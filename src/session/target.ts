// Owns opening the target alone, so that a command works while the source is unreachable.
import { joinCluster } from '../clickhouse/cluster/cluster.ts'
import { namesFor } from '../clickhouse/own-databases.ts'
import { openServer } from '../clickhouse/server.ts'
import type { LedgerPlace } from '../ledger/events.ts'
import { closing } from '../model/closing.ts'
import type { Connections } from '../workspace/open.ts'
import type { Context } from './command.ts'
import { warnOfNodes, withConnections } from './session.ts'

export async function withTarget<T>(
  context: Context,
  use: (place: LedgerPlace, connections: Connections) => Promise<T>,
): Promise<T> {
  const { cluster, ledgerDatabase, network } = context.config
  return await withConnections(context, async (connections) =>
    closing(await openServer(connections.target), async (opened) => {
      const names = namesFor(ledgerDatabase.value)
      const place = await joinCluster(opened, { cluster: cluster.value, names })
      warnOfNodes(context, place.server)
      return await use({ ...place, network: network.value }, connections)
    }),
  )
}
