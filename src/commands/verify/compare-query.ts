// Owns the statement that compares both sides of a range key by key. Pure.
import { isPosition, type TableDefinition } from '../../model/model.ts'
import type { DifferenceKind } from './report.ts'
import type { Sides } from './compare-sides.ts'

const EXAMPLES = 3

const sums = (side: string) =>
  `CAST((sum(${side}_rows), countIf(${side}_rows > 0), toString(sum(${side}_hash))) AS Tuple(rows UInt64, keys UInt64, hash String)) AS ${side}`

type Compared = Pick<TableDefinition, 'rows' | 'position'>

/** One row: `recomputed` and `stored` (sums of each side), `differences` (keys by kind) and `keys` (examples, as hex). */
export function comparisonQuery(table: Compared, sides: Pick<Sides, 'recomputed' | 'stored'>): string {
  const kinds = Object.entries(conditions(table))
  const counts = kinds.map(([, condition]) => `countIf(${condition})`)
  const keys = kinds.map(
    ([kind, condition]) => `groupArrayIf(${EXAMPLES})(('${kind}', hex(backfill_key)), ${condition})`,
  )
  return `SELECT ${sums('recomputed')}, ${sums('stored')},
    CAST((${counts.join(', ')}) AS Tuple(${kinds.map(([kind]) => `${kind} UInt64`).join(', ')})) AS differences,
    CAST(arrayConcat(${keys.join(', ')}) AS Array(Tuple(kind String, key String))) AS keys
  FROM (${table.rows.kind === 'per-block' ? grouped(sides) : joined(sides)})`
}

function grouped({ recomputed, stored }: Pick<Sides, 'recomputed' | 'stored'>): string {
  return `SELECT backfill_key,
      countIf(NOT is_stored) AS recomputed_rows, sumIf(backfill_hash, NOT is_stored) AS recomputed_hash,
      countIf(is_stored) AS stored_rows, sumIf(backfill_hash, is_stored) AS stored_hash
    FROM (
      SELECT false AS is_stored, backfill_key, backfill_hash FROM (${recomputed})
      UNION ALL
      SELECT true AS is_stored, backfill_key, backfill_hash FROM (${stored})
    ) GROUP BY backfill_key`
}

/**
 * The same for a table whose rows belong to no range: the keys of the range are kept in memory, and the whole table is
 * streamed past them. `ifNull`: a header may set join_use_nulls.
 */
function joined({ recomputed, stored }: Pick<Sides, 'recomputed' | 'stored'>): string {
  return `SELECT if(recomputed_rows > 0, r.backfill_key, s.backfill_key) AS backfill_key,
      ifNull(r.row_count, 0) AS recomputed_rows, ifNull(r.hash, 0) AS recomputed_hash, r.position AS recomputed_position,
      ifNull(s.row_count, 0) AS stored_rows, ifNull(s.hash, 0) AS stored_hash, s.position AS stored_position
    FROM (
      SELECT backfill_key, backfill_position AS position, backfill_hash AS hash, 1 AS row_count FROM (${stored})
    ) AS s
    FULL OUTER JOIN (
      SELECT backfill_key, any(backfill_position) AS position, sum(backfill_hash) AS hash, count() AS row_count
      FROM (${recomputed}) GROUP BY backfill_key
    ) AS r ON s.backfill_key = r.backfill_key`
}

/** Which rows a key with several computed rows leaves in the table is random: its values are not compared. */
function conditions({ rows, position }: Compared): Readonly<Record<DifferenceKind, string>> {
  const missing = 'recomputed_rows > 0 AND stored_rows = 0'
  const different = 'recomputed_rows = 1 AND stored_rows > 0 AND recomputed_hash != stored_hash'
  if (rows.kind === 'per-block')
    return { missing, unexpected: 'recomputed_rows = 0', different, behind: 'false' }
  const [stored, recomputed] = ['stored_position', 'recomputed_position']
  const [worse, better] = rows.keep === 'earliest' ? ['>', '<'] : ['<', '>']
  // A merged row may come from another range, unless its block lies in this range: then this range must yield it.
  const unexpected = isPosition(rows.column, position)
    ? `stored_rows > 0 AND ${stored} BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        AND (recomputed_rows = 0 OR ${stored} ${better} ${recomputed})`
    : 'false'
  const both = 'recomputed_rows > 0 AND stored_rows > 0'
  return {
    missing,
    unexpected: `ifNull(${unexpected}, false)`,
    different: `ifNull(${different} AND ${stored} = ${recomputed}, false)`,
    behind: `ifNull(${both} AND ${stored} ${worse} ${recomputed}, false)`,
  }
}
