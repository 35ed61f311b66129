// Owns the latest state of every block: one query in which later ranges override earlier ones, in the order of positions.
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Schema } from '../clickhouse/schema.ts'

/** The state that an event gives to its range: any tuple; its first part is '' for blocks without an event. */
export type RangeState = readonly [state: string, ...unknown[]]

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
      // Both ends of every range are points; the state of a point is the latest of all nodes that contain it. The server
      // copies what an alias stands for: `asking`, used three times in one SELECT, would cost a third of the whole query.
      sql<object>`(
        SELECT table_key, maxIf(position, isNull(asked)) AS latest, argMaxIf(paint, position, isNull(asked)) AS latest_paint,
          groupUniqArray(asked) AS points
        FROM (
          SELECT table_key, position, paint, asking.1 AS node, asking.2 AS asked
          FROM (
            SELECT table_key, position, paint, arrayJoin(arrayConcat(
              arrayMap(n -> (n, NULL), if(overlaps, ${DYADIC_PARTS}, [(${NO_OVERLAP}, range_from)])),
              arrayMap(n -> (n, toNullable(range_from)), if(overlaps, ${ancestors('range_from')}, [(${NO_OVERLAP}, range_from)])),
              arrayMap(n -> (n, toNullable(range_to + 1)), if(overlaps, ${ancestors('range_to + 1')}, [(${AFTER_RANGE}, range_to + 1)]))
            )) AS asking
            FROM marked
          )
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
 * in a bottom-up segment tree. `low` and `high` are the range's ends in nodes of level k, rounded inwards.
 */
const DYADIC_PARTS = sql`arrayFlatten(arrayMap(
  (k, low, high) -> arrayConcat(
    if(low < high AND low % 2 = 1, [(k, low)], []),
    if(low < high AND high % 2 = 1, [(k, toUInt64(high - 1))], [])),
  ${LEVELS},
  arrayMap(k -> bitShiftRight(toUInt64(range_from + bitShiftLeft(toUInt64(1), k) - 1), k), ${LEVELS}),
  arrayMap(k -> bitShiftRight(range_to + 1, k), ${LEVELS})))`
