// Owns asking a server for its capacity: cores, busy cores, memory.
import type { Server } from './server.ts'

/** Figures of the whole server need rights on `system`, and are unknown without them. @throws BackfillError `server` */
export async function readCapacity({ client }: Server) {
  const limitsOf = client.rows<{ cores: string; statement: string; user: string }>({
    query: `SELECT toString(getSetting('max_threads')) AS cores,
      toString(getSetting('max_memory_usage')) AS statement,
      toString(getSetting('max_memory_usage_for_user')) AS user`,
    doing: 'asking for its limits',
  })
  const unlessDenied = <Row>(query: string) => client.rows<Row>({ query }).catch((): Row[] => [])
  const [[own], whole, load] = await Promise.all([
    limitsOf,
    unlessDenied<{ memory: string }>(
      `SELECT value AS memory FROM system.server_settings WHERE name = 'max_server_memory_usage'`,
    ),
    unlessDenied<{ load: number }>(
      `SELECT value AS load FROM system.asynchronous_metrics WHERE metric = 'LoadAverage1'`,
    ),
  ])
  const limits = [own!.user, whole[0]?.memory ?? '0'].map(Number).filter((bytes) => bytes > 0)
  return {
    cores: Number(own!.cores),
    busyCores: load[0]?.load ?? 0,
    /** Bytes that one statement may use, and all statements together; undefined: no known limit. */
    statementBytes: Number(own!.statement) > 0 ? Number(own!.statement) : undefined,
    serverBytes: limits.length > 0 ? Math.min(...limits) : undefined,
  }
}

export type Capacity = Awaited<ReturnType<typeof readCapacity>>

export type Others = { readonly queries: number; readonly cores: number }

/** Others have another login or address, so that a run never holds itself back. @throws BackfillError naming the GRANT for system.processes */
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
    format: 'JSONCompact',
    clickhouse_settings: { max_execution_time: 10 },
    doing: 'asking the question of --max-load',
  })
}
