// Owns probing all that a table misses, window after window, and all tables together: what one cannot run, its dependants cannot.
import { type BlockSet, blockSet, subtract } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import { expectedByDependants } from './bounds.ts'
import { type Availability, divide, type NotRunnable, type Probe, together } from './probe.ts'
import type { TableStatus } from './table-status.ts'

/** `enough`: after this many rows, the remaining blocks of a table count as runnable. */
export async function probeAll(
  tableStatuses: ReadonlyMap<string, TableStatus>,
  probeBlocks: Probe,
  enough = Infinity,
): Promise<ReadonlyMap<string, Availability>> {
  const own = new Map(
    await Promise.all(
      [...tableStatuses].map(
        async ([key, { table, missing }]) =>
          [key, await probeMissing(probeBlocks, table, missing, enough)] as const,
      ),
    ),
  )
  const all = withInherited(tableStatuses, own)
  return new Map([...own].map(([key, found]) => [key, { ...found, ...all.get(key)! }]))
}

/** What keeps missing blocks of each table from running: a table that reads derived tables inherits what its inputs do not process. */
export function withInherited(
  tableStatuses: ReadonlyMap<string, TableStatus>,
  own: ReadonlyMap<string, NotRunnable>,
) {
  const found = new Map<string, ReturnType<typeof divide>>()
  // Dependencies come first.
  for (const [key, { table, missing }] of tableStatuses) {
    const inputs = table.after.map((input) => {
      const expected = expectedByDependants(tableStatuses.get(input)!.bounds)
      return divide(expected === undefined ? [] : [expected], found.get(input)!)
    })
    const all = [own.get(key)!, ...inputs]
    const sourceGaps = blockSet(all.flatMap((one) => one.sourceGaps))
    const incomplete = blockSet(all.flatMap((one) => one.incomplete))
    found.set(key, divide(missing, { sourceGaps, incomplete }))
  }
  return found
}

/** One window after the other, as in `up`: the answers for a long chain would not fit into memory together. */
export async function probeMissing(
  probeBlocks: Probe,
  table: TableDefinition,
  missing: BlockSet,
  enough = Infinity,
): Promise<Availability> {
  const windows: Omit<Availability, 'buckets'>[] = []
  let left = missing
  for (let rows = 0; rows < enough && left.length > 0;) {
    const window = await probeBlocks.next(table, left, 'oldest', windows.at(-1))
    const { buckets: _, ...found } = await probeBlocks(table, window)
    windows.push(found)
    left = subtract(left, window)
    rows += found.rowEstimates.reduce((sum, segment) => sum + segment.rows, 0)
  }
  return {
    ...together(windows),
    runnable: blockSet([...windows.flatMap((one) => one.runnable), ...left]),
    buckets: new Map(),
    unprobed: left,
    kept: windows.find(({ kept }) => kept !== undefined)?.kept,
  }
}
