// Owns the question which networks the sources have.
import type { Server } from '../clickhouse/server.ts'

/** The networks that have rows in one of the sources, sorted: a look through one column of each. */
export async function networksIn(server: Server, sources: readonly string[]): Promise<readonly string[]> {
  const [first, ...others] = sources.map((source) =>
    server
      .during('looking for networks')
      .withSchema(server.connection.database)
      .selectFrom(source as 'canonical_execution_source')
      .select('meta_network_name as name')
      .distinct(),
  )
  if (first === undefined) return []
  const rows = await others.reduce((all, next) => all.unionAll(next), first).execute()
  return [...new Set(rows.map(({ name }) => name))].toSorted()
}
