// Owns why nothing is done of a table whose ranges run in order: what comes first is left out. Pure.
import { type BlockSet, intersect, subtract } from '../model/blocks.ts'
import { namedPosition } from '../model/positions.ts'
import type { TableStatus } from './table-status.ts'

/** `covered`: what is done by now; `wanted`: what the run may do; `left`: what of it would be runnable. */
export function outOfTurn(
  { table, bounds }: Pick<TableStatus, 'table' | 'bounds'>,
  { covered, wanted, left }: Readonly<Record<'covered' | 'wanted' | 'left', BlockSet>>,
): string | undefined {
  if (table.sequential === undefined || bounds.expected === undefined || left.length === 0) return undefined
  const next = subtract([bounds.expected], covered)[0]?.from
  if (next === undefined || next >= left[0]!.from) return undefined
  if (intersect(wanted, [{ from: next, to: next }]).length > 0) return undefined
  return `ranges run in order, and ${namedPosition(next)}, which comes first, lies outside of this run: nothing is done; begin there`
}
