// Owns the comparison by key on one server: it joins both sides of a range and counts the differences.
import type { RowsKind } from '../../model/model.ts'
import type { DifferenceKind, Sums } from './report.ts'
import { EXAMPLES, type KeyDifferences, type Question, type SumsRow, sumsOf } from './compare-question.ts'

/** The rows of the range are kept in memory; the table's rows are streamed. */
export async function joined({
  ask,
  target,
  sides,
  table,
}: Question): Promise<KeyDifferences & { readonly recomputed: Sums }> {
  const columns = 'SELECT 1 AS here, backfill_key, backfill_position, backfill_hash FROM'
  const [row] = await ask<SumsRow & JoinedRow>(
    target,
    `SELECT countIf(${RECOMPUTED}) AS row_count, uniqExactIf(r.backfill_key, ${RECOMPUTED}) AS key_count,
      toString(sumIf(r.backfill_hash, ${RECOMPUTED})) AS hash, ${joinedColumns(table.rows)}
    FROM (${columns} (${sides.stored})) AS s
    FULL OUTER JOIN (${columns} (${sides.recomputed})) AS r
    ON s.backfill_key = r.backfill_key`,
  )
  return { recomputed: sumsOf(row), ...differencesOf(row === undefined ? [] : [row]) }
}

type Counts = { readonly [kind in DifferenceKind]: number }
type Keys = { readonly [kind in `${DifferenceKind}_keys`]: readonly string[] }
export type JoinedRow = Counts & Keys

/** Counts and example keys over `s` (stored) joined with `r` (recomputed); `here` is 1 if the side has the key. */
export function joinedColumns(rows: RowsKind): string {
  return Object.entries(conditions(rows))
    .flatMap(([kind, condition]) => [
      `countIf(ifNull(${condition}, false)) AS ${kind}`,
      `groupArrayIf(${EXAMPLES})(hex(if(${RECOMPUTED}, r.backfill_key, s.backfill_key)), ifNull(${condition}, false)) AS ${kind}_keys`,
    ])
    .join(',\n      ')
}

/** The sum of the differences of several parts of a range. */
export function differencesOf(parts: readonly JoinedRow[]): KeyDifferences {
  const sum = (kind: DifferenceKind) => parts.reduce((total, part) => total + part[kind], 0)
  return {
    counts: {
      missing: sum('missing'),
      unexpected: sum('unexpected'),
      different: sum('different'),
      behind: sum('behind'),
    },
    keys: KINDS.flatMap((kind) =>
      parts
        .flatMap((part) => part[`${kind}_keys`])
        .slice(0, EXAMPLES)
        .map((key) => ({ kind, key })),
    ),
    atLeast: false,
  }
}

const KINDS: readonly DifferenceKind[] = ['missing', 'unexpected', 'different', 'behind']

/** Whether a side has the key, independent of a header's join_use_nulls. */
const STORED = '(ifNull(s.here, 0) = 1)'
const RECOMPUTED = '(ifNull(r.here, 0) = 1)'

function conditions(rows: RowsKind): Readonly<Record<DifferenceKind, string>> {
  const both = `${RECOMPUTED} AND ${STORED}`
  return {
    missing: `${RECOMPUTED} AND NOT ${STORED}`,
    different: `${both} AND s.backfill_position = r.backfill_position AND s.backfill_hash != r.backfill_hash`,
    behind:
      rows.kind === 'per-block'
        ? 'false'
        : `${both} AND s.backfill_position ${isWorse(rows.keep)} r.backfill_position`,
    unexpected: rows.kind === 'per-block' ? `${STORED} AND NOT ${RECOMPUTED}` : unexpectedPerKey(rows),
  }
}

/**
 * A merged row may come from another range, unless its block lies in this range: then this range must yield it. Only
 * for tables whose rows are decided by block_number.
 */
function unexpectedPerKey({ keep, column }: Extract<RowsKind, { readonly kind: 'per-key' }>): string {
  if (column !== 'block_number') return 'false'
  return `${STORED} AND s.backfill_position BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        AND (NOT ${RECOMPUTED} OR r.backfill_position ${isWorse(keep)} s.backfill_position)`
}

/** The sign between a position and a better one. */
function isWorse(keep: 'earliest' | 'latest'): string {
  return keep === 'earliest' ? '>' : '<'
}
