// Owns asking a server how busy others keep it: whether a run should hold back.
import type { Server } from './server.ts'

/** The queries of others that run now, and the cores that they use. */
export type Others = { readonly queries: number; readonly cores: number }

/**
 * Others are those with another login or another address; only they, so that a run never holds itself back.
 * @throws BackfillError naming the GRANT if the user may not read system.processes
 */
export async function readOthers({ client }: Server): Promise<Others> {
  const [others] = await client.rows<Others>({
    query: `SELECT countIf(is_initial_query) AS queries,
      sum(ProfileEvents['OSCPUVirtualTimeMicroseconds'] / 1e6 / greatest(elapsed, 1)) AS cores
    FROM system.processes
    WHERE (user, address) NOT IN (SELECT user, address FROM system.processes WHERE query_id = queryID())`,
    doing: 'asking how busy it is',
  })
  return others!
}

/** The rows of a SELECT that a person wrote; a busy server gets no more than this for it. */
export async function readLoad({ client }: Server, query: string): Promise<readonly (readonly unknown[])[]> {
  return await client.rows<unknown[]>({
    query,
    format: 'JSONCompactEachRow',
    clickhouse_settings: { max_execution_time: 10 },
    doing: 'asking the question of --max-load',
  })
}
