// Owns what a run still has to do: which blocks, in how many chunks, and why a table with such blocks stands still. Pure.
import type { Unit } from '../model/model.ts'
import { type BlockSet, countBlocks, intersect, subtract, union } from '../model/blocks.ts'
import { readsHistory } from '../model/choose.ts'
import type { Standstill } from '../model/standstill.ts'
import { chunkCount, type Order } from '../planning/row-estimates.ts'
import { expectedByDependants } from '../planning/bounds.ts'
import { readableBlocks } from '../planning/stale-ranges.ts'
import { type Dependency, lacking, outOfTurn, readyBlocks, type Task, waiting } from '../planning/schedule.ts'
import type { RunEvent } from './events.ts'
import type { RunContext } from './prepare.ts'
import type { TableRun } from './table-run.ts'
import type { UpOptions } from '../planning/run-options.ts'
import { sizingOf, startSmall } from '../planning/sizing.ts'

/** The inputs that the table waits for: live coverage for tables in this run, the ledger's coverage for others. */
export function dependenciesOf(
  { tableStatus: { table } }: TableRun,
  { tableStatuses, runs }: Pick<RunContext, 'tableStatuses' | 'runs'>,
): readonly Dependency[] {
  return table.after.map((key) => {
    const input = tableStatuses.get(key)!
    const expected = expectedByDependants(input.bounds)
    return {
      key,
      expected: expected === undefined ? [] : [expected],
      covered: readableBlocks(table, input, runs.get(key)?.covered),
      ended: hasEnded(runs.get(key)),
    }
  })
}

/** Missing blocks that this run cannot do, by table key: source gaps, incomplete ones, what an input will not have. `tasks` in dependency order. */
export function blockedBlocks(tasks: readonly Task[], runs: ReadonlyMap<string, TableRun>) {
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
export type Work = { readonly blocks: number; readonly unit: Unit; readonly chunks: number }

export function workOf(task: Task, run: TableRun, blocked: BlockSet): Work {
  const blocks = countBlocks(subtract(run.todo, blocked))
  const ahead = subtract(run.runnable, blocked)
  const known = countBlocks(ahead)
  const chunks = chunkCount(ahead, task.sizing)
  const unknown = countBlocks(subtract(run.unprobed, blocked))
  const rest = known === 0 ? Math.min(1, unknown) : Math.ceil((chunks * unknown) / known)
  return { blocks, unit: run.tableStatus.table.unit, chunks: chunks + run.reservations.length + rest }
}

/** Why nothing of the table runs although blocks are left: an input lacks them, and not because its sources do. */
export function inputStandstill(
  task: Task,
  runs: ReadonlyMap<string, TableRun>,
  blocked: ReadonlyMap<string, BlockSet>,
): Standstill | undefined {
  const run = runs.get(task.key)!
  if (run.running > 0 || run.probing || readyBlocks(task).length > 0) return undefined
  const [first, ...others] = task.waitsFor.flatMap((input) => {
    const { key, ended } = input
    const [open] = subtract(
      intersect(run.runnable, lacking(input)),
      (runs.has(key) && blocked.get(key)) || [],
    )
    if (open === undefined) return []
    return [{ input: key, block: open.from, failed: ended && isFailed(runs.get(key)) }]
  })
  return first && { reason: 'input', ...first, ...(others.length > 0 && { others }) }
}

/** Neither a table that is left out, because another run has its lock, has failed, nor one that has lost rows. */
function isFailed(run: TableRun | undefined): boolean {
  const lacks = run?.tableStatus.absences.some(({ state }) => state.startsWith('emptied')) === true
  return run !== undefined && run.failure?.kind !== 'locked' && !lacks
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

/** The tables whose blocks wait at the end of a run: for other tables, or for blocks that come first and that the run leaves out. */
export function waitingEvents(tasks: readonly Task[], runs: ReadonlyMap<string, TableRun>): RunEvent[] {
  const onInputs = waiting(tasks).map(({ key, blocks, on }): RunEvent => {
    const task = tasks.find((one) => one.key === key)!
    const standstill = inputStandstill(task, runs, new Map())
    const { unit } = runs.get(key)!.tableStatus.table
    // Typed again, the command would wait again.
    const hint = on.every((input) => runs.has(input)) ? undefined : `backfill up +${key}`
    return { type: 'waiting', table: key, blocks, unit, on, standstill, hint }
  })
  const warnings = tasks.flatMap(({ key, runnable, unprobed }): RunEvent[] => {
    const { tableStatus, covered, wanted } = runs.get(key)!
    const text = outOfTurn(tableStatus, { covered, wanted, left: union(runnable, unprobed) })
    return text === undefined ? [] : [{ type: 'warning', table: key, text }]
  })
  return [...onInputs, ...warnings]
}

export function taskOf(
  run: TableRun,
  { options, throttle, capacity, runs }: RunContext,
  dependencies: (run: TableRun) => readonly Dependency[],
): Task {
  const { table, bounds } = run.tableStatus
  const expected = bounds.expected === undefined ? [] : [bounds.expected]
  const total = countBlocks(expected)
  const left = countBlocks(run.unprobed) + countBlocks(run.runnable) + countBlocks(run.reservations)
  const inputs = table.after.flatMap((key) => runs.get(key) ?? [])
  const isSequential = table.sequential !== undefined
  const { throughput } = run
  const sizing = sizingOf({
    table,
    options,
    rowEstimates: run.rowEstimates,
    throughput,
    inputs: inputs.map((input) => ({ throughput: input.throughput, target: input.tableStatus.target })),
    jobs: throttle.most(),
    capacity,
    tooBig: run.tooBig,
  })
  return {
    key: run.key,
    runnable: run.failure === undefined ? run.runnable : [],
    unprobed: run.failure === undefined ? run.unprobed : [],
    waitsFor: dependencies(run),
    looksUp: table.lookups?.some((name) => mayGrow(name, runs)) ?? false,
    next: isSequential ? subtract(expected, run.covered)[0]?.from : undefined,
    sizing: startSmall(sizing, { table, options, throughput }),
    order: orderOf(run, options),
    running: run.running,
    slots: Math.min(throttle.slotsOf(run.key), isSequential ? 1 : Infinity),
    progress: total === 0 ? 1 : 1 - left / total,
    overdue: run.overdue,
  }
}

export function orderOf({ tableStatus }: TableRun, { order }: Pick<UpOptions, 'order'>): Order {
  return tableStatus.table.sequential === undefined ? order : 'oldest'
}

/** Nothing more of the table will be covered in this run; a table that is not part of the run is undefined. */
function hasEnded(run: TableRun | undefined): boolean {
  if (run === undefined || run.failure !== undefined) return true
  return run.running === 0 && !hasBlocks(run)
}

/** A derived table, by its key or its name, of which this run may still write rows. */
function mayGrow(name: string, runs: ReadonlyMap<string, TableRun>): boolean {
  const named = runs.get(name) ?? [...runs.values()].find((run) => run.tableStatus.table.target === name)
  return named !== undefined && !hasEnded(named)
}

/** It has not failed, and something is left to start: blocks to probe or to run, or dirty ranges to recover. */
export function isUnfinished(run: TableRun): boolean {
  const isDirty = run.phase === 'unlocked' && run.tableStatus.dirty.length > 0
  return run.failure === undefined && (isDirty || hasBlocks(run))
}

function hasBlocks(run: TableRun): boolean {
  const left = [run.unprobed, run.runnable, run.reservations]
  return left.some(({ length }) => length > 0)
}
