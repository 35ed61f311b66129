// Owns the question what a server has to give: cores, how many are busy, memory.
import { serverError } from './server-error.ts'
import type { Server } from './server.ts'

/**
 * Asks a server for its capacity. Settings are everybody's to read; what the server as a whole has needs rights on
 * `system`, and is unknown without them.
 *
 * @throws BackfillError `server`
 */
export async function readCapacity(server: Server): Promise<Capacity> {
  const [own] = await rowsOf<{ cores: string; statement: string; user: string }>(
    server,
    `SELECT toString(getSetting('max_threads')) AS cores,
      toString(getSetting('max_memory_usage')) AS statement,
      toString(getSetting('max_memory_usage_for_user')) AS user`,
  ).catch((error: unknown) => {
    throw serverError(error, { connection: server.connection, doing: 'asking for its limits' })
  })
  const whole = await rowsOf<{ memory: string }>(
    server,
    `SELECT value AS memory FROM system.server_settings WHERE name = 'max_server_memory_usage'`,
  ).catch(() => [])
  const load = await rowsOf<{ load: number }>(
    server,
    `SELECT value AS load FROM system.asynchronous_metrics WHERE metric = 'LoadAverage1'`,
  ).catch(() => [])
  const limits = [own!.user, whole[0]?.memory ?? '0'].map(Number).filter((bytes) => bytes > 0)
  return {
    cores: Number(own!.cores),
    busyCores: load[0]?.load ?? 0,
    statementBytes: Number(own!.statement) > 0 ? Number(own!.statement) : undefined,
    serverBytes: limits.length > 0 ? Math.min(...limits) : undefined,
  }
}

async function rowsOf<T>({ client }: Server, query: string): Promise<readonly T[]> {
  const result = await client.query({ query, format: 'JSONEachRow' })
  return await result.json<T>()
}

/** What a server has to give to statements. */
export type Capacity = {
  /** Threads that a statement uses by default: the cores. */
  readonly cores: number
  /** Cores that are busy already; 0 where the server does not say. */
  readonly busyCores: number
  /** Bytes that one statement may use, and all together; undefined: no limit is known. */
  readonly statementBytes: number | undefined
  readonly serverBytes: number | undefined
}
