// Owns reading a table's past from the ledger: its events over a stretch of blocks, with what they were built from.
import { sql } from 'kysely'
import type { PastEvent, PastPort } from './history.ts'
import { ofPresentTargets } from './fold.ts'
import type { Names } from '../clickhouse/own-databases.ts'
import { serverError } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'

export function openPast({
  server,
  names,
  network,
}: {
  readonly server: Server
  readonly names: Names
  readonly network: string
}): PastPort {
  const db = server.db.withSchema(names.ledger)
  return {
    async events({ key, targetUuid, window, fingerprints }) {
      const rows = await db
        .selectFrom('ledger')
        .select(['event', 'from_block', 'to_block', 'epoch', 'seq', 'sql_hash'])
        .select([
          (fingerprints ? sql<string>`source_fingerprint` : sql<string>`''`).as('fingerprint'),
          // What the probe had found, FINAL or not; where it was not asked, what the statement read.
          sql<number>`if(rows_expected > 0, rows_expected, rows_read)`.as('rows'),
        ])
        .where('network', '=', network)
        .where('table_key', '=', key)
        .where(ofPresentTargets(new Map([[key, targetUuid]])))
        .where('event', '!=', 'checkpoint')
        .where('from_block', '<=', window.to)
        .where('to_block', '>=', window.from)
        .orderBy('epoch')
        .orderBy('seq')
        .execute()
        .catch((error: unknown) => {
          throw serverError(error, { connection: server.connection, doing: 'reading the ledger' })
        })
      return rows.map((row): PastEvent => ({
        event: row.event,
        range: { from: row.from_block, to: row.to_block },
        epoch: row.epoch,
        seq: row.seq,
        sqlHash: row.sql_hash,
        fingerprint: row.fingerprint,
        rows: row.rows,
      }))
    },
  }
}
