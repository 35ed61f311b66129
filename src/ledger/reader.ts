// Owns reading the ledger: the fold, single events that a run needs, and what earlier chunks cost.
import { sql } from 'kysely'
import type { Attempt, Island, LedgerPlace, LedgerView, Position } from './events.ts'
import { type BlockSet, blockSet, type Range } from '../model/blocks.ts'
import { attemptsIn } from './attempts.ts'
import type { OldestParts } from '../clickhouse/oldest-parts.ts'
import { onCluster } from '../clickhouse/cluster/queue.ts'
import { UNKNOWN_IDENTIFIER } from '../clickhouse/error-codes.ts'
import { errorCode, unlessMissing } from '../clickhouse/server-error.ts'
import { usageError } from '../model/errors.ts'
import { quotedName } from '../sql-syntax/quoting.ts'
import { touchesSome, unionOf } from '../clickhouse/dialect.ts'
import {
  eventsOf,
  type FoldKey,
  foldQuery,
  layersOf,
  ofPresentTargets,
  POSITION,
  rowEvents,
  type RowsQuestion,
  tableEvents,
  WROTE_ROWS,
} from './fold.ts'
import type { InputEvent } from './built-from.ts'
import { readSameSince } from './unchanged.ts'
import { assertOwnNetwork } from './ownership.ts'
import { type EventName, ISLANDS, type IslandTuple } from '../clickhouse/schema.ts'

/** All functions throw BackfillError `server`. */
export function ledgerReader({ server, names, network }: LedgerPlace) {
  const ledger = (doing: string) => server.during(doing).withSchema(names.ledger)
  const db = ledger('reading the ledger')

  /** A key without events has no islands. @throws BackfillError `usage` if another network has events under one of the UUIDs */
  async function fold(uuids: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, LedgerView>> {
    if (uuids.size === 0) return new Map()
    const foldKey = { network, uuids, fromCheckpoint: true }
    const [tails] = await Promise.all([
      tailsOf(foldKey).execute().catch(oldLedger),
      assertOwnNetwork({ server, names, network }, uuids),
    ])
    const tailOf = new Map(tails.map((row) => [row.table_key, row]))
    // A checkpoint with no event after it is the fold already; parsing the fold's query takes the server long.
    const open = new Map([...uuids].filter(([key]) => (tailOf.get(key)?.tail ?? 0) > 0))
    const folded = open.size === 0 ? [] : await foldQuery(db, { ...foldKey, uuids: open }).execute()
    const islandsOf = (key: string): readonly Island[] =>
      open.has(key)
        ? folded.filter((row) => row.table_key === key).map(({ table_key: __, ...island }) => island)
        : (tailOf.get(key)?.islands ?? []).map(islandOf)
    return new Map(
      [...uuids.keys()].map((key) => {
        const {
          tail = 0,
          last = [0, 0],
          last_run: lastRun,
          digest_rows: digestRows = 0,
          oldest_parts: oldestParts = [],
        } = tailOf.get(key) ?? {}
        return [key, { islands: islandsOf(key), tail, position: last, lastRun, digestRows, oldestParts }]
      }),
    )
  }

  /** What an earlier version has created lacks a column. */
  function oldLedger(error: unknown): never {
    if (errorCode(error) !== UNKNOWN_IDENTIFIER) throw error
    const place = `${quotedName(names.ledger)}.ledger${onCluster(server)}`
    throw usageError(
      `the ledger ${names.ledger} was created by an earlier version: it lacks the column oldest_parts`,
      `type ALTER TABLE ${place} ADD COLUMN oldest_parts Map(String, Int64) AFTER islands`,
    )
  }

  /** The last checkpoint's islands, the number of events after it, and the time of the last event. */
  function tailsOf(foldKey: FoldKey) {
    return db
      .with('events', (q) =>
        eventsOf(q, foldKey)
          .select(['event', 'event_time', POSITION.as('position')])
          .select(['digest_rows as rows', 'islands as ranges', 'oldest_parts as parts']),
      )
      .selectFrom('events')
      .select('table_key')
      .select([
        sql<number>`countIf(event != 'checkpoint')`.as('tail'),
        sql<Position>`max(position)`.as('last'),
        sql<number>`sum(ifNull(rows, 0))`.as('digest_rows'),
        sql<string>`formatDateTime(max(event_time), '%Y-%m-%dT%H:%i:%SZ')`.as('last_run'),
        sql<OldestParts>`CAST(minMap(parts), 'Array(Tuple(String, Int64))')`.as('oldest_parts'),
        // Without the tuple's names, so that rows are arrays under every profile.
        sql<IslandTuple[]>`CAST(argMaxIf(ranges, position, event = 'checkpoint'), ${sql.lit(ISLANDS)})`.as(
          'islands',
        ),
      ])
      .groupBy('table_key')
  }

  return {
    fold,

    /** The attempts whose rows may be in the dirty blocks (`attemptsIn`). */
    async attempts(key: string, targetUuid: string, dirty: BlockSet): Promise<readonly Attempt[]> {
      const rows = await tableEvents(db, network, key, targetUuid)
        .select(['event', 'range_from as from', 'range_to as to', 'user'])
        .select(['query_id as queryId', 'sql_hash as sqlHash', 'source_fingerprint as sourceFingerprint'])
        .select(['forks', 'inputs', 'epoch'])
        .where(WROTE_ROWS)
        .where(touchesSome(dirty, 'range_from', 'range_to'))
        .orderBy('epoch', 'desc')
        .orderBy('seq', 'desc')
        .execute()
      return attemptsIn(
        rows.map(({ from, to, ...event }) => ({ ...event, range: { from, to } })),
        dirty,
      )
    },

    /** The error of the last attempt that failed at one of the blocks; the time by the server's clock. */
    async lastFailure(key: string, targetUuid: string, blocks: BlockSet): Promise<Failure | undefined> {
      return await tableEvents(ledger('reading why blocks failed'), network, key, targetUuid)
        .select(['range_from as from', 'range_to as to', 'error'])
        .select(sql<string>`formatDateTime(event_time, '%Y-%m-%dT%H:%i:%SZ')`.as('at'))
        .where('event', '=', 'failed')
        .where('error', '!=', '')
        .where(touchesSome(blocks, 'range_from', 'range_to'))
        .orderBy('epoch', 'desc')
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst()
    },

    /** Costs of the latest chunks of each table's present UUID (key -> UUID), oldest first; keys without chunks, or without a ledger, are absent. */
    async costs(uuids: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, readonly Cost[]>> {
      if (uuids.size === 0) return new Map()
      const rows = await ledger('reading the costs of earlier chunks')
        .selectFrom('ledger')
        .select(['table_key', 'rows_expected as expected', 'rows_written as written'])
        .select(['elapsed_ms as elapsedMs', 'peak_memory as peakMemory'])
        .where('network', '=', network)
        .where(ofPresentTargets(uuids))
        .where('event', '=', 'done')
        .where('rows_expected', '>', 0)
        .orderBy('table_key')
        .orderBy('epoch', 'desc')
        .orderBy('seq', 'desc')
        .modifyEnd(sql`LIMIT ${LATEST_COSTS} BY table_key`)
        .execute()
        .catch(unlessMissing([]))
      return Map.groupBy(rows.toReversed(), (row) => row.table_key)
    },

    /** Blocks whose rows were deleted at any time; they may have been built again since. */
    async cleaned(key: string, targetUuid: string): Promise<BlockSet> {
      const rows = await tableEvents(ledger('reading which rows were deleted'), network, key, targetUuid)
        .select(['range_from as from', 'range_to as to'])
        .distinct()
        .where('event', '=', 'cleaned')
        // Otherwise it names the reason: an acceptance was revoked, which had no rows.
        .where('error', '=', '')
        .execute()
      return blockSet(rows)
    },

    /** Position of the last event of each table (key -> UUID) that may have changed its rows; [0, 0] if there is none. */
    async lastPositions(uuids: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, Position>> {
      if (uuids.size === 0) return new Map()
      // Backwards along the key: one event each, however long the ledger is.
      const last = [...uuids].map(([key, targetUuid]) =>
        db
          .selectFrom(
            tableEvents(db, network, key, targetUuid)
              .select(['table_key', 'epoch', 'seq'])
              .where(WROTE_ROWS)
              .orderBy('epoch', 'desc')
              .orderBy('seq', 'desc')
              .limit(1)
              .as('events'),
          )
          .selectAll(),
      )
      const rows = await unionOf(last)!.execute()
      const found = new Map(rows.map(({ table_key, epoch, seq }) => [table_key, [epoch, seq] as const]))
      return new Map([...uuids.keys()].map((key) => [key, found.get(key) ?? ([0, 0] as const)]))
    },

    /** The events after `since` that touch the window and may have changed rows: the latest of each range. */
    async inputChanges(questions: readonly Required<RowsQuestion>[]): Promise<readonly InputEvent[]> {
      if (questions.length === 0) return []
      const rows = await rowEvents(db, network, questions)
        .select(['table_key as key', 'range_from as from', 'range_to as to'])
        .select([
          sql<Position>`max((epoch, seq))`.as('position'),
          // Not as `event`: that would take the column's place in WHERE.
          sql<EventName>`argMax(event, (epoch, seq))`.as('last'),
        ])
        .where(WROTE_ROWS)
        .groupBy(['table_key', 'range_from', 'range_to'])
        .execute()
      return rows.map(({ from, to, last: event, ...row }) => ({ ...row, event, range: { from, to } }))
    },

    sameSince: (questions: readonly RowsQuestion[]) => readSameSince(db, network, questions),

    /** For each version of inputs that done ranges since the last checkpoint were computed from: the hull of these. */
    async inputsRead(uuids: ReadonlyMap<string, string>) {
      return await db
        .selectFrom(layersOf(db, { network, uuids, fromCheckpoint: true }).as('layers'))
        .select(['table_key as key', sql<string>`color.4`.as('inputs')])
        .select(({ fn }) => [fn.min<number>('low').as('from'), fn.max<number>('high').as('to')])
        .where(sql<boolean>`color.1 = 'done' AND color.4 != ''`)
        .groupBy(['table_key', sql`color.4`])
        .execute()
    },
  }
}

export type Failure = Range & { readonly error: string; readonly at: string }

function islandOf([from, to, state, sqlHash, forks, inputs]: IslandTuple): Island {
  return { from, to, state, sqlHash, forks, inputs }
}

/** Number of latest chunks that predict the next ones; older chunks had other blocks, other SQL or another server. */
const LATEST_COSTS = 10

export type Cost = {
  /** Rows that the probe had found for it. */
  readonly expected: number
  readonly written: number
  readonly elapsedMs: number
  /** Bytes; 0 if the server did not report it. */
  readonly peakMemory: number
}
