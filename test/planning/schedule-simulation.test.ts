// Owns the simulation of whole runs: whatever the tables read, all that can be done gets done.
import * as fc from 'fast-check'
import type { Order, Sizing } from '../../src/planning/row-estimates.ts'
import { expect, test } from 'vitest'
import { blocksAsSet } from '../../src/sources/availability.ts'
import { blockSet, type BlockSet, countBlocks, subtract, union } from '../../src/model/blocks.ts'
import { nextChunk, type Task, waiting } from '../../src/planning/schedule.ts'

/** Tables that read earlier ones, with blocks that cannot run (source gaps, incomplete), some that are done, and limits. */
const LAST = 30
const someBlocks = fc.array(fc.nat(LAST), { maxLength: 8 }).map(blocksAsSet)
const someRange = fc
  .tuple(fc.nat(LAST), fc.nat(LAST))
  .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))
/** Stretches of five blocks, of any weight. */
const someRowEstimates = fc
  .array(fc.nat(500), { minLength: 7, maxLength: 7 })
  .map((all) => all.map((rows, index) => ({ from: index * 5, to: index * 5 + 4, rows })))
const someTable = fc.record({
  reads: fc.array(fc.nat(4), { maxLength: 3 }),
  limits: fc.oneof(fc.constant({ from: 0, to: LAST }), someRange),
  blocked: someBlocks,
  done: someBlocks,
  sizing: fc.oneof(
    fc.integer({ min: 1, max: 9 }).map((blocks) => ({ blocks })),
    fc.record({ rows: fc.integer({ min: 1, max: 400 }), rowEstimates: someRowEstimates }),
  ),
  slots: fc.integer({ min: 1, max: 3 }),
})
const someRun = fc.record({
  tables: fc.array(someTable, { minLength: 1, maxLength: 5 }),
  dependantsFirst: fc.boolean(),
  order: fc.constantFrom<Order>('oldest', 'newest'),
  jobs: fc.integer({ min: 1, max: 4 }),
  /** Which of the chunks in flight ends next. */
  endings: fc.array(fc.nat(3), { minLength: 5, maxLength: 20 }),
})

type SimulatedTable = {
  readonly key: string
  readonly reads: readonly string[]
  readonly expected: BlockSet
  readonly sizing: Sizing
  readonly order: Order
  readonly slots: number
  runnable: BlockSet
  covered: BlockSet
  running: number
}

test('whatever reads what and whatever ends when, all that can be done gets done, under the limits, in a fair order', () => {
  fc.assert(
    fc.property(someRun, ({ tables: specs, dependantsFirst, order, jobs, endings }) => {
      const tables = specs.map(({ reads, limits, blocked, done, sizing, slots }, index): SimulatedTable => {
        const expected = blockSet([limits])
        const missing = subtract(expected, done)
        const inputs = [...new Set(reads.filter((input) => input < index))].map((input) => `t${input}`)
        return {
          key: `t${index}`,
          reads: inputs,
          expected,
          sizing,
          order,
          slots,
          runnable: subtract(missing, blocked),
          covered: done,
          running: 0,
        }
      })
      const byKey = new Map(tables.map((table) => [table.key, table]))
      const possible = possibleBlocks(tables)
      const inTurn = dependantsFirst ? tables.toReversed() : tables
      const tasks = () => inTurn.map((table) => taskOf(table, byKey))

      const inFlight: { table: SimulatedTable; range: { from: number; to: number } }[] = []
      for (let step = 0; ; step++) {
        for (
          let choice;
          inFlight.length < jobs && (choice = nextChunk(tasks(), inFlight.length === 0)) !== undefined;
        ) {
          const { key, range } = choice
          const table = byKey.get(key)!
          expectAllowed(tasks(), choice, inFlight.length === 0)
          table.runnable = subtract(table.runnable, [range])
          table.running++
          inFlight.push({ table, range })
        }
        if (inFlight.length === 0) break
        const [ended] = inFlight.splice(endings[step % endings.length]! % inFlight.length, 1)
        ended!.table.covered = union(ended!.table.covered, [ended!.range])
        ended!.table.running--
      }

      for (const { key, covered } of tables) expect(covered).toEqual(possible.get(key)!)
      for (const { key, runnable } of tables) {
        const left = waiting(tasks()).find((one) => one.key === key)
        expect(left?.blocks ?? 0).toBe(countBlocks(runnable))
      }
    }),
    { numRuns: 500 },
  )
})

function taskOf(table: SimulatedTable, byKey: ReadonlyMap<string, SimulatedTable>): Task {
  const { key, runnable, sizing, order, running, slots, expected } = table
  const waitsFor = table.reads.map((name) => {
    const input = byKey.get(name)!
    return { ...input, ended: input.running === 0 && input.runnable.length === 0 }
  })
  return {
    key,
    runnable,
    unprobed: [],
    waitsFor,
    sizing,
    order,
    running,
    slots,
    progress: 1 - countBlocks(runnable) / countBlocks(expected),
    overdue: 0,
  }
}

const has = (set: BlockSet, block: number) => set.some(({ from, to }) => from <= block && block <= to)

const isReady = ({ runnable, waitsFor }: Task, block: number) =>
  has(runnable, block) &&
  waitsFor.every(({ expected, covered }) => !has(expected, block) || has(covered, block))

/** The chunk is ready, block by block; small enough; its table has a slot; and no other table is further behind. */
function expectAllowed(
  tasks: readonly Task[],
  { key, range }: { key: string; range: { from: number; to: number } },
  idle: boolean,
): void {
  const chosen = tasks.find((one) => one.key === key)!

  expect(range.to).toBeGreaterThanOrEqual(range.from)
  if ('blocks' in chosen.sizing) expect(range.to - range.from + 1).toBeLessThanOrEqual(chosen.sizing.blocks)
  expect(chosen.running).toBeLessThan(chosen.slots)
  for (let block = range.from; block <= range.to; block++) expect(isReady(chosen, block)).toBe(true)
  for (const rival of tasks) {
    if (nextChunk([rival], idle) !== undefined) expect(chosen.progress).toBeLessThanOrEqual(rival.progress)
  }
}

/** What can end up covered: a block whose inputs can all have it where it is expected of them. Inputs come first. */
function possibleBlocks(tables: readonly SimulatedTable[]): ReadonlyMap<string, BlockSet> {
  const possible = new Map<string, BlockSet>()
  const expected = new Map(tables.map((table) => [table.key, table.expected]))
  for (const { key, reads, runnable, covered } of tables) {
    const never = reads.map((input) => subtract(expected.get(input)!, possible.get(input)!))
    possible.set(
      key,
      union(
        covered,
        never.reduce((left, blocks) => subtract(left, blocks), runnable),
      ),
    )
  }
  return possible
}
