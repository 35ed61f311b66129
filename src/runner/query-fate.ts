// Owns finding the outcome of a sent statement: whether it still runs or has finished; and killing it.
import { failedError } from '../model/errors.ts'
import type { WriteReport } from '../clickhouse/write.ts'
import { onAllNodes, nodesReachable } from '../clickhouse/cluster/cluster.ts'
import { onCluster, runQueued } from '../clickhouse/cluster/queue.ts'
import { isGranted } from '../clickhouse/grants.ts'
import { reachable } from '../clickhouse/servers.ts'
import { errorCode } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'
import { STEP_SUFFIX } from './executor.ts'
import type { RetryPolicy } from '../clickhouse/retry.ts'
import { monotonicMs, sleep } from '../seam/clock.ts'

/** Killing a stalled stream took 29 s (measured): wait a minute, then the table stops. */
const END_WITHIN_MS = 60_000

/** query_log is written every 7.5 s by default; wait longer than that if it cannot be flushed. */
const LOG_WITHIN_MS = 10_000

const POLL_MS = 250

export type Queries = ReturnType<typeof openQueries>

/** `server` is the target, which runs all writing statements; `source` is only waited for. */
export function openQueries({ server, source }: { readonly server: Server; readonly source: Server }) {
  const { client, connection } = server

  async function running(ids: readonly string[]): Promise<readonly string[]> {
    const rows = await client.rows<{ query_id: string }>({
      query: `SELECT query_id FROM ${onAllNodes(server, 'system.processes')}
        WHERE has({ids:Array(String)}, initial_query_id)`,
      query_params: { ids: ids.flatMap((id) => [id, id + STEP_SUFFIX]) },
      doing: 'looking for running statements',
    })
    return rows.map((row) => row.query_id)
  }

  /** The end of the query in the log; empty while it runs. */
  const ends = (id: string) =>
    client.rows<WriteReport & { readonly type: string }>({
      query: `SELECT type, read_rows AS rowsRead, written_rows AS rowsWritten, read_bytes AS bytesRead,
          memory_usage AS peakMemory, query_duration_ms AS elapsedMs
        FROM ${onAllNodes(server, 'system.query_log')}
        WHERE query_id = {id:String} AND type != 'QueryStart' AND event_date >= today() - 2 LIMIT 1`,
      query_params: { id },
    })

  return {
    /** Resolves when none of them runs. @throws BackfillError `failed` if one has not ended a minute after it was killed */
    async end(queryIds: readonly string[]): Promise<void> {
      if (queryIds.length === 0) return
      const deadline = monotonicMs() + END_WITHIN_MS
      for (let left = await running(queryIds); left.length > 0; left = await running(queryIds)) {
        if (monotonicMs() > deadline)
          throw failedError(
            `query ${left[0]} still runs a minute after it was killed`,
            `Find it in system.processes of ${connection.url}; run backfill up again when it has ended`,
          )
        await runQueued(server, {
          query: `KILL QUERY${onCluster(server)} WHERE has({ids:Array(String)}, query_id) ASYNC`,
          query_params: { ids: left },
          doing: 'killing a statement of an earlier run',
        })
        await sleep(POLL_MS)
      }
    },

    /** Resolves when the query no longer runs: with the server's report if it finished, else undefined. */
    async waitForEnd(queryId: string): Promise<WriteReport | undefined> {
      while ((await running([queryId])).length > 0) await sleep(POLL_MS)
      // Flushing needs a grant that a runner may lack: then wait for the log.
      const doing = 'flushing the logs'
      const flushed = await runQueued(server, { query: `SYSTEM FLUSH LOGS${onCluster(server)}`, doing }).then(
        () => true,
        () => false,
      )
      const began = monotonicMs()
      for (;;) {
        let lost = false
        try {
          const [end] = await ends(queryId)
          if (end !== undefined) return end.type === 'QueryFinish' ? end : undefined
        } catch (error) {
          // If the log cannot be read, that is not an error: the outcome is unknown, and the range runs again.
          if (errorCode(error) !== 0) return undefined
          lost = true
        }
        if (monotonicMs() - began > (flushed && !lost ? 0 : LOG_WITHIN_MS)) return undefined
        await sleep(POLL_MS)
      }
    },

    /** Whether the queries of `user` can be seen and killed; our own always can. */
    async canEnd(user: string): Promise<boolean> {
      const [row] = await client.rows<{ own: number }>({
        query: 'SELECT currentUser() = {user:String} AS own',
        query_params: { user },
        doing: 'asking who we are',
      })
      return row?.own === 1 || (await isGranted(server, 'SELECT ON system.processes, KILL QUERY ON *.*'))
    },

    /** Resolves when both servers and all nodes of the cluster answer; rejects with the last error when time is up. */
    async reachable(retryPolicy: RetryPolicy): Promise<void> {
      await reachable([server, source], retryPolicy)
      await nodesReachable(server, retryPolicy)
    },

    nodesReachable: (retryPolicy: RetryPolicy) => nodesReachable(server, retryPolicy),
  }
}
