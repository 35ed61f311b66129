// Owns counting what the sources have, stretch by stretch, in one pass: the fingerprints of many ranges at once.
import { sql } from 'kysely'
import type { Stretch, StretchPort } from './source.ts'
import { typed } from '../clickhouse/dialect.ts'
import { serverError } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'

export function openStretches({
  server,
  network,
}: {
  readonly server: Server
  readonly network: string
}): StretchPort {
  const db = server.db.withSchema(server.connection.database)
  return {
    async stretches(sources, range, starts) {
      const start = sql<number>`roundDown(block_number, ${typed(starts, 'Array(UInt64)')})`
      const [first, ...others] = sources.map((source) =>
        db
          .selectFrom(source as 'canonical_execution_source')
          .select([
            sql<string>`${source}`.as('source'),
            sql<number>`toUInt64(${start})`.as('from'),
            // As SourcePort.fingerprint: both survive merges.
            sql<number>`uniqExact(block_number)`.as('blocks'),
            sql<number>`toUnixTimestamp(max(updated_date_time))`.as('newest'),
          ])
          .where('meta_network_name', '=', network)
          .where('block_number', '>=', range.from)
          .where('block_number', '<=', range.to)
          .groupBy('from'),
      )
      if (first === undefined) return []
      const rows: readonly Stretch[] = await others
        .reduce((all, next) => all.unionAll(next), first)
        .execute()
        .catch((error: unknown) => {
          throw serverError(error, {
            connection: server.connection,
            doing: `reading the fingerprints of ${range.from}-${range.to}`,
          })
        })
      return rows
    },
  }
}
