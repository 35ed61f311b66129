// Owns the other ways in which a unit test computes its range, as a run may: all must make the same rows as one statement. Pure.
import type { Range } from '../../model/blocks.ts'
import { formatRange } from '../../model/positions.ts'
import type { TableDefinition } from '../../model/model.ts'
import { createTable } from '../../sql-syntax/create-table.ts'
import { readEngine } from '../../sql-syntax/ddl-clauses.ts'

/** `ranges`: in the order in which they run. `merges`: rows of one key become one, as in the target. `wrong`: what is so if the rows differ. */
export type Way = { readonly ranges: readonly Range[]; readonly merges: boolean; readonly wrong: string }

/** A range of more blocks is cut into halves: each piece is a statement. */
const MOST_BLOCKS = 16

/**
 * Block by block, or in halves, the latest first (forwards if the table runs in order); and twice over, if rows replace each other. None
 * for a table that reads its own rows: a test has those of the blocks before only.
 */
export function otherWays({ sequential, rows, ddl }: TableDefinition, range: Range): readonly Way[] {
  if (sequential === 'itself') return []
  const { from, to } = range
  const size = to - from < MOST_BLOCKS ? 1 : Math.ceil((to - from + 1) / 2)
  const starts = Array.from({ length: Math.ceil((to - from + 1) / size) }, (_, at) => from + at * size)
  const forwards = starts.map((start) => ({ from: start, to: Math.min(to, start + size - 1) }))
  const pieces = sequential === undefined ? forwards.toReversed() : forwards
  const engine = readEngine(createTable(ddl).clauses.get('ENGINE') ?? [])
  // With a second column, `is_deleted`, FINAL leaves rows out that a test expects.
  const replaces = engine?.name === 'ReplacingMergeTree' && !engine.text.includes(' , ')
  return [
    ...(from < to ? [way(pieces, rows.kind === 'per-key', 'in pieces', ALONE)] : []),
    ...(replaces ? [way([range, range], true, 'twice over', AGAIN)] : []),
  ]
}

function way(ranges: readonly Range[], merges: boolean, how: string, rule: string): Way {
  const order = ranges.map(formatRange).join(', then ')
  const wrong = `the rows are as expected in one statement, but not ${how}: ${rule} (${order})`
  return { ranges, merges, wrong }
}

const ALONE = 'rows of a range must depend on that range alone'
const AGAIN = 'the sorting key must tell rows apart, and a row must be the same each time'
