// Owns the probing of source tables: asks the source for buckets, each stretch once per run, and lets survey.ts judge.
import type { Range, TableDefinition } from './model.ts'
import { blockSet, type BlockSet, hull, intersect, subtract, union } from './pure/interval.ts'
import {
  type Bucket,
  blocksAsSet,
  bucketWidth,
  findDisagreements,
  findHoles,
  findSilences,
  type ProbedSource,
  probeRange,
} from './pure/survey.ts'
import { densityOf } from './standing.ts'
import type { World } from './world.ts'

/** Which of the surveyed blocks may not run, and why. */
export type Survey = {
  readonly runnable: BlockSet
  /** No source has a row in a long stretch. */
  readonly holes: BlockSet
  /** Some sources have the block and others lack it. */
  readonly held: BlockSet
}

export type Surveyor = (table: TableDefinition, blocks: BlockSet) => Promise<Survey>

/** Blocks that one survey of `up` looks at: bounds the memory and the wait before the first chunk. */
const WINDOW_BLOCKS = 1_000_000

/** More separate stretches than this are probed as one: a query costs more than the rows between them. */
const MAX_STRETCHES = 32

/** A surveyor that shares its probes: tables that miss the same blocks of the same source ask once. */
export function makeSurveyor(world: World): Surveyor {
  const { source } = world.ports
  const { holeBlocks } = world.network
  const width = bucketWidth(holeBlocks)
  const asked = new Map<string, Promise<readonly Bucket[]>>()

  function bucketsOf(table: string, range: Range): Promise<readonly Bucket[]> {
    const key = `${table} ${range.from} ${range.to}`
    const answer = asked.get(key) ?? source.buckets(table, range, width)
    asked.set(key, answer)
    return answer
  }

  async function probe(table: TableDefinition, probed: Range): Promise<readonly ProbedSource[]> {
    return Promise.all(
      table.sources.map(async (name) => ({
        table: name,
        density: densityOf(world, name),
        buckets: await bucketsOf(name, probed),
      })),
    )
  }

  return async function survey(table, blocks) {
    // A table that reads only derived tables waits for their coverage, which knows of holes and held blocks.
    if (table.sources.length === 0 || blocks.length === 0) return { runnable: blocks, holes: [], held: [] }
    const stretches = await Promise.all(
      toProbe(blocks, holeBlocks).map(async (probed) => {
        const sources = await probe(table, probed)
        return {
          holes: findHoles(sources, probed, holeBlocks),
          silences: findSilences(sources, probed, holeBlocks),
          disagreements: intersect(findDisagreements(sources, probed, width), blocks),
        }
      }),
    )
    const dense = table.sources.filter((name) => densityOf(world, name) === 'transaction')
    const disagreeing = await source.disagreeing(
      dense,
      WEAK_SOURCES,
      blockSet(stretches.flatMap((one) => one.disagreements)),
    )
    const holes = intersect(blockSet(stretches.flatMap((one) => one.holes)), blocks)
    const silences = blockSet(stretches.flatMap((one) => one.silences))
    const held = subtract(intersect(union(silences, blocksAsSet(disagreeing)), blocks), holes)
    return { runnable: subtract(subtract(blocks, holes), held), holes, held }
  }
}

/** The stretches to probe for a set of blocks: few, aligned, and wide enough to see every hole whole. */
function toProbe(blocks: BlockSet, holeBlocks: number): readonly Range[] {
  const around = hull(blocks)
  const stretches = blockSet(blocks.map((range) => probeRange(range, holeBlocks)))
  return around !== undefined && stretches.length > MAX_STRETCHES
    ? [probeRange(around, holeBlocks)]
    : stretches
}

/** Before the merge, an empty block has a reward trace and no transaction: traces alone prove nothing. */
const WEAK_SOURCES = ['canonical_execution_traces']

/** The lowest blocks of a set, at most `limit` of them spread over at most `WINDOW_BLOCKS`. */
export function nextWindow(blocks: BlockSet): BlockSet {
  const first = blocks[0]?.from
  return first === undefined ? [] : intersect(blocks, [{ from: first, to: first + WINDOW_BLOCKS - 1 }])
}
