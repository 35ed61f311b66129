// Owns reading the latest event of each block, and the blocks written since a position: page by page, so that a ledger
// of any size fits into memory.
import { sql } from 'kysely'
import { blockSet, type Range } from '../model/blocks.ts'
import type { EventName } from '../clickhouse/schema.ts'
import { typed } from '../clickhouse/dialect.ts'
import type { LedgerPlace, Position } from './events.ts'
import { DIGEST } from './unchanged.ts'
import {
  after,
  NOT_DIGESTS,
  POSITION,
  tableEvents,
  TELLS_OF_ROWS,
  WROTE_ROWS,
  latestStateQuery,
} from './fold.ts'

/** Blocks for which one event of a table is the latest. */
export type LatestEvent = {
  readonly range: Range
  readonly event: EventName
  /** Of the whole event, even if later events override a part of it. */
  readonly eventRange: Range
  readonly position: Position
  readonly sqlHash: string
  /** Source rows of the whole event, as far as the ledger knows. */
  readonly rows: number
}

export type LatestEventsQuestion = {
  readonly key: string
  readonly targetUuid: string
  readonly window: Range
  /** Ignore events that only mark blocks as stale: they changed no row. */
  readonly withoutStaleTags?: boolean
}

export const ALL_BLOCKS: Range = { from: 0, to: Number.MAX_SAFE_INTEGER }

type Which = typeof WROTE_ROWS

/** The most rows of a page. Each page reads the table's events once. */
const PAGE_ROWS = 20_000

export type LedgerEvents = ReturnType<typeof openEvents>

/** The events of one network's ledger, checkpoints left out. All functions throw BackfillError `server`. */
export function openEvents({
  server,
  names,
  network,
  pageRows = PAGE_ROWS,
}: LedgerPlace & { readonly pageRows?: number }) {
  const db = server.during('reading the ledger').withSchema(names.ledger)

  const eventsIn = ({ key, targetUuid, window }: LatestEventsQuestion, which = sql<boolean>`true`) =>
    tableEvents(db, network, key, targetUuid)
      .where('range_from', '<=', window.to)
      .where('range_to', '>=', window.from)
      .where(which)

  /** Windows that make up the requested one, each with the ends of at most `pageRows` segments. */
  async function pagesOf(question: LatestEventsQuestion, which: Which): Promise<readonly Range[]> {
    const { from, to } = question.window
    const ends = eventsIn(question, which).select(
      sql<number>`arrayJoin([range_from, range_to + 1])`.as('block'),
    )
    const rows = await db
      .selectFrom(
        db
          .selectFrom(ends.distinct().as('ends'))
          .select(['block', sql<number>`row_number() OVER (ORDER BY block)`.as('place')])
          .where('block', '>', from)
          .where('block', '<=', to)
          .as('numbered'),
      )
      .select('block')
      .where(sql<boolean>`place % ${pageRows} = 0`)
      .orderBy('block')
      .execute()
    const starts = [from, ...rows.map(({ block }) => block)]
    return starts.map((start, index) => ({ from: start, to: (starts[index + 1] ?? to + 1) - 1 }))
  }

  /** One row for each segment of one event, `paint`. */
  function segmentsOf(question: LatestEventsQuestion, which: Which) {
    const { window } = question
    const events = eventsIn(question, which).select([
      'table_key',
      POSITION.as('position'),
      sql<number>`greatest(range_from, ${window.from})`.as('low'),
      sql<number>`least(range_to, ${window.to})`.as('high'),
      // Rows that the probe had found, FINAL or not; without a probe, rows that the statement read.
      sql`(toString(event), toString(sql_hash), range_from, range_to, epoch, seq,
        if(rows_expected > 0, rows_expected, rows_read), ${DIGEST})`.as('color'),
    ])
    return latestStateQuery(db, sql`${events}`)
      .select([sql<EventName>`paint.1`.as('event')])
      .select([sql<number>`paint.3`.as('event_from'), sql<number>`paint.4`.as('event_to')])
  }

  async function readPage(question: LatestEventsQuestion, which: Which): Promise<readonly LatestEvent[]> {
    const rows = await segmentsOf(question, which)
      .select([
        sql<string>`paint.2`.as('sql_hash'),
        sql<number>`paint.5`.as('epoch'),
        sql<number>`paint.6`.as('seq'),
        sql<number>`paint.7`.as('rows'),
      ])
      .orderBy('range_from')
      .execute()
    return rows.map((row) => ({
      range: { from: row.from, to: row.to },
      event: row.event,
      eventRange: { from: row.event_from, to: row.event_to },
      position: [row.epoch, row.seq],
      sqlHash: row.sql_hash,
      rows: row.rows,
    }))
  }

  return {
    /** The latest event of each segment of the window, by block, page by page; blocks without an event are absent. */
    async *latest(question: LatestEventsQuestion): AsyncGenerator<readonly LatestEvent[]> {
      const which = question.withoutStaleTags === true ? WROTE_ROWS : NOT_DIGESTS
      for (const window of await pagesOf(question, which)) {
        const page = await readPage({ ...question, window }, which)
        if (page.length > 0) yield page
      }
    },

    /**
     * A subquery of the same segments, marks left out, and events that only say a digest among them: from, to, event, event_from, event_to, digest_rows, digest_sum,
     * digest_columns.
     */
    segments: (question: LatestEventsQuestion) =>
      segmentsOf(question, TELLS_OF_ROWS).select([
        sql`paint.8.1`.as('digest_rows'),
        sql`toUInt64(paint.8.2)`.as('digest_sum'),
        sql`paint.8.3`.as('digest_columns'),
      ]),

    /** Position of the last event; [0, 0] if there is none. */
    async last(key: string, targetUuid: string): Promise<Position> {
      const row = await tableEvents(db, network, key, targetUuid)
        .select(['epoch', 'seq'])
        .orderBy('epoch', 'desc')
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row === undefined ? [0, 0] : [row.epoch, row.seq]
    },

    /** Blocks of the window that an event after `since` covers, stale tags included. */
    async touchedSince(since: Position, question: Omit<LatestEventsQuestion, 'withoutStaleTags'>) {
      const rows = await eventsIn(question)
        .select(['range_from as from', 'range_to as to'])
        .distinct()
        .where(after(since))
        .execute()
      return blockSet(rows)
    },

    /** The fingerprints of a table's events, as they are persisted, in the order of the positions. */
    async fingerprints(key: string, positions: readonly Position[]): Promise<readonly string[]> {
      if (positions.length === 0) return []
      const part = (index: 0 | 1) =>
        typed(
          positions.map((position) => position[index]),
          'Array(UInt64)',
        )
      const rows = await db
        .selectFrom('ledger')
        .select(['epoch', 'seq', 'source_fingerprint'])
        .where('network', '=', network)
        .where('table_key', '=', key)
        .where('event', '!=', 'checkpoint')
        .where(sql<boolean>`(epoch, seq) IN (SELECT arrayJoin(arrayZip(${part(0)}, ${part(1)})))`)
        .execute()
      const found = new Map(rows.map((row) => [`${row.epoch} ${row.seq}`, row.source_fingerprint]))
      return positions.map(([epoch, seq]) => found.get(`${epoch} ${seq}`) ?? '')
    },
  }
}
