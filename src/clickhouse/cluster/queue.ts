// Owns statements ON CLUSTER: its queue, which waits for all nodes.
import type { ClickHouseSettings } from '@clickhouse/client'
import { type BackfillError, serverProblem } from '../../model/errors.ts'
import { errorCode } from '../server-error.ts'
import type { Server } from '../server.ts'
import { nodesMissing, unreachableNodes } from './cluster.ts'
import { withHolder } from './held-replica.ts'

/** How long a statement waits in the queue of ON CLUSTER until all nodes have run it. */
const QUEUE_SECONDS = 60

const TIMEOUT_EXCEEDED = 159

/** ` ON CLUSTER …` if the server's cluster has a queue for it. It uses the macro, because parameters are not allowed there. */
export function onCluster({ cluster }: Pick<Server, 'cluster'>): string {
  return cluster?.keeper ? ` ON CLUSTER '{cluster}'` : ''
}

type Queued = Parameters<Server['client']['command']>[0] & { readonly doing: string }

/** Resolves when every node has run the statement. @throws BackfillError `server` naming the nodes that the queue waits for */
export async function runQueued(server: Server, { doing, ...statement }: Queued): Promise<void> {
  const { cluster } = server
  const queued: ClickHouseSettings = {
    distributed_ddl_output_mode: 'throw',
    distributed_ddl_task_timeout: String(QUEUE_SECONDS),
    // Otherwise the exception arrives in the middle of a body, and looks like a lost connection.
    wait_end_of_query: 1,
  }
  try {
    await server.client.command({
      ...statement,
      doing,
      clickhouse_settings: { ...(cluster?.keeper && queued), ...statement.clickhouse_settings },
    })
  } catch (error) {
    if (!cluster?.keeper) throw error
    if (errorCode((error as Error).cause) !== TIMEOUT_EXCEEDED)
      throw await withHolder(server, cluster, error as BackfillError)
    const missing = await unreachableNodes(server, cluster)
    if (missing.length > 0) throw nodesMissing(server, missing)
    throw serverProblem(
      `${doing}: the queue of ON CLUSTER has not run it on all nodes after ${QUEUE_SECONDS} s`,
      'backfill doctor shows the entry that does not end; the node that has it goes on when it is started again',
      { cause: error },
    )
  }
}
