// Owns the fold: one query in which later events override earlier ones, in the order of (epoch, seq). A table's events
// become islands, disjoint ranges with a state and an SQL hash. Reasons: docs/architecture.md, "Ledger".
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Position } from './events.ts'
import type { IslandState, Schema } from '../clickhouse/schema.ts'
import { typed } from '../clickhouse/dialect.ts'
import { withStaleTag } from './stale.ts'

export type FoldKey = {
  readonly network: string
  /** Table key -> UUID of its present target: only events of that UUID count. */
  readonly uuids: ReadonlyMap<string, string>
  /** Whether to start at the last checkpoint (normal) or at the first event (to prove the checkpoint). */
  readonly fromCheckpoint: boolean
}

/** The state that an event gives to its range: any tuple; its first part is '' for blocks without an event. */
type RangeState = readonly [state: string, ...unknown[]]

/** The islands of the tables, ordered by table key and block. */
export function foldQuery(db: Kysely<Schema>, key: FoldKey) {
  const events = eventsOf(db, key).select([
    'event',
    'range_from',
    'range_to',
    'sql_hash',
    'islands',
    POSITION.as('position'),
  ])
  // The islands of a checkpoint are ranges like those of other events.
  const layers = sql`(
    SELECT table_key, position, range.1 AS low, range.2 AS high, (range.3, range.4) AS color
    FROM (
      SELECT table_key, position,
        arrayJoin(if(event = 'checkpoint', islands, [(range_from, range_to, ${STATE}, toString(sql_hash))])) AS range
      FROM ${events}
    )
  )`
  // `cleaned`: the rows were deleted, as if the chunk had never run.
  return latestStateQuery(db, layers, ['', 'cleaned'])
    .select([sql<IslandState>`any(paint).1`.as('state'), sql<string>`any(paint).2`.as('sqlHash')])
    .orderBy('table_key')
    .orderBy(sql`min(numbered.range_from)`)
}

/**
 * The state of every block by the latest range that covers it, in the order of positions: one row for each segment of
 * one table with one state (`any(paint)`). `layers` is a subquery of table_key, low, high, position and color; segments
 * with a state in `leftOut` are left out.
 *
 * A range that overlaps no other (nearly all) is one node. Ranges that overlap are split into dyadic intervals: a range
 * is at most 108 intervals [n·2^k, (n+1)·2^k), a block lies in 54 of them, and the latest event of a block is the latest
 * of these. So the query takes O(n log n), one pass and no join, however the ranges overlap.
 */
export function latestStateQuery(
  db: Kysely<Schema>,
  layers: RawBuilder<unknown>,
  leftOut: readonly string[],
) {
  return db
    .with(
      'ranges',
      // The latest event of each exact range overrides the earlier ones.
      sql<object>`(
        SELECT table_key, low AS range_from, high AS range_to, max(painters.position) AS position,
          argMax(color, painters.position) AS paint
        FROM ${layers} AS painters
        GROUP BY table_key, low, high
      )`,
    )
    .with(
      'marked',
      sql<object>`(
        SELECT *,
          max(range_to) OVER (PARTITION BY table_key ORDER BY range_from, range_to
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) >= range_from
          OR leadInFrame(range_from, 1, ${MAX_BLOCK}) OVER (PARTITION BY table_key ORDER BY range_from, range_to
            ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) <= range_to AS overlaps
        FROM ranges
      )`,
    )
    .with(
      'nodes',
      // Both ends of every range are points; the state of a point is the latest of all nodes that contain it.
      sql<object>`(
        SELECT table_key, maxIf(position, isNull(asked)) AS latest, argMaxIf(paint, position, isNull(asked)) AS latest_paint,
          groupUniqArray(asked) AS points
        FROM (
          SELECT table_key, position, paint, arrayJoin(arrayConcat(
            arrayMap(n -> (n, NULL), if(overlaps, ${DYADIC_PARTS}, [(${NO_OVERLAP}, range_from)])),
            arrayMap(n -> (n, toNullable(range_from)), if(overlaps, ${ancestors('range_from')}, [(${NO_OVERLAP}, range_from)])),
            arrayMap(n -> (n, toNullable(range_to + 1)), if(overlaps, ${ancestors('range_to + 1')}, [(${AFTER_RANGE}, range_to + 1)]))
          )) AS asking, asking.1 AS node, asking.2 AS asked
          FROM marked
        )
        GROUP BY table_key, node
      )`,
    )
    .with(
      'segments',
      sql<object>`(
        SELECT table_key, block AS range_from, paint,
          leadInFrame(block) OVER (PARTITION BY table_key ORDER BY block ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) - 1 AS range_to
        FROM (
          SELECT table_key, block, argMax(latest_paint, latest) AS paint
          FROM nodes ARRAY JOIN points AS block
          GROUP BY table_key, block
        )
      )`,
    )
    .with(
      'starts',
      sql<object>`(
        SELECT *, NOT (lagInFrame(range_to) OVER neighbour = range_from - 1 AND lagInFrame(paint) OVER neighbour = paint) AS starts
        FROM segments
        WHERE paint.1 NOT IN (${sql.join(leftOut)})
        WINDOW neighbour AS (PARTITION BY table_key ORDER BY range_from ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
      )`,
    )
    .with(
      'numbered',
      sql<{ table_key: string; range_from: number; range_to: number; paint: RangeState; island: number }>`(
        SELECT *, sum(starts) OVER (PARTITION BY table_key ORDER BY range_from ROWS UNBOUNDED PRECEDING) AS island FROM starts
      )`,
    )
    .selectFrom('numbered')
    .select(['table_key'])
    .select(({ fn }) => [fn.min<number>('range_from').as('from'), fn.max<number>('range_to').as('to')])
    .groupBy(['table_key', 'island'])
}

/**
 * The events of each present target from the last checkpoint on; the caller selects the columns. `since` is computed
 * before rows are read, and (epoch, seq) is compared part by part, so that the primary key applies: of a million
 * events only the tail is read.
 */
export function eventsOf(
  db: Pick<Kysely<Schema>, 'selectFrom'>,
  { network, uuids, fromCheckpoint }: FoldKey,
) {
  const checkpoints = db
    .selectFrom('ledger')
    .select(['table_key', sql<Position>`max((epoch, seq))`.as('checkpoint')])
    .where('network', '=', network)
    .where(ofPresentTargets(uuids))
    .where('event', '=', 'checkpoint')
    .groupBy('table_key')
  const since = sql`(
    SELECT CAST((groupArray(toString(table_key)), groupArray(checkpoint)), 'Map(String, Tuple(UInt64, UInt64))') FROM ${checkpoints}
  )`
  const events = db.selectFrom('ledger').select('table_key').where('network', '=', network)
  return fromCheckpoint
    ? events.select(since.as('since')).where(ofPresentTargets(uuids, notBeforeCheckpoint))
    : events.where(ofPresentTargets(uuids)).where('event', '!=', 'checkpoint')
}

function notBeforeCheckpoint(key: string) {
  return sql<boolean>`(epoch > since[${key}].1 OR (epoch = since[${key}].1 AND seq >= since[${key}].2))`
}

/** The events of one table's UUID on a network, checkpoints left out. */
export function tableEvents(
  db: Pick<Kysely<Schema>, 'selectFrom'>,
  {
    network,
    key,
    targetUuid,
  }: { readonly network: string; readonly key: string; readonly targetUuid: string },
) {
  return db
    .selectFrom('ledger')
    .where('network', '=', network)
    .where('table_key', '=', key)
    .where('target_uuid', '=', typed<string>(targetUuid, 'UUID'))
    .where('event', '!=', 'checkpoint')
}

/** Rows of the tables' present UUIDs; `and` is a further condition on the rows of a table key. */
export function ofPresentTargets(
  uuids: ReadonlyMap<string, string>,
  and = (_key: string) => sql<boolean>`true`,
) {
  const targets = [...uuids].map(
    ([key, uuid]) =>
      sql`(table_key = ${key} AND target_uuid = ${typed<string>(uuid, 'UUID')} AND ${and(key)})`,
  )
  return sql<boolean>`(${sql.join(targets, sql` OR `)})`
}

export const POSITION = sql<Position>`(epoch, seq)`

/** A `done` event that only records changed sources (`verify --sources`) wrote no rows. */
export const NOT_LATE = sql<boolean>`NOT startsWith(sql_hash, ${withStaleTag('late', '')})`

/** `started` and `failed` leave a range whose rows may be partly written. */
const STATE = sql`if(event IN ('started', 'failed'), 'dirty', toString(event))`

/** Above every block number: the end after the last range. */
const MAX_BLOCK = sql`toUInt64(9007199254740991)`

/** Levels of nodes: 0..53 are dyadic, `NO_OVERLAP` is a range that overlaps no other, `AFTER_RANGE` is the point after it. */
const LEVELS = sql`range(toUInt8(54))`
const NO_OVERLAP = sql`toUInt8(98)`
const AFTER_RANGE = sql`toUInt8(99)`

/** The nodes in which a block lies. */
function ancestors(block: string) {
  return sql`arrayMap(k -> (k, bitShiftRight(${sql.raw(block)}, k)), ${LEVELS})`
}

/**
 * The smallest set of nodes that makes up a range: at each level the odd left end and the odd right end of the rest, as
 * in a bottom-up segment tree. `LOW` and `HIGH` are the range's ends in nodes of level k, rounded inwards.
 */
const LOW = sql`bitShiftRight(toUInt64(range_from + bitShiftLeft(toUInt64(1), k) - 1), k)`
const HIGH = sql`bitShiftRight(range_to + 1, k)`
const DYADIC_PARTS = sql`arrayFlatten(arrayMap(k -> arrayConcat(
  if(${LOW} < ${HIGH} AND ${LOW} % 2 = 1, [(k, ${LOW})], []),
  if(${LOW} < ${HIGH} AND ${HIGH} % 2 = 1, [(k, toUInt64(${HIGH} - 1))], [])), ${LEVELS}))`
