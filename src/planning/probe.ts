// Owns probing the source tables: which missing blocks can run, which are source gaps, which are incomplete.
import { type BlockSet, blockSet, hull, intersect, type Range, subtract, union } from '../model/blocks.ts'
import type { TableDefinition, Unit } from '../model/model.ts'
import type { Order } from './chunks.ts'
import {
  blocksAsSet,
  type Bucket,
  bucketWidth,
  findDisagreements,
  findSourceGaps,
  findSilences,
  findThinBuckets,
  probeRange,
} from '../sources/availability.ts'
import { makeShared } from '../sources/shared-questions.ts'
import { watchSparse } from '../sources/sparse-silences.ts'
import type { Buckets } from '../sources/fingerprint.ts'
import { mergeRowEstimates, estimateRows, type RowEstimates } from './row-estimates.ts'
import { blockCoverageOf, gapOf, inheritedSources, sourcesBehind } from '../model/choose.ts'
import type { ReadWorkspace } from './read-workspace.ts'
import { expectedByDependants } from './bounds.ts'
import type { TableStatus } from './table-status.ts'

export type Availability = {
  readonly runnable: BlockSet
  /** No source has a row in a long range. */
  readonly sourceGaps: BlockSet
  /** Some sources have the block and others lack it. */
  readonly incomplete: BlockSet
  /** Rows of the sources, those of the tables in `after` included. */
  readonly rowEstimates: RowEstimates
  readonly buckets: Buckets
  /** Sparse sources that have no row of the network although the chain is busy: all blocks wait for them. */
  readonly absent: readonly string[]
  /** Parts of a busy chain with blocks that have a row in no source, with their number; they run without rows. */
  readonly thin: readonly (Range & { readonly blocks: number })[]
  /** Blocks that were not looked at, because those before had rows enough: they count as runnable. */
  readonly unprobed: BlockSet
  /** What an earlier run found: in which blocks, and how long ago. */
  readonly kept?: { readonly blocks: BlockSet; readonly ageMs: number } | undefined
}

export type Probe = ReturnType<typeof makeProbe>

/** Positions per probe: bounds the memory and the wait before the first chunk. */
const WINDOW: Readonly<Record<Unit, number>> = { block: 100_000, second: 1_200_000 }

/** Number of cached answers about a source: tables that run side by side ask for the same few windows. */
const MAX_REMEMBERED = 64

/** More separate ranges than this are probed as one: a query costs more than the rows between them. */
const MAX_STRETCHES = 32

/** A probe with a cache: tables that miss the same blocks share one query over their sources. */
export function makeProbe(workspace: ReadWorkspace) {
  const { source } = workspace.ports
  const shareBuckets = makeShared<readonly Bucket[]>(MAX_REMEMBERED)
  const shareRows = makeShared<number>(0)

  async function probe(sources: readonly string[], probed: Range, width: number) {
    const ask = (names: readonly string[]) => source.buckets(names, probed, width)
    const found = sources.map(async (table) => ({
      table,
      blockCoverage: blockCoverageOf(workspace, table),
      buckets: (await shareBuckets(table, `${probed.from}-${probed.to}/${width}`, ask)) ?? [],
    }))
    return await Promise.all(found)
  }

  const sparseSilences = watchSparse(source)

  /** After a window without rows (`last`), all blocks up to the next row of a source: an empty stretch of any length is one window. */
  async function next(
    table: TableDefinition,
    blocks: BlockSet,
    order: Order,
    last: Pick<Availability, 'rowEstimates'> | undefined,
  ): Promise<BlockSet> {
    const sources = sourcesBehind(workspace, table)
    const around = hull(blocks)
    if (around !== undefined && last?.rowEstimates.every(({ rows }) => rows === 0)) {
      const edge = order === 'oldest' ? around.from : around.to
      const ask = (names: readonly string[]) => source.nextRows(names, edge, order)
      const rows = await Promise.all(sources.map((name) => shareRows(name, `${order} ${edge}`, ask)))
      const empty =
        order === 'oldest'
          ? { from: around.from, to: Math.min(...rows.map((row) => row ?? Infinity)) - 1 }
          : { from: Math.max(...rows.map((row) => row ?? -1)) + 1, to: around.to }
      const stretch = intersect(blocks, [empty])
      if (stretch.length > 0) return stretch
    }
    return nextWindow(blocks, order, table.unit)
  }

  const probeBlocks = async (table: TableDefinition, blocks: BlockSet): Promise<Availability> => {
    const sourceGapBlocks = gapOf(workspace, table)
    const width = bucketWidth(sourceGapBlocks)
    const segments = await Promise.all(
      toProbe(blocks, sourceGapBlocks).map(async (probed) => {
        const [sources, inherited] = await Promise.all([
          probe(table.sources, probed, width),
          probe(
            inheritedSources(workspace, table).filter((name) => !table.sources.includes(name)),
            probed,
            width,
          ),
        ])
        const { absent, silences } = await sparseSilences(sources, probed, sourceGapBlocks)
        return {
          absent,
          thin: findThinBuckets(sources, width).filter((one) => intersect(blocks, [one]).length > 0),
          // A table that reads only derived tables waits for their coverage, which excludes source gaps and incomplete blocks.
          sourceGaps: sources.length === 0 ? [] : findSourceGaps(sources, probed, sourceGapBlocks),
          incomplete: union(findSilences(sources, probed, sourceGapBlocks), silences),
          disagreements: intersect(findDisagreements(sources, probed, width), blocks),
          rowEstimates: estimateRows(
            [...sources, ...inherited].map(({ buckets }) => buckets),
            width,
          ),
          sources,
        }
      }),
    )
    const dense = table.sources.filter((name) => blockCoverageOf(workspace, name) === 'every-block')
    const disagreeing = await source.disagreeing(
      dense,
      WEAK_SOURCES,
      blockSet(segments.flatMap((one) => one.disagreements)),
    )
    const found = together(segments)
    const buckets = new Map(
      table.sources.map((name) => [
        name,
        segments.flatMap(({ sources }) => sources.find((one) => one.table === name)?.buckets ?? []),
      ]),
    )
    const incomplete = union(found.incomplete, blocksAsSet(disagreeing))
    return { ...found, ...divide(blocks, { ...found, incomplete }), buckets, unprobed: [] }
  }
  return Object.assign(probeBlocks, { next })
}

type Found = Pick<Availability, 'sourceGaps' | 'incomplete' | 'rowEstimates' | 'absent' | 'thin'>

function together(parts: readonly Found[]): Found {
  return {
    sourceGaps: blockSet(parts.flatMap((one) => one.sourceGaps)),
    incomplete: blockSet(parts.flatMap((one) => one.incomplete)),
    rowEstimates: parts.reduce<RowEstimates>((all, one) => mergeRowEstimates(all, one.rowEstimates), []),
    absent: [...new Set(parts.flatMap((one) => one.absent))],
    thin: parts.flatMap((one) => one.thin),
  }
}

type NotRunnable = Pick<Availability, 'sourceGaps' | 'incomplete'>

/** Divides blocks by what keeps them from running; a block in a source gap does not count as incomplete. */
function divide(blocks: BlockSet, found: NotRunnable): NotRunnable & Pick<Availability, 'runnable'> {
  const sourceGaps = intersect(found.sourceGaps, blocks)
  const incomplete = subtract(intersect(found.incomplete, blocks), sourceGaps)
  return { runnable: subtract(subtract(blocks, sourceGaps), incomplete), sourceGaps, incomplete }
}

/** The ranges to probe for a set of blocks: few, aligned, and wide enough to contain every source gap whole. */
function toProbe(blocks: BlockSet, sourceGapBlocks: number): readonly Range[] {
  const around = hull(blocks)
  const segments = blockSet(blocks.map((range) => probeRange(range, sourceGapBlocks)))
  return around !== undefined && segments.length > MAX_STRETCHES
    ? [probeRange(around, sourceGapBlocks)]
    : segments
}

/** Before the merge, an empty block has a reward trace and no transaction: a block with only traces proves nothing. */
const WEAK_SOURCES = ['canonical_execution_traces']

/** The first blocks of a set in the order of running, up to the next multiple of `WINDOW`. */
function nextWindow(blocks: BlockSet, order: Order, unit: Unit): BlockSet {
  const around = hull(blocks)
  if (around === undefined) return []
  const length = WINDOW[unit]
  const window = Math.floor((order === 'oldest' ? around.from : around.to) / length)
  return intersect(blocks, [{ from: window * length, to: (window + 1) * length - 1 }])
}

/**
 * A table that reads derived tables inherits what its inputs do not process. `enough`: after this many rows, the remaining blocks of a table
 * count as runnable.
 */
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
  const availabilities = new Map<string, Availability>()
  // Dependencies come first.
  for (const [key, { table, missing }] of tableStatuses) {
    const inputs = table.after.map((input) => {
      const expected = expectedByDependants(tableStatuses.get(input)!.bounds)
      return divide(expected === undefined ? [] : [expected], availabilities.get(input)!)
    })
    const all = [own.get(key)!, ...inputs]
    const found = {
      sourceGaps: blockSet(all.flatMap((one) => one.sourceGaps)),
      incomplete: blockSet(all.flatMap((one) => one.incomplete)),
    }
    availabilities.set(key, { ...own.get(key)!, ...divide(missing, found) })
  }
  return availabilities
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
