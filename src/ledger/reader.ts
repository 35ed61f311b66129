// Owns reading the ledger: the fold, and single events that a run needs.
import { sql } from 'kysely'
import type { Attempt, Island, LedgerPlace, LedgerView, Position } from './events.ts'
import type { BlockSet, Range } from '../model/blocks.ts'
import { attemptsIn } from './attempts.ts'
import { typed } from '../clickhouse/dialect.ts'
import { eventsOf, type FoldKey, foldQuery, NOT_LATE, ofPresentTargets, POSITION } from './fold.ts'
import { ISLANDS, type IslandTuple } from '../clickhouse/schema.ts'

/** All functions throw BackfillError `server`. */
export function ledgerReader({ server, names, network }: LedgerPlace) {
  const db = server.during('reading the ledger').withSchema(names.ledger)
  const foldKey = (uuids: ReadonlyMap<string, string>): FoldKey => ({ network, uuids, fromCheckpoint: true })

  /** Folds the events of each table's present UUID (key -> UUID); a key without events has no islands. */
  async function fold(uuids: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, LedgerView>> {
    if (uuids.size === 0) return new Map()
    const tails = await tailsOf(uuids).execute()
    const tailOf = new Map(tails.map((row) => [row.table_key, row]))
    // A checkpoint with no event after it is the fold already; parsing the fold's query takes the server long.
    const open = new Map([...uuids].filter(([key]) => (tailOf.get(key)?.tail ?? 0) > 0))
    const folded = open.size === 0 ? [] : await foldQuery(db, foldKey(open)).execute()
    const islandsOf = (key: string): readonly Island[] =>
      open.has(key)
        ? folded
            .filter((row) => row.table_key === key)
            .map((row) => ({
              from: row.range_from,
              to: row.range_to,
              state: row.state,
              sqlHash: row.sql_hash,
            }))
        : (tailOf.get(key)?.islands ?? []).map(([from, to, state, sqlHash]) => ({ from, to, state, sqlHash }))
    return new Map(
      [...uuids.keys()].map((key) => [
        key,
        { islands: islandsOf(key), tail: tailOf.get(key)?.tail ?? 0, lastRun: tailOf.get(key)?.last_run },
      ]),
    )
  }

  /** The last checkpoint's islands, the number of events after it, and the time of the last event. */
  function tailsOf(uuids: ReadonlyMap<string, string>) {
    return db
      .with('events', (q) =>
        eventsOf(q, foldKey(uuids)).select(['event', 'event_time', 'islands', POSITION.as('position')]),
      )
      .selectFrom('events')
      .select('table_key')
      .select([
        sql<number>`countIf(event != 'checkpoint')`.as('tail'),
        sql<string>`formatDateTime(max(event_time), '%Y-%m-%dT%H:%i:%SZ')`.as('last_run'),
        // Without the tuple's names, so that rows are arrays under every profile.
        sql<IslandTuple[]>`CAST(argMaxIf(islands, position, event = 'checkpoint'), ${sql.lit(ISLANDS)})`.as(
          'islands',
        ),
      ])
      .groupBy('table_key')
  }

  return {
    fold,

    /** Rows written to a target by its `done` events; rewritten rows count again. */
    async rowsWritten(key: string, targetUuid: string): Promise<number> {
      const row = await db
        .selectFrom('ledger')
        .select(({ fn }) => fn.sum<number>('rows_written').as('rows'))
        .where('network', '=', network)
        .where('table_key', '=', key)
        .where('target_uuid', '=', targetUuid)
        .where('event', '=', 'done')
        .executeTakeFirstOrThrow()
      return row.rows
    },

    /** The attempts whose rows may be in the dirty blocks (`attemptsIn`). */
    async attempts(key: string, targetUuid: string, dirty: BlockSet): Promise<readonly Attempt[]> {
      const rows = await db
        .selectFrom('ledger')
        .select(['event', 'range_from', 'range_to', 'query_id', 'sql_hash', 'source_fingerprint', 'user'])
        .where('network', '=', network)
        .where('table_key', '=', key)
        .where('target_uuid', '=', targetUuid)
        .where('event', '!=', 'checkpoint')
        .where(NOT_LATE)
        .where(overlapsAny(dirty))
        .orderBy('epoch', 'desc')
        .orderBy('seq', 'desc')
        .execute()
      const events = rows.map((row) => ({
        event: row.event,
        range: { from: row.range_from, to: row.range_to },
        queryId: row.query_id,
        sqlHash: row.sql_hash,
        sourceFingerprint: row.source_fingerprint,
        user: row.user,
      }))
      return attemptsIn(events, dirty)
    },

    /**
     * Position of the latest event of each table that touches the range; tables without one are left out. If it is equal
     * before and after a statement, the inputs of the statement were not redone meanwhile.
     */
    async inputVersions(
      uuids: ReadonlyMap<string, string>,
      range: Range,
    ): Promise<ReadonlyMap<string, Position>> {
      if (uuids.size === 0) return new Map()
      // Backwards along the key, up to the first event that touches the range: usually a recent one, however long the ledger is.
      const latest = [...uuids].map((one) =>
        db
          .selectFrom(
            db
              .selectFrom('ledger')
              .select(['table_key', 'epoch', 'seq'])
              .where('network', '=', network)
              .where('table_key', '=', one[0])
              .where(ofPresentTargets(new Map([one])))
              .where('event', '!=', 'checkpoint')
              .where(NOT_LATE)
              .where('range_from', '<=', range.to)
              .where('range_to', '>=', range.from)
              .orderBy('epoch', 'desc')
              .orderBy('seq', 'desc')
              .limit(1)
              .as('events'),
          )
          .selectAll(),
      )
      const rows = await latest.reduce((all, next) => all.unionAll(next)).execute()
      return new Map(rows.map(({ table_key, epoch, seq }) => [table_key, [epoch, seq] as const]))
    },
  }
}

function overlapsAny(ranges: readonly Range[]) {
  const froms = typed<number[]>(
    ranges.map(({ from }) => from),
    'Array(UInt64)',
  )
  const tos = typed<number[]>(
    ranges.map(({ to }) => to),
    'Array(UInt64)',
  )
  return sql<boolean>`arrayExists((f, t) -> range_from <= t AND range_to >= f, ${froms}, ${tos})`
}
