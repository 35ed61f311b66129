// Owns the latest state of every block: one query in which later ranges override earlier ones, in the order of positions.
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Schema } from '../clickhouse/schema.ts'
import { programSql } from '../package-folder.ts'

/** The state that an event gives to its range: any tuple; its first part is '' for blocks without an event. */
export type RangeState = readonly [state: string, ...unknown[]]

type Segment = { table_key: string; range_from: number; range_to: number; paint: RangeState; island: number }

/**
 * One row for each segment of one table with one state (`any(paint)`). `layers` is a subquery of table_key, low, high,
 * position and color. How it works: sql/ledger/fold/latest-state.sql.
 */
export function latestStateQuery(db: Kysely<Schema>, layers: RawBuilder<unknown>) {
  return db
    .with('painters', sql<object>`${layers}`)
    .with('numbered', sql<Segment>`(${sql.raw(programSql('ledger/fold/latest-state'))})`)
    .selectFrom('numbered')
    .select(['table_key'])
    .select(({ fn }) => [fn.min<number>('range_from').as('from'), fn.max<number>('range_to').as('to')])
    .groupBy(['table_key', 'island'])
}
