// Owns what the ledger knows of a target's rows by the digests of its done ranges.
import { sql } from 'kysely'
import { type BlockSet, hull, type Range } from '../model/blocks.ts'
import { touchesSome } from '../clickhouse/dialect.ts'
import type { Digest } from '../model/digest.ts'
import type { LedgerPlace } from './events.ts'
import { tableEvents } from './fold.ts'
import { ALL_BLOCKS, openEvents } from './latest-events.ts'

/** All functions throw BackfillError `server`. */
export function knownDigests(place: LedgerPlace) {
  const { server, names, network } = place
  const db = server.during('reading the digests in the ledger').withSchema(names.ledger)

  /** Ranges over which nothing lies but the one event that says their digest: a part of a range has none of its own. */
  const known = (key: string, targetUuid: string, window: Range) =>
    db
      .selectFrom(openEvents(place).segments({ key, targetUuid, window }).as('seen'))
      .where(
        sql<boolean>`event = 'done' AND digest_columns != '' AND event_from = seen.from AND event_to = seen.to`,
      )

  return {
    /** Rows that a target has at least. */
    async recordedRows(key: string, targetUuid: string): Promise<number> {
      const row = await known(key, targetUuid, ALL_BLOCKS)
        .select(sql<number>`sum(digest_rows)`.as('rows'))
        .executeTakeFirstOrThrow()
      return row.rows
    },

    /** Of the ranges that touch the blocks, by block. */
    async digestsAt(key: string, targetUuid: string, blocks: BlockSet): Promise<readonly Digested[]> {
      const touched = hull(blocks)
      if (touched === undefined) return []
      const { from, to } = await tableEvents(db, network, key, targetUuid)
        .select(({ fn }) => [fn.min<number>('range_from').as('from'), fn.max<number>('range_to').as('to')])
        .where('range_from', '<=', touched.to)
        .where('range_to', '>=', touched.from)
        .executeTakeFirstOrThrow()
      const rows = await known(key, targetUuid, { from, to })
        .select(['seen.from', 'seen.to'])
        .select([
          sql<number>`digest_rows`.as('rows'),
          sql<string>`toString(digest_sum)`.as('sum'),
          sql<string>`digest_columns`.as('columns'),
        ])
        .where(touchesSome(blocks, 'seen.from', 'seen.to'))
        .orderBy('seen.from')
        .execute()
      return rows.map(({ from: first, to: last, ...digest }) => ({
        range: { from: first, to: last },
        digest,
      }))
    },
  }
}

export type Digested = { readonly range: Range; readonly digest: Digest }
