// Owns the scheduler's view of a table's part of a run.
import { countBlocks, subtract } from '../model/blocks.ts'
import type { Order } from '../planning/chunks.ts'
import type { UpOptions } from '../planning/run-options.ts'
import type { Dependency, Task } from '../planning/schedule.ts'
import { sizingOf } from '../planning/sizing.ts'
import type { RunContext } from './prepare.ts'
import type { TableRun } from './table-run.ts'

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
  return {
    key: run.key,
    runnable: run.failure === undefined ? run.runnable : [],
    unprobed: run.failure === undefined ? run.unprobed : [],
    waitsFor: dependencies(run),
    next: isSequential ? subtract(expected, run.covered)[0]?.from : undefined,
    sizing: sizingOf({
      table,
      options,
      rowEstimates: run.rowEstimates,
      throughput: run.throughput,
      inputs: inputs.map(({ throughput, tableStatus }) => ({ throughput, target: tableStatus.target })),
      jobs: throttle.most(),
      capacity,
      tooBig: run.tooBig,
    }),
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
export function hasEnded(run: TableRun | undefined): boolean {
  if (run === undefined || run.failure !== undefined) return true
  return run.running === 0 && !hasBlocks(run)
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
