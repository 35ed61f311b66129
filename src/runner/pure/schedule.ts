// Owns the choice of the next chunk: a pure function of what is done, running and surveyed.
import type { Range } from '../model.ts'
import { firstChunk } from './chunks.ts'
import { countBlocks, intersect, subtract, union, type BlockSet } from './interval.ts'

/** A table as the scheduler sees it. */
export type Task = {
  readonly key: string
  /** Blocks that may run as far as the sources are concerned: missing, surveyed, neither hole nor held nor running. */
  readonly runnable: BlockSet
  /** What of the tables in `after` is not yet covered, though they owe it: blocks this task has to wait for. */
  readonly waitsFor: readonly Dependency[]
  /** Blocks per chunk. */
  readonly chunk: number
  /** Chunks of this table in flight, and how many may be. */
  readonly running: number
  readonly slots: number
  /** Share of its owed blocks that is done or running, 0 to 1. */
  readonly progress: number
}

export type Dependency = {
  readonly key: string
  /** Blocks the dependency owes. */
  readonly owed: BlockSet
  readonly covered: BlockSet
}

export type Choice = { readonly key: string; readonly range: Range }

/** Blocks of the task that could run now: runnable, and covered by each dependency that owes them. */
export function readyBlocks(task: Task): BlockSet {
  return task.waitsFor.reduce(
    (ready, { owed, covered }) => subtract(ready, subtract(owed, covered)),
    task.runnable,
  )
}

/**
 * The chunk to start next, of the table with the least progress that has a free slot and a ready block;
 * undefined where there is none. The order of `tasks` breaks ties.
 */
export function nextChunk(tasks: readonly Task[]): Choice | undefined {
  const byProgress = tasks
    .filter(({ running, slots }) => running < slots)
    .toSorted((a, b) => a.progress - b.progress)
  for (const task of byProgress) {
    const range = firstChunk(readyBlocks(task), task.chunk)
    if (range !== undefined) return { key: task.key, range }
  }
  return undefined
}

/** For each table with blocks that wait: how many, and for which tables. */
export function waiting(tasks: readonly Task[]): { key: string; blocks: number; on: readonly string[] }[] {
  return tasks.flatMap((task) => {
    const waits = task.waitsFor
      .map(({ key, owed, covered }) => ({ key, blocks: intersect(task.runnable, subtract(owed, covered)) }))
      .filter(({ blocks }) => blocks.length > 0)
    if (waits.length === 0) return []
    const all = waits.reduce<BlockSet>((sum, { blocks }) => union(sum, blocks), [])
    return [{ key: task.key, blocks: countBlocks(all), on: waits.map(({ key }) => key) }]
  })
}
