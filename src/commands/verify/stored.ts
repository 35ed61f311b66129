// Owns the comparison of tables with their ledger: which done ranges no longer hold the rows that they had when they were
// done. It reads each table once, computes nothing and reads no source.
import { sql } from 'kysely'
import { intersect, type Range } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import { withParams } from '../../clickhouse/dialect.ts'
import { ALL_BLOCKS } from '../../ledger/latest-events.ts'
import { readKnown } from '../../planning/table-status.ts'
import { DIGEST_SETTINGS, digestSql } from '../../targets/digest.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { Connected } from '../../workspace/connect.ts'

export type StoredDifference = Range & {
  /** `lost` and `extra` by the number of rows; `changed`: as many, and others; `stray`: rows of blocks that are not done. */
  readonly kind: 'lost' | 'extra' | 'changed' | 'stray'
  /** Rows that the ledger knows of, and rows in the table. */
  readonly recorded: number
  readonly stored: number
}

export type StoredCheck = {
  readonly table: string
  /** Numbers of done blocks: compared, and those whose digest is unknown. */
  readonly comparedBlocks: number
  readonly unknownBlocks: number
  readonly rows: number
  /** By block; at most MOST, the others are counted. */
  readonly differences: readonly StoredDifference[]
  readonly more: number
  readonly same: boolean
}

const MOST = 10_000

/** Rows of a differing range, its kind worked out by the server. */
type Answer = Omit<StoredCheck, 'table' | 'differences' | 'more' | 'same'> & {
  readonly found: readonly StoredDifference[]
  readonly differing: number
}

/** Tables with rows per block; after an abort those compared until then. @throws BackfillError `server`, `failed` */
export async function verifyStored(
  workspace: Workspace,
  ports: Connected,
  signal: AbortSignal,
): Promise<readonly StoredCheck[]> {
  const known = await readKnown(workspace)
  const checks: StoredCheck[] = []
  for (const table of workspace.chosen) {
    const uuid = known.uuids.get(table.key)
    if (uuid === undefined || table.rows.kind !== 'per-block' || signal.aborted) continue
    const since = await ports.recordedEvents.last(table.key, uuid)
    const { found, differing, ...check } = await compare(table, uuid).catch((error: unknown) => {
      if (signal.aborted) return NOTHING
      throw error
    })
    if (signal.aborted) break
    // What a run works on meanwhile is looked at by the next call.
    const all = { key: table.key, targetUuid: uuid, window: ALL_BLOCKS }
    const touched = found.length === 0 ? [] : await ports.recordedEvents.touchedSince(since, all)
    const differences = found.filter((range) => intersect(touched, [range]).length === 0)
    const more = differing - found.length
    checks.push({ table: table.key, ...check, differences, more, same: differences.length === 0 })
  }
  return checks

  async function compare(table: TableDefinition, uuid: string): Promise<Answer> {
    const { key, target: name } = table
    const present = known.targets.get(name)!
    const { from, rowHash, columns } = await digestSql(ports.target, workspace.ports.executor, table, present)
    const segments = ports.recordedEvents.segments({ key, targetUuid: uuid, window: ALL_BLOCKS })
    // A segment that is only a part of its event has no digest of its own.
    const statement = sql`WITH
      ledger_ranges AS (
        SELECT toUInt64(seen.from) AS range_from, toUInt64(seen.to) AS range_to, seen.event AS event,
          event = 'done' AND digest_columns = ${sql.raw(columns)} AND event_from = range_from AND event_to = range_to AS is_known,
          digest_rows, digest_sum
        FROM (${segments}) AS seen
      ),
      (SELECT arraySort(groupUniqArrayArray([range_from, range_to + 1])) FROM ledger_ranges) AS ends
    SELECT
      sumIf(range_to - range_from + 1, is_known) AS comparedBlocks,
      sumIf(range_to - range_from + 1, event = 'done' AND NOT is_known) AS unknownBlocks,
      sum(stored_rows) AS rows,
      countIf(kind != '') AS differing,
      CAST(arraySort(groupArrayIf(${sql.lit(MOST)})((block_from, block_to, kind, recorded_rows, stored_rows), kind != '')) AS
        Array(Tuple(from UInt64, to UInt64, kind String, recorded UInt64, stored UInt64))) AS found
    FROM (
      SELECT range_from, range_to, event, is_known, stored_rows, if(is_known, digest_rows, 0) AS recorded_rows,
        if(is_known, range_from, first_block) AS block_from, if(is_known, range_to, last_block) AS block_to,
        multiIf(
          is_known AND stored_rows < recorded_rows, 'lost',
          is_known AND stored_rows > recorded_rows, 'extra',
          is_known AND stored_sum != digest_sum, 'changed',
          event IN ('', 'cleaned', 'accepted') AND stored_rows > 0, 'stray',
          '') AS kind
      FROM (
        SELECT roundDown(toUInt64(${sql.raw(table.position)}), arrayConcat([toUInt64(0)], ends)) AS start, count() AS stored_rows,
          sum(${sql.raw(rowHash)}) AS stored_sum, min(${sql.raw(table.position)}) AS first_block, max(${sql.raw(table.position)}) AS last_block
        FROM ${sql.raw(from)} GROUP BY start
      ) AS stored
      FULL OUTER JOIN ledger_ranges ON stored.start = ledger_ranges.range_from
      SETTINGS join_use_nulls = 0
    ) FORMAT JSONEachRow`
    const { text, params } = withParams(statement.compile(ports.target.db))
    const answer = await ports.target.client.text({
      query: text,
      query_params: params,
      clickhouse_settings: { ...DIGEST_SETTINGS, output_format_json_named_tuples_as_objects: 1 },
      abort_signal: signal,
      doing: `comparing ${key} with the ledger`,
      isRepeatable: true,
    })
    return JSON.parse(answer) as Answer
  }
}

const NOTHING: Answer = { comparedBlocks: 0, unknownBlocks: 0, rows: 0, found: [], differing: 0 }
