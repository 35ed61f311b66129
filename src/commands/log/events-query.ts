// Owns the query of attempts: the latest events, with the events of one attempt folded into a row.
import { type Kysely, sql } from 'kysely'
import type { EventName } from '../../clickhouse/schema.ts'
import type { LoggedEvent, LogQuestion } from './report.ts'
import type { Schema } from '../../clickhouse/schema.ts'

/** As `LoggedEvent`; times are ms since 1970. */
export type EventRow = Omit<LoggedEvent, 'present' | 'range' | 'state' | 'at'> & {
  readonly event: Exclude<EventName, 'checkpoint'>
  readonly from: number
  readonly to: number
  readonly uuid: string
  readonly epoch: number
  readonly started: number
  readonly ended: number
}

/**
 * For one table, events are read backwards along the primary key, and only as many as the lines need. An attempt has
 * at most two events, the last one first: an attempt without an end in the window has not ended.
 */
export function eventsQuery(
  db: Kysely<Schema>,
  {
    network,
    table,
    runId,
    errors,
    limit,
  }: LogQuestion & { readonly network: string; readonly runId: string | undefined },
) {
  let events = db
    .selectFrom('ledger')
    .select([...COLUMNS, sql<string>`if(query_id = '', toString((epoch, seq)), query_id)`.as('try')])
    .where('network', '=', network)
    .where('event', '!=', 'checkpoint')
  if (table !== undefined) events = events.where('table_key', '=', table)
  if (runId !== undefined) events = events.where('run_id', '=', runId)
  if (errors) events = events.where('event', '=', 'failed')
  const ordered =
    table === undefined
      ? events.orderBy('event_time', 'desc').orderBy('epoch', 'desc').orderBy('seq', 'desc')
      : events.orderBy('epoch', 'desc').orderBy('seq', 'desc')
  // Spare rows for repeated events, which are rare: an event is sent again after a lost answer.
  const window = ordered.limit(limit * 2 + SPARE_EVENTS)
  return db
    .selectFrom(window.as('events'))
    .select(['table_key as table', 'run_id as runId'])
    .select([
      latest('events.event').as('event'),
      latest('events.range_from').as('from'),
      latest('events.range_to').as('to'),
      latest('toString(events.target_uuid)').as('uuid'),
      sql<number>`toUnixTimestamp64Milli(min(events.event_time))`.as('started'),
      sql<number>`toUnixTimestamp64Milli(max(events.event_time))`.as('ended'),
      ...PLAIN.map((column) => latest(`events.${column}`).as(camelCase(column))),
    ])
    .groupBy(['table_key', 'run_id', 'try'])
    .orderBy(table === undefined ? sql`max(events.event_time)` : sql`max((events.epoch, events.seq))`, 'desc')
    .limit(limit)
    .$castTo<EventRow>()
}

const SPARE_EVENTS = 50

const PLAIN = [
  'epoch',
  'attempt',
  'rows_read',
  'rows_written',
  'peak_memory',
  'elapsed_ms',
  'error_code',
  'error',
  'sql_hash',
  'query_id',
  'user',
  'host',
  'tool_version',
] as const

const COLUMNS = [
  'table_key',
  'run_id',
  'event',
  'range_from',
  'range_to',
  'target_uuid',
  'seq',
  'event_time',
  ...PLAIN,
] as const

function camelCase(column: string): string {
  return column.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** The value in the attempt's last event. */
function latest(expression: string) {
  return sql`argMax(${sql.raw(expression)}, (events.epoch, events.seq))`
}
