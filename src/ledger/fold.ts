// Owns the fold: one query in which later events override earlier ones, in the order of (epoch, seq). A table's events
// become islands, disjoint ranges with a state and an SQL hash. Reasons: docs/architecture.md, "Ledger".
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Range } from '../model/blocks.ts'
import { DIGEST_ONLY, type Position } from './events.ts'
import { ISLANDS, type IslandState, type Schema } from '../clickhouse/schema.ts'
import { typed } from '../clickhouse/dialect.ts'
import { MARKS, withStaleTag } from './stale.ts'
import { programSql } from '../package-folder.ts'

export type FoldKey = {
  readonly network: string
  /** Table key -> UUID of its present target: only events of that UUID count. */
  readonly uuids: ReadonlyMap<string, string>
  /** Whether to start at the last checkpoint (normal) or at the first event (to prove the checkpoint). */
  readonly fromCheckpoint: boolean
  /**
   * Versions of inputs (built-from.ts) by their names, which take the place of earlier versions of the same name: the
   * caller knows that no range was computed from something else.
   */
  readonly newest?: ReadonlyMap<string, string>
}

/** The islands of the tables, ordered by table key and block. */
export function foldQuery(db: Kysely<Schema>, key: FoldKey) {
  const layers = layersOf(db, key)
  // `cleaned`: the rows were deleted, as if the chunk had never run.
  return latestStateQuery(db, layers)
    .where(sql<boolean>`paint.1 != 'cleaned'`)
    .select([sql<IslandState>`paint.1`.as('state'), sql<string>`paint.2`.as('sqlHash')])
    .select([sql<string>`paint.3`.as('forks'), sql<string>`paint.4`.as('inputs')])
    .orderBy('table_key')
    .orderBy('range_from')
}

/** The ranges of events and of checkpoints: table_key, position, low, high, and color (state, sql_hash, forks, inputs). */
export function layersOf(db: Kysely<Schema>, { newest, ...key }: FoldKey) {
  const events = eventsOf(db, key)
    .select(['event', 'range_from', 'range_to', 'sql_hash', POSITION.as('position')])
    .select([sql<string>`toString(forks)`.as('forks_text'), 'inputs as inputs_text', 'islands as ranges'])
  const inputs = newest === undefined || newest.size === 0 ? sql`range.6` : newestInputs(newest)
  // The islands of a checkpoint are ranges like those of other events.
  return sql<Layer>`(
    SELECT table_key, position, range.1 AS low, range.2 AS high, (range.3, range.4, range.5, ${inputs}) AS color
    FROM (
      SELECT table_key, position, arrayJoin(if(event = 'checkpoint', CAST(ranges, ${sql.lit(ISLANDS)}),
        [(range_from, range_to, ${STATE}, toString(sql_hash), if(event = 'done', forks_text, ''), if(event = 'done', inputs_text, ''))])) AS range
      FROM ${events}
    )
  )`
}

type Layer = {
  readonly table_key: string
  readonly low: number
  readonly high: number
  readonly color: RangeState
}

function newestInputs(newest: ReadonlyMap<string, string>) {
  const [names, versions] = [[...newest.keys()], [...newest.values()]].map((words) =>
    typed(words, 'Array(String)'),
  )
  return sql`arrayStringConcat(arrayMap(word -> transform(splitByChar('@', word)[1], ${names}, ${versions}, word), splitByChar(' ', range.6)), ' ')`
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
    ? events.select(since.as('since')).where(ofEachTarget(uuids, notBeforeCheckpoint))
    : events.where(ofPresentTargets(uuids)).where('event', '!=', 'checkpoint')
}

function notBeforeCheckpoint(key: string) {
  const since = sql`since[${sql.lit(key)}]`
  return sql<boolean>`(epoch > ${since}.1 OR (epoch = ${since}.1 AND seq >= ${since}.2))`
}

/** The events of one table's UUID on a network, checkpoints left out. */
export function tableEvents(
  db: Pick<Kysely<Schema>, 'selectFrom'>,
  network: string,
  key: string,
  targetUuid: string,
) {
  return db
    .selectFrom('ledger')
    .where('network', '=', network)
    .where('table_key', '=', key)
    .where('target_uuid', '=', typed<string>(targetUuid, 'UUID'))
    .where('event', '!=', 'checkpoint')
}

export function ofPresentTargets(uuids: ReadonlyMap<string, string>) {
  const keys = typed([...uuids.keys()], 'Array(String)')
  const values = typed([...uuids.values()], 'Array(UUID)')
  return sql<boolean>`(table_key, target_uuid) IN (SELECT arrayJoin(arrayZip(${keys}, ${values})))`
}

/**
 * The same with a further condition on the rows of each table, written with literals: a request has at most 1,000
 * parameters. Table by table, so that the primary key applies.
 */
function ofEachTarget(uuids: ReadonlyMap<string, string>, and: (key: string) => RawBuilder<boolean>) {
  const targets = [...uuids].map(
    ([key, uuid]) => sql`(table_key = ${sql.lit(key)} AND target_uuid = ${sql.lit(uuid)} AND ${and(key)})`,
  )
  return sql<boolean>`(${sql.join(targets, sql` OR `)})`
}

/** Of each target, the events that touch a window; `since`: those after a position. */
export function rowEvents(
  db: Pick<Kysely<Schema>, 'selectFrom'>,
  network: string,
  questions: readonly RowsQuestion[],
) {
  const of = new Map(questions.map((question) => [question.key, question]))
  const touches = (key: string) => {
    const { since, window } = of.get(key)!
    const later = since === undefined ? sql`` : sql` AND ${after(since)}`
    return sql<boolean>`(range_from <= ${sql.lit(window.to)} AND range_to >= ${sql.lit(window.from)}${later})`
  }
  return db
    .selectFrom('ledger')
    .where('network', '=', network)
    .where(ofEachTarget(new Map(questions.map(({ key, uuid }) => [key, uuid])), touches))
    .where('event', '!=', 'checkpoint')
}

export type RowsQuestion = {
  readonly key: string
  readonly uuid: string
  readonly window: Range
  readonly since?: Position
}

export const POSITION = sql<Position>`(epoch, seq)`

const SAYS_DIGEST = sql<boolean>`(error = ${DIGEST_ONLY})`

const MARKS_STALE = sql<boolean>`(${sql.join(
  MARKS.map((tag) => sql`startsWith(sql_hash, ${withStaleTag(tag, '')})`),
  sql` OR `,
)})`

/** A `done` event that only marks blocks as stale, or only says the digest of rows that were there, wrote no rows. */
export const WROTE_ROWS = sql<boolean>`NOT (${MARKS_STALE} OR ${SAYS_DIGEST})`

export const NOT_DIGESTS = sql<boolean>`NOT ${SAYS_DIGEST}`

export const TELLS_OF_ROWS = sql<boolean>`(${SAYS_DIGEST} OR NOT ${MARKS_STALE})`

export function after([epoch, seq]: Position) {
  return sql<boolean>`(epoch > ${sql.lit(epoch)} OR (epoch = ${sql.lit(epoch)} AND seq > ${sql.lit(seq)}))`
}

/** `started` and `failed` leave a range whose rows may be partly written. */
const STATE = sql`if(event IN ('started', 'failed'), 'dirty', toString(event))`

/** The state that an event gives to its range: any tuple; its first part is '' for blocks without an event. */
type RangeState = readonly [state: string, ...unknown[]]

type Segment = { table_key: string; range_from: number; range_to: number; paint: RangeState }

/**
 * One row for each segment of one table with one state, `paint`. `layers` is a subquery of table_key, low, high,
 * position and color. How it works: sql/ledger/fold/latest-state.sql.
 */
export function latestStateQuery(db: Kysely<Schema>, layers: RawBuilder<unknown>) {
  return db
    .with('painters', sql<object>`${layers}`)
    .with('segments', sql<Segment>`(${sql.raw(programSql('ledger/fold/latest-state'))})`)
    .selectFrom('segments')
    .select(['table_key', 'range_from as from', 'range_to as to'])
}
