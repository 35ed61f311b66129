// Owns the loading of the sample chain (sql/demo) into the source database of the embedded server.
import type { Catalogue, SqlText } from '../../model/model.ts'
import type { Connection } from '../../clickhouse/connection.ts'
import { openServer, type Server } from '../../clickhouse/server.ts'
import { monotonicMs } from '../../seam/clock.ts'

export type DemoLoad = {
  /** false: the sample chain was there already. */
  readonly loaded: boolean
  /** Source rows of the network, before merging. */
  readonly rows: number
  readonly elapsedMs: number
}

/** Creates missing source tables and fills them once; the chain is the same every time. */
export async function loadDemo(options: {
  readonly connection: Connection
  readonly sources: Catalogue['sources']
  /** Statements that fill the source tables. */
  readonly chain: readonly SqlText[]
  readonly network: string
}): Promise<DemoLoad> {
  const { connection, sources, chain, network } = options
  const started = monotonicMs()
  const server = await openServer(connection)
  try {
    const statement = { query_params: { source: connection.database, network }, doing: LOADING }
    for (const { ddl } of sources) await server.client.command({ query: ddl.text, ...statement })
    const tables = sources.map(({ table }) => table)
    const before = await countRows(server, tables, network)
    // Each statement fills one table: a load that died in the middle left some of them empty.
    const loaded = before.some((rows) => rows === 0)
    if (loaded) for (const { text } of chain) await server.client.command({ query: text, ...statement })
    const after = loaded ? await countRows(server, tables, network) : before
    return {
      loaded,
      rows: after.reduce((sum, rows) => sum + rows, 0),
      elapsedMs: Math.round(monotonicMs() - started),
    }
  } finally {
    await server.close()
  }
}

const LOADING = 'loading the sample chain'

async function countRows(server: Server, tables: readonly string[], network: string): Promise<number[]> {
  const db = server.during(LOADING).withSchema(server.connection.database)
  const counts = tables.map((table) =>
    db
      .selectFrom(table as `canonical_execution_${string}`)
      .select(({ fn }) => fn.countAll<number>().as('rows'))
      .where('meta_network_name', '=', network)
      .executeTakeFirstOrThrow(),
  )
  return (await Promise.all(counts)).map(({ rows }) => rows)
}
