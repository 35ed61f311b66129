// Owns finding the outcome of a sent statement: whether it still runs or has finished; and killing it.
import { sql } from 'kysely'
import { failedError } from '../model/errors.ts'
import type { WriteReport } from '../clickhouse/write.ts'
import { onAllNodes, onCluster } from '../clickhouse/cluster/cluster.ts'
import { nodesReachable, runQueued } from '../clickhouse/cluster/nodes.ts'
import { typed } from '../clickhouse/dialect.ts'
import { isGranted } from '../clickhouse/grants.ts'
import { reachable } from '../clickhouse/servers.ts'
import type { SystemProcesses, SystemQueryLog } from '../clickhouse/schema.ts'
import { errorCode } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'
import { STEP_SUFFIX } from './shared-insert.ts'
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
  const { connection } = server

  async function running(ids: readonly string[]): Promise<readonly string[]> {
    const queryIds = ids.flatMap((id) => [id, id + STEP_SUFFIX])
    const rows = await server
      .during('looking for running statements')
      .selectFrom(onAllNodes<SystemProcesses>(server, 'system.processes').as('processes'))
      .select('query_id')
      .where(sql<boolean>`has(${typed(queryIds, 'Array(String)')}, initial_query_id)`)
      .execute()
    return rows.map((row) => row.query_id)
  }

  /** The end of the query in the log; empty while it runs. */
  function ends(queryId: string): Promise<readonly (WriteReport & { readonly type: string })[]> {
    return server.db
      .selectFrom(onAllNodes<SystemQueryLog>(server, 'system.query_log').as('query_log'))
      .select([
        'type',
        'read_rows as rowsRead',
        'written_rows as rowsWritten',
        'read_bytes as bytesRead',
        'memory_usage as peakMemory',
        'query_duration_ms as elapsedMs',
      ])
      .where('query_id', '=', queryId)
      .where('type', '!=', 'QueryStart')
      .where(sql<boolean>`event_date >= today() - 2`)
      .limit(1)
      .execute()
  }

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
      const [row] = await server
        .during('asking who we are')
        .selectNoFrom(sql<boolean>`currentUser() = ${user}`.as('own'))
        .execute()
      return row?.own || (await isGranted(server, 'SELECT ON system.processes, KILL QUERY ON *.*'))
    },

    /** Resolves when both servers and all nodes of the cluster answer; rejects with the last error when time is up. */
    async reachable(retryPolicy: RetryPolicy): Promise<void> {
      await reachable([server, source], retryPolicy)
      await nodesReachable(server, retryPolicy)
    },
  }
}
