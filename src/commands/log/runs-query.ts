// Owns the query of runs: it finds the latest runs first, then folds the events of each into a row.
import { type Kysely, sql } from 'kysely'
import { REVOKED } from '../../ledger/events.ts'
import type { LoggedRun, LogQuestion } from './report.ts'
import type { Schema } from '../../clickhouse/schema.ts'

export type RunRow = Omit<LoggedRun, 'tables' | 'outcome'> & {
  /** Table key, UUID of its target and last epoch, from the run's last event of each table. */
  readonly parts: readonly (readonly [string, string, number])[]
  /** Failed ranges with blocks that were not done later in the run. */
  readonly rangesFailed: number
}

/**
 * Two passes: the first reads only run ids and times to find the latest runs, the second reads the other columns of
 * these runs. `db` has the ledger's database as its schema. An event sent twice after a lost answer counts once.
 */
export function runsQuery(
  db: Kysely<Schema>,
  { network, table, errors, limit }: LogQuestion & { readonly network: string },
) {
  const ours = () => {
    const all = db.selectFrom('ledger').where('network', '=', network).where('event', '!=', 'checkpoint')
    return table === undefined ? all : all.where('table_key', '=', table)
  }
  const latest = (errors ? ours().where('event', '=', 'failed') : ours())
    .select('run_id')
    .groupBy('run_id')
    .orderBy(sql`max(event_time)`, 'desc')
    .limit(limit)
  const events = ours()
    .select([...COLUMNS])
    .where('run_id', 'in', latest)
    .modifyEnd(sql`LIMIT 1 BY table_key, epoch, seq`)
  const parts = db
    .selectFrom(events.as('events'))
    .select([
      'run_id',
      'table_key',
      sql<number>`min(event_time)`.as('first_time'),
      sql<number>`max(event_time)`.as('last_time'),
      sql`argMax((toString(target_uuid), epoch), (epoch, seq))`.as('latest'),
      counted('done').as('done_tries'),
      counted('failed').as('failed_tries'),
      sql<number>`uniqExactIf(query_id, event = 'started') - uniqExactIf(query_id, event IN ('done', 'failed'))`.as(
        'open_tries',
      ),
      blocksIf(`event = 'done'`).as('done_blocks'),
      sql<number>`sumIf(events.rows_read, event = 'done')`.as('read'),
      sql<number>`sumIf(events.rows_written, event = 'done')`.as('written'),
      blocksIf(`event = 'accepted'`).as('accepted_blocks'),
      sql<number>`sumIf(range_to - range_from + 1, event = 'cleaned' AND events.error = ${REVOKED})`.as(
        'revoked_blocks',
      ),
      sql<number>`sumIf(range_to - range_from + 1, event = 'cleaned' AND events.error != ${REVOKED})`.as(
        'cleaned_blocks',
      ),
      blocksIf(`event = 'invalidated'`).as('invalidated_blocks'),
      sql`argMaxIf(events.error, event_time, event = 'failed')`.as('last_error'),
      sql`maxIf(event_time, event = 'failed')`.as('error_time'),
      RANGES_FAILED.as('failed_ranges'),
      sql`any(events.user)`.as('by_user'),
      sql`any(events.host)`.as('on_host'),
      sql`any(events.tool_version)`.as('with_version'),
    ])
    .groupBy(['run_id', 'table_key'])
  return db
    .selectFrom(parts.as('parts'))
    .select([
      'run_id as runId',
      sql<number>`toUnixTimestamp64Milli(min(first_time))`.as('started'),
      sql<number>`toUnixTimestamp64Milli(max(last_time))`.as('ended'),
      sql<
        RunRow['parts']
      >`CAST(groupArray((table_key, latest.1, latest.2)), 'Array(Tuple(String, String, UInt64))')`.as(
        'parts',
      ),
      total('done_tries').as('chunksDone'),
      total('failed_tries').as('chunksFailed'),
      total('open_tries').as('chunksOpen'),
      total('failed_ranges').as('rangesFailed'),
      total('done_blocks').as('blocks'),
      total('read').as('rowsRead'),
      total('written').as('rowsWritten'),
      total('accepted_blocks').as('accepted'),
      total('revoked_blocks').as('revoked'),
      total('cleaned_blocks').as('cleaned'),
      total('invalidated_blocks').as('invalidated'),
      sql<string>`argMax(last_error, error_time)`.as('error'),
      sql<string>`any(by_user)`.as('user'),
      sql<string>`any(on_host)`.as('host'),
      sql<string>`any(with_version)`.as('toolVersion'),
    ])
    .groupBy('run_id')
    .orderBy('ended', 'desc')
    .orderBy('run_id')
}

const COLUMNS = [
  'run_id',
  'table_key',
  'epoch',
  'seq',
  'event',
  'range_from',
  'range_to',
  'target_uuid',
  'query_id',
  'user',
  'rows_read',
  'rows_written',
  'error',
  'host',
  'tool_version',
  'event_time',
] as const

function counted(event: string) {
  return sql<number>`countIf(event = ${sql.lit(event)})`
}

function blocksIf(condition: string) {
  return sql<number>`sumIf(range_to - range_from + 1, ${sql.raw(condition)})`
}

function total(column: string) {
  return sql<number>`sum(${sql.ref(column)})`
}

/**
 * A failed range was fixed if the chunks done after it have all its blocks: no block is done twice in a run. Only
 * chunks between the first and the last failed block count.
 */
const RANGES_FAILED = sql<number>`arrayCount(
  failed -> arraySum(
    done -> if(done.3 > failed.3, greatest(0, toInt64(least(done.2, failed.2)) - toInt64(greatest(done.1, failed.1)) + 1), 0),
    arrayFilter(
      done -> done.2 >= minIf(range_from, event = 'failed') AND done.1 <= maxIf(range_to, event = 'failed'),
      groupArrayIf((range_from, range_to, (epoch, seq)), event = 'done')
    )
  ) < failed.2 - failed.1 + 1,
  groupArrayIf((range_from, range_to, (epoch, seq)), event = 'failed')
)`
