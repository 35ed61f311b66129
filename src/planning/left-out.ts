// Owns which tables a plan leaves out, why, and which blocks of other tables wait for these. Pure.
import { type BlockSet, blockSet, intersect, namedBlocks, subtract, namedPosition } from '../model/blocks.ts'
import { readsHistory } from '../model/choose.ts'
import { expectedByDependants } from './bounds.ts'
import type { Availability } from './probe.ts'
import { readableBlocks } from './stale-ranges.ts'
import type { TableStatus } from './table-status.ts'

/** `stopped`: `up` does not touch the table, or it lost rows; `waiting`: for rows, or for a table that it reads. */
export type LeftOut = 'stopped' | 'waiting'

/** Table key -> its blocks that this run will not do. Filled in dependency order. */
export type NotRun = Map<string, BlockSet>

/** The runnable blocks whose inputs will not have them, as at the end of `up`, with a sentence for each input. */
export function heldBack(
  { table }: TableStatus,
  tableStatuses: ReadonlyMap<string, TableStatus>,
  { runnable, notRun }: { readonly runnable: BlockSet; readonly notRun: NotRun },
): { readonly blocks: BlockSet; readonly notes: readonly string[] } {
  const waits = table.after.flatMap((key) => {
    const input = tableStatuses.get(key)!
    const expected = expectedByDependants(input.bounds)
    const lacking = subtract(expected === undefined ? [] : [expected], readableBlocks(table, input))
    // Of a table that is not part of the run, nothing is done.
    const never = intersect(lacking, notRun.get(key) ?? lacking)
    const [first] = readsHistory(table, input.table) ? never : []
    const blocks = intersect(runnable, first === undefined ? never : [{ from: first.from, to: Infinity }])
    return blocks.length === 0 ? [] : [{ key, blocks }]
  })
  return {
    blocks: blockSet(waits.flatMap(({ blocks }) => blocks)),
    notes: waits.map(
      ({ key, blocks }) =>
        `${namedBlocks(blocks)}: left out, for this run does not build them in ${key}, which they read${notRun.has(key) ? '' : ` (\`backfill up +${table.key}\` does)`}`,
    ),
  }
}

/** Of a table without a chunk: why, unless it has all that it can have. */
export function leftOut(
  { bounds, absences, lackingInputs }: TableStatus,
  {
    isStopped,
    incomplete,
    absent,
    waits,
  }: Pick<Availability, 'incomplete' | 'absent'> & {
    readonly isStopped: boolean
    readonly waits: boolean
  },
): LeftOut | null {
  if (isStopped || absences.some(({ state }) => !WAITS.includes(state))) return 'stopped'
  const isShort = incomplete.length > 0 || absent.length > 0 || lackingInputs.length > 0
  const isEarly = bounds.expected === undefined || bounds.unready !== undefined
  return waits || isShort || isEarly ? 'waiting' : null
}

const WAITS: readonly string[] = ['no source rows', 'source too old']

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
