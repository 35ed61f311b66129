// Owns what a run still has to do: which blocks, in how many chunks, and why a table with such blocks stands still. Pure.
import { type BlockSet, countBlocks, intersect, subtract, union } from '../model/blocks.ts'
import { readsHistory } from '../model/choose.ts'
import type { Standstill } from '../model/standstill.ts'
import { chunkCount } from '../planning/chunks.ts'
import { type Dependency, lacking, readyBlocks, type Task, waiting } from '../planning/schedule.ts'
import type { RunEvent } from './events.ts'
import type { TableRun } from './table-run.ts'

/**
 * By table key: missing blocks that this run cannot do, as far as is known: source gaps, incomplete blocks, and what an
 * input will not have. `tasks` in the order of their dependencies.
 */
export function blockedBlocks(
  tasks: readonly Task[],
  runs: ReadonlyMap<string, TableRun>,
): ReadonlyMap<string, BlockSet> {
  const blocked = new Map<string, BlockSet>()
  const neverIn = (dependant: TableRun, input: Dependency): BlockSet => {
    const missing = lacking(input)
    if (input.ended) return missing
    const never = intersect(missing, blocked.get(input.key)!)
    // What is read from its first block on is read only as far as every block is done.
    const isHistory = readsHistory(dependant.tableStatus.table, runs.get(input.key)!.tableStatus.table)
    const [first] = isHistory ? never : []
    return first === undefined ? never : intersect(missing, [{ from: first.from, to: Infinity }])
  }
  for (const { key, waitsFor } of tasks) {
    const run = runs.get(key)!
    const gaps = union(run.sourceGaps, run.incomplete)
    const [stop] = run.tableStatus.table.sequential === undefined ? [] : gaps
    const own = stop === undefined ? gaps : [{ from: stop.from, to: Infinity }]
    blocked.set(
      key,
      waitsFor.reduce((all, input) => union(all, neverIn(run, input)), own),
    )
  }
  return blocked
}

/** A table's part of a run: blocks that the run does in all, and chunks not started yet; unprobed blocks are counted as if they were like the others. */
export type Work = { readonly blocks: number; readonly chunks: number }

export function workOf(task: Task, run: TableRun, blocked: BlockSet): Work {
  const blocks = countBlocks(subtract(run.todo, blocked))
  const ahead = subtract(run.runnable, blocked)
  const known = countBlocks(ahead)
  const chunks = chunkCount(ahead, task.sizing)
  const unknown = countBlocks(subtract(run.unprobed, blocked))
  const rest = known === 0 ? Math.min(1, unknown) : Math.ceil((chunks * unknown) / known)
  return { blocks, chunks: chunks + run.reservations.length + rest }
}

/** Why nothing of the table runs although blocks are left: an input lacks them, and not because its sources do. */
export function inputStandstill(
  task: Task,
  runs: ReadonlyMap<string, TableRun>,
  blocked: ReadonlyMap<string, BlockSet>,
): Standstill | undefined {
  const run = runs.get(task.key)!
  if (run.running > 0 || run.probing || readyBlocks(task).length > 0) return undefined
  for (const input of task.waitsFor) {
    const { key, ended } = input
    const [first] = subtract(
      intersect(run.runnable, lacking(input)),
      (runs.has(key) && blocked.get(key)) || [],
    )
    if (first !== undefined)
      return { reason: 'input', input: key, block: first.from, failed: ended && isFailed(runs.get(key)) }
  }
  return undefined
}

/** A table that is left out, because another run has its lock, has not failed. */
function isFailed(run: TableRun | undefined): boolean {
  return run !== undefined && run.failure?.kind !== 'locked'
}

export function workReporter(report: (event: RunEvent) => void) {
  const known = new Map<string, { readonly work: Work; readonly reason: string | undefined }>()
  return (table: string, work: Work, standstill: Standstill | undefined): void => {
    const before = known.get(table)
    known.set(table, { work, reason: standstill?.reason })
    if (before?.work.blocks !== work.blocks || before.work.chunks !== work.chunks)
      report({ type: 'expected', table, ...work })
    if (before?.reason !== standstill?.reason) report({ type: 'standstill', table, standstill })
  }
}

/** The tables whose blocks wait for other tables at the end of a run. */
export function waitingEvents(tasks: readonly Task[], runs: ReadonlyMap<string, TableRun>): RunEvent[] {
  return waiting(tasks).map(({ key, blocks, on }) => {
    const task = tasks.find((one) => one.key === key)!
    const standstill = inputStandstill(task, runs, new Map())
    return { type: 'waiting', table: key, blocks, on, standstill }
  })
}
