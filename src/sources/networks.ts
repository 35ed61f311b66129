// Owns the question which networks the sources have.
import { sql } from 'kysely'
import type { SourcePlace } from './rows.ts'

/** The networks that have rows in one of the sources, sorted: a look through one column of each. */
export async function networksIn(
  { server, columnsOf }: Omit<SourcePlace, 'network'>,
  sources: readonly string[],
): Promise<readonly string[]> {
  const [first, ...others] = sources.flatMap((source) => {
    const { network } = columnsOf(source)
    if (network === undefined) return []
    return server
      .during('looking for networks')
      .withSchema(server.connection.database)
      .selectFrom(source as 'canonical_execution_source')
      .select(sql<string>`toString(${sql.ref(network)})`.as('name'))
      .distinct()
  })
  if (first === undefined) return []
  const rows = await others.reduce((all, next) => all.unionAll(next), first).execute()
  return [...new Set(rows.map(({ name }) => name))].toSorted()
}
