// Owns probing the source tables: which missing blocks can run, which are source gaps, which are incomplete.
import { type BlockSet, blockSet, hull, intersect, type Range, subtract, union } from '../model/blocks.ts'
import type { TableDefinition, Unit } from '../model/model.ts'
import { type Order, mergeRowEstimates, estimateRows, type RowEstimates } from './row-estimates.ts'
import {
  blocksAsSet,
  type Bucket,
  bucketWidth,
  findDisagreements,
  findSourceGaps,
  findSilences,
  findThinBuckets,
  probeRange,
  isComplete,
  isShort,
} from '../sources/availability.ts'
import { makeShared } from '../sources/shared-questions.ts'
import { watchSparse } from '../sources/sparse-silences.ts'
import type { Buckets } from '../sources/fingerprint.ts'
import { blockCoverageOf, gapOf, inheritedSources, sourcesBehind } from '../model/choose.ts'
import type { ReadWorkspace } from './run-options.ts'

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

/** Of blocks of which none may run. */
export const NOTHING_FOUND: Availability = {
  runnable: [],
  sourceGaps: [],
  incomplete: [],
  rowEstimates: [],
  buckets: new Map(),
  absent: [],
  thin: [],
  unprobed: [],
}

export type Probe = ReturnType<typeof makeProbe>

/** Positions per probe: bounds the memory and the wait before the first chunk. */
const WINDOW: Readonly<Record<Unit, number>> = { block: 100_000, second: 1_200_000 }

/** Number of cached answers about a source: tables that run side by side ask for the same few windows. */
const MAX_REMEMBERED = 64

/** More separate ranges than this are probed as one: a query costs more than the rows between them. */
const MAX_STRETCHES = 32

/**
 * A probe with a cache: tables that miss the same blocks share one query over their sources.
 * `beforeFinding`: awaited before what may find blocks that cannot run.
 */
export function makeProbe(workspace: ReadWorkspace, beforeFinding: () => Promise<unknown> = async () => {}) {
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

  /** What the sources of the table hold there, and what those of its inputs hold. */
  async function look(table: TableDefinition, probed: Range) {
    const width = bucketWidth(gapOf(workspace, table))
    const others = inheritedSources(workspace, table).filter((name) => !table.sources.includes(name))
    const [sources, inherited] = await Promise.all([
      probe(table.sources, probed, width),
      probe(others, probed, width),
    ])
    const all = [...sources, ...inherited].map(({ buckets }) => buckets)
    return { sources, rowEstimates: estimateRows(all, width) }
  }

  /** The answer for few blocks that are all there; undefined for others. One new block costs no look at thousands. */
  async function probeNear(table: TableDefinition, blocks: BlockSet): Promise<Availability | undefined> {
    const [range] = blocks
    const sourceGapBlocks = gapOf(workspace, table)
    if (range === undefined || blocks.length > 1 || !isShort(range, sourceGapBlocks)) return undefined
    const { sources, rowEstimates } = await look(table, range)
    const ask = (names: readonly string[]) => source.nextRows(names, range.from, 'newest')
    const sparse = sources.filter(({ blockCoverage }) => blockCoverage === 'sparse')
    const before = await Promise.all(
      sparse.map(async ({ table: name, buckets }) => {
        const isThere = buckets[0]?.first === range.from
        const last = isThere ? range.from : await shareRows(name, `newest ${range.from}`, ask)
        return [name, last ?? -Infinity] as const
      }),
    )
    if (!isComplete(range, sources, new Map(before), sourceGapBlocks)) return undefined
    const buckets = new Map(sources.map(({ table: name, buckets: found }) => [name, found]))
    return { ...NOTHING_FOUND, runnable: blocks, rowEstimates, buckets }
  }

  const probeBlocks = async (table: TableDefinition, blocks: BlockSet): Promise<Availability> => {
    const near = await probeNear(table, blocks)
    if (near !== undefined) return near
    await beforeFinding()
    const sourceGapBlocks = gapOf(workspace, table)
    const width = bucketWidth(sourceGapBlocks)
    const segments = await Promise.all(
      toProbe(blocks, sourceGapBlocks).map(async (probed) => {
        const { sources, rowEstimates } = await look(table, probed)
        const { absent, silences } = await sparseSilences(sources, probed, sourceGapBlocks)
        return {
          absent,
          thin: findThinBuckets(sources, width).filter((one) => intersect(blocks, [one]).length > 0),
          // A table that reads only derived tables waits for their coverage, which excludes source gaps and incomplete blocks.
          sourceGaps: sources.length === 0 ? [] : findSourceGaps(sources, probed, sourceGapBlocks),
          incomplete: union(findSilences(sources, probed, sourceGapBlocks), silences),
          disagreements: intersect(findDisagreements(sources, probed, width), blocks),
          rowEstimates,
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

/** What several looks find together. */
type Found = Pick<Availability, 'sourceGaps' | 'incomplete' | 'rowEstimates' | 'absent' | 'thin'>

export function together(parts: readonly Found[]): Found {
  return {
    sourceGaps: blockSet(parts.flatMap((one) => one.sourceGaps)),
    incomplete: blockSet(parts.flatMap((one) => one.incomplete)),
    rowEstimates: parts.reduce<RowEstimates>((all, one) => mergeRowEstimates(all, one.rowEstimates), []),
    absent: [...new Set(parts.flatMap((one) => one.absent))],
    thin: parts.flatMap((one) => one.thin),
  }
}

export type NotRunnable = Pick<Availability, 'sourceGaps' | 'incomplete'>

/** Divides blocks by what keeps them from running; a block in a source gap does not count as incomplete. */
export function divide(blocks: BlockSet, found: NotRunnable): NotRunnable & Pick<Availability, 'runnable'> {
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
