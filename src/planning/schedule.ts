// Owns the choice of the next chunk, a pure function of done, running and probed blocks, and why there is none of a table in order.
import { cutOne, inOrder, type Order, type Sizing, rowsIn } from './row-estimates.ts'
import type { TableStatus } from './table-status.ts'
import {
  type BlockSet,
  blockSet,
  countBlocks,
  intersect,
  namedPosition,
  type Range,
  subtract,
  union,
} from '../model/blocks.ts'

export type Task = {
  readonly key: string
  /** Blocks that the sources allow to run: missing, probed, neither source gap nor incomplete nor running. */
  readonly runnable: BlockSet
  /** Missing blocks that no probe has looked at yet. */
  readonly unprobed: BlockSet
  /** The tables in `after`. This task waits for their expected blocks that are not covered yet. */
  readonly waitsFor: readonly Dependency[]
  /** A derived table that it looks up may still get rows in this run: it goes on only when nothing else can. */
  readonly looksUp?: boolean
  /** Of a table whose ranges run one after the other: the next chunk begins with this block. */
  readonly next?: number | undefined
  readonly sizing: Sizing
  readonly order: Order
  /** Chunks of this table in flight, and how many may be. */
  readonly running: number
  readonly slots: number
  /** Share of its expected blocks that is done or running, 0 to 1. */
  readonly progress: number
  /** Seconds since its last chunk beyond what it promises; 0 if it keeps its promise, or makes none. */
  readonly overdue: number
}

export type Dependency = {
  readonly key: string
  readonly expected: BlockSet
  readonly covered: BlockSet
  /** Its coverage will not grow any more in this run. */
  readonly ended: boolean
}

export type Choice = { readonly key: string; readonly range: Range }

/** Blocks of the task that could run now: runnable, next in turn, and covered by each dependency that expects them. */
export function readyBlocks({ runnable, waitsFor, next }: Task): BlockSet {
  const ready = waitsFor.reduce((blocks, input) => subtract(blocks, lacking(input)), runnable)
  return next === undefined ? ready : ready.filter(({ from }) => from === next)
}

/**
 * Of the table that is most overdue, else has the least progress: a chunk that is full, or beside which no block can become ready any more. `idle`:
 * nothing in flight could make a chunk bigger, so any may start. The order of `tasks` breaks ties.
 */
export function nextChunk(tasks: readonly Task[], idle = false): Choice | undefined {
  const inTurn = tasks
    .filter(({ running, slots, looksUp = false }) => running < slots && (idle || !looksUp))
    .toSorted(
      (a, b) =>
        Number(a.looksUp ?? false) - Number(b.looksUp ?? false) ||
        b.overdue - a.overdue ||
        a.progress - b.progress,
    )
  for (const task of inTurn) {
    const range = fullChunk(task, idle)
    if (range !== undefined) return { key: task.key, range }
  }
  return undefined
}

export function readyChunks(task: Task): number {
  const ready = readyBlocks(task)
  const { sizing } = task
  if ('blocks' in sizing) return countBlocks(ready) / sizing.blocks
  return ready.reduce((sum, range) => sum + rowsIn(sizing.rowEstimates, range), 0) / sizing.rows
}

export function waiting(tasks: readonly Task[]): { key: string; blocks: number; on: readonly string[] }[] {
  return tasks.flatMap((task) => {
    const waits = task.waitsFor
      .map((input) => ({ key: input.key, blocks: intersect(task.runnable, lacking(input)) }))
      .filter(({ blocks }) => blocks.length > 0)
    if (waits.length === 0) return []
    const all = waits.reduce<BlockSet>((sum, { blocks }) => union(sum, blocks), [])
    return [{ key: task.key, blocks: countBlocks(all), on: waits.map(({ key }) => key) }]
  })
}

function fullChunk(task: Task, idle: boolean): Range | undefined {
  const { sizing, order } = task
  const ready = readyBlocks(task)
  const growing = idle ? [] : mayBecomeReady(task, ready)
  for (const range of inOrder(ready, order)) {
    const { from, to, full } = cutOne(range, sizing, order)
    const beside = order === 'oldest' ? to + 1 : from - 1
    if (full || !growing.some((one) => one.from <= beside && beside <= one.to)) return { from, to }
  }
  return undefined
}

/** Blocks that are not ready, but may be later in this run. */
function mayBecomeReady({ runnable, unprobed, waitsFor }: Task, ready: BlockSet): BlockSet {
  const never = blockSet(waitsFor.filter(({ ended }) => ended).flatMap(lacking))
  return union(unprobed, subtract(subtract(runnable, ready), never))
}

export function lacking({ expected, covered }: Dependency): BlockSet {
  return subtract(expected, covered)
}

/**
 * Why nothing is done of a table whose ranges run in order: what comes first is left out.
 * `covered`: what is done by now; `wanted`: what the run may do; `left`: what of it would be runnable.
 */
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
