// Owns what the ledger says about whose a table is: one network's, and this ledger's.
import { sql } from 'kysely'
import { typed } from '../clickhouse/dialect.ts'
import { unlessMissing } from '../clickhouse/server-error.ts'
import { usageError } from '../model/errors.ts'
import { isImportKey } from '../model/table-key.ts'
import type { LedgerPlace } from './events.ts'
import { tableEvents } from './fold.ts'
import { ALL_BLOCKS, openEvents } from './latest-events.ts'

/**
 * The tables of `import` are left out: a source table holds several networks.
 * @throws BackfillError `usage` if another network has events under one of the UUIDs (table key -> UUID)
 */
export async function assertOwnNetwork(
  { server, names, network }: LedgerPlace,
  uuids: ReadonlyMap<string, string>,
): Promise<void> {
  const derived = [...uuids].filter(([key]) => !isImportKey(key))
  if (derived.length === 0) return
  const found = await server
    .during('reading the ledger')
    .withSchema(names.ledger)
    .selectFrom('ledger')
    .select(['network', sql<string>`toString(target_uuid)`.as('uuid')])
    .where('network', '!=', network)
    .where(
      sql<boolean>`has(${typed(
        derived.map(([, uuid]) => uuid),
        'Array(UUID)',
      )}, target_uuid)`,
    )
    .limit(1)
    .executeTakeFirst()
  if (found === undefined) return
  const [key] = derived.find(([, uuid]) => uuid === found.uuid)!
  throw usageError(
    `the table of ${key} in the database ${server.connection.database} holds blocks of the network '${found.network}'; blocks of '${network}' would replace them`,
    `set TARGET_CLICKHOUSE_DATABASE to another database for '${network}', or --network ${found.network}`,
  )
}

/** All functions throw BackfillError `server`. */
export function ledgerOwnership(place: LedgerPlace) {
  const { server, names, network } = place
  const db = server.during('reading the ledger').withSchema(names.ledger)
  return {
    assertOwnNetwork: (uuids: ReadonlyMap<string, string>) => assertOwnNetwork(place, uuids),

    /**
     * What the `done` events of a target say: rows written (rewritten rows count again), and the last block; blocks that
     * `--to` has forced are left out there.
     */
    async written(key: string, targetUuid: string) {
      const row = await tableEvents(db, network, key, targetUuid)
        .select(({ fn }) => fn.sum<number>('rows_written').as('rows'))
        .select(sql<number>`maxIf(range_to, NOT forced)`.as('last'))
        .where('event', '=', 'done')
        .executeTakeFirstOrThrow()
      return { rowsWritten: row.rows, lastDone: row.last }
    },

    /** Rows that a target has at least, by the digests of the done ranges that nothing has touched since. */
    async recordedRows(key: string, targetUuid: string): Promise<number> {
      const segments = openEvents(place).segments({ key, targetUuid, window: ALL_BLOCKS })
      const row = await db
        .selectFrom(segments.as('seen'))
        .select(
          sql<number>`sumIf(digest_rows, event = 'done' AND event_from = seen.from AND event_to = seen.to)`.as(
            'rows',
          ),
        )
        .executeTakeFirstOrThrow()
      return row.rows
    },

    /** The UUID of an earlier table of this key with the latest events, and their time; undefined if there is none. */
    async earlier(key: string, targetUuid: string) {
      return await db
        .selectFrom('ledger')
        .select([
          sql<string>`toString(target_uuid)`.as('uuid'),
          sql<string>`formatDateTime(max(event_time), '%Y-%m-%dT%H:%i:%SZ')`.as('at'),
        ])
        .where('network', '=', network)
        .where('table_key', '=', key)
        .where('target_uuid', '!=', targetUuid)
        .groupBy('target_uuid')
        .orderBy(sql`max(event_time)`, 'desc')
        .limit(1)
        .executeTakeFirst()
        .catch(unlessMissing(undefined))
    },
  }
}
