// Owns the probing of source tables, each stretch once: which missing blocks can run, which are holes, which are held back.
import { type BlockSet, blockSet, hull, intersect, type Range, subtract, union } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import type { Order } from './chunks.ts'
import {
  blocksAsSet,
  type Bucket,
  bucketWidth,
  findDisagreements,
  findHoles,
  findSilences,
  type ProbedSource,
  probeRange,
} from '../sources/availability.ts'
import type { Buckets } from '../sources/fingerprint.ts'
import { mergeWeights, weigh, type Weights } from './weights.ts'
import { densityOf, inheritedSources } from '../model/choose.ts'
import type { ReadWorld } from './read-world.ts'
import { owedToDependants } from './bounds.ts'
import type { Standing } from './table-status.ts'

/** Which of the surveyed blocks may not run, and why. */
export type Survey = {
  readonly runnable: BlockSet
  /** No source has a row in a long stretch. */
  readonly holes: BlockSet
  /** Some sources have the block and others lack it. */
  readonly held: BlockSet
  /** Rows of the sources, those of the tables in `after` included. */
  readonly weights: Weights
  /** What the probe said of the table's own sources. */
  readonly buckets: Buckets
}

export type Surveyor = (table: TableDefinition, blocks: BlockSet) => Promise<Survey>

/** Blocks that one survey of `up` looks at: bounds the memory and the wait before the first chunk. */
export const FIRST_WINDOW = 250_000

/** Probes that are remembered: tables side by side ask for the same few windows. */
const MAX_REMEMBERED = 64

/** More separate stretches than this are probed as one: a query costs more than the rows between them. */
const MAX_STRETCHES = 32

/** A surveyor that shares its probes: tables that miss the same blocks of the same source ask once. */
export function makeSurveyor(world: ReadWorld): Surveyor {
  const { source } = world.ports
  const { holeBlocks } = world.network
  const width = bucketWidth(holeBlocks)
  const asked = new Map<string, Promise<readonly Bucket[]>>()

  function bucketsOf(table: string, range: Range): Promise<readonly Bucket[]> {
    const key = `${table} ${range.from} ${range.to}`
    const answer = asked.get(key) ?? source.buckets(table, range, width)
    // The one asked for last is the last to be forgotten. An answer that failed is asked for again.
    asked.delete(key)
    asked.set(key, answer)
    answer.catch(() => asked.delete(key))
    if (asked.size > MAX_REMEMBERED) asked.delete([...asked.keys()][0]!)
    return answer
  }

  async function probe(sources: readonly string[], probed: Range): Promise<readonly ProbedSource[]> {
    return Promise.all(
      sources.map(async (name) => ({
        table: name,
        density: densityOf(world, name),
        buckets: await bucketsOf(name, probed),
      })),
    )
  }

  return async function survey(table, blocks) {
    const stretches = await Promise.all(
      toProbe(blocks, holeBlocks).map(async (probed) => {
        const [sources, inherited] = await Promise.all([
          probe(table.sources, probed),
          probe(
            inheritedSources(world, table).filter((name) => !table.sources.includes(name)),
            probed,
          ),
        ])
        return {
          // A table that reads only derived tables waits for their coverage, which knows of holes and held blocks.
          holes: sources.length === 0 ? [] : findHoles(sources, probed, holeBlocks),
          silences: findSilences(sources, probed, holeBlocks),
          disagreements: intersect(findDisagreements(sources, probed, width), blocks),
          weights: weigh(
            [...sources, ...inherited].map(({ buckets }) => buckets),
            width,
          ),
          sources,
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
    const buckets = new Map(
      table.sources.map((name) => [
        name,
        stretches.flatMap(({ sources }) => sources.find((one) => one.table === name)?.buckets ?? []),
      ]),
    )
    return {
      runnable: subtract(subtract(blocks, holes), held),
      holes,
      held,
      weights: stretches.flatMap((one) => one.weights),
      buckets,
    }
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

/** The blocks of a set that come first in the order, no further than the next multiple of `width`. */
export function nextWindow(blocks: BlockSet, order: Order, width: number): BlockSet {
  const around = hull(blocks)
  if (around === undefined) return []
  const window = Math.floor((order === 'tail' ? around.from : around.to) / width)
  return intersect(blocks, [{ from: window * width, to: (window + 1) * width - 1 }])
}

/**
 * Width of the window behind one of `width` blocks: an empty one costs no more if it is wider, so that a hole of
 * millions of blocks takes few questions. Not much wider, since its end may be full.
 */
export function widthAfter(width: number, { weights }: Pick<Survey, 'weights'>): number {
  const isEmpty = weights.every(({ rows }) => rows === 0)
  return isEmpty ? Math.min(width * 2, MAX_WINDOW) : FIRST_WINDOW
}

const MAX_WINDOW = 2_000_000

/**
 * What of each table's missing blocks is a hole or held back. A table that reads derived tables has its inputs'
 * holes and held blocks: what they do not process never reaches it. `enough`: rows after which the blocks of a table
 * that are left count as runnable.
 */
export async function surveyAll(
  world: ReadWorld,
  standings: ReadonlyMap<string, Standing>,
  enough = Infinity,
): Promise<ReadonlyMap<string, Survey>> {
  const survey = makeSurveyor(world)
  const own = new Map(
    await Promise.all(
      [...standings].map(
        async ([key, { table, missing }]) =>
          [key, await surveyMissing(survey, table, missing, enough)] as const,
      ),
    ),
  )
  const surveys = new Map<string, Survey>()
  // Dependencies come first.
  for (const [key, { table, missing }] of standings) {
    const inputs = table.after.map((input) => owedPart(standings.get(input)!, surveys.get(input)!))
    const holes = intersect(union(own.get(key)!.holes, unionOf(inputs.map((one) => one.holes))), missing)
    const held = subtract(
      intersect(union(own.get(key)!.held, unionOf(inputs.map((one) => one.held))), missing),
      holes,
    )
    surveys.set(key, {
      ...own.get(key)!,
      runnable: subtract(subtract(missing, holes), held),
      holes,
      held,
    })
  }
  return surveys
}

/** One window after the other, as `up` does it: the answers to a long chain would not fit together. */
export async function surveyMissing(
  survey: Surveyor,
  table: TableDefinition,
  missing: BlockSet,
  enough = Infinity,
): Promise<Survey> {
  let left = missing
  let all: Survey = { runnable: [], holes: [], held: [], weights: [], buckets: new Map() }
  let width = FIRST_WINDOW
  for (let rows = 0; rows < enough && left.length > 0;) {
    const window = nextWindow(left, 'tail', width)
    const one = await survey(table, window)
    width = widthAfter(width, one)
    left = subtract(left, window)
    rows += one.weights.reduce((sum, stretch) => sum + stretch.rows, 0)
    all = {
      runnable: union(all.runnable, one.runnable),
      holes: union(all.holes, one.holes),
      held: union(all.held, one.held),
      weights: mergeWeights(all.weights, one.weights),
      buckets: new Map(),
    }
  }
  return { ...all, runnable: union(all.runnable, left) }
}

function owedPart({ bounds }: Standing, { holes, held }: Survey): { holes: BlockSet; held: BlockSet } {
  const owed = owedToDependants(bounds)
  const part = owed === undefined ? [] : [owed]
  return { holes: intersect(holes, part), held: intersect(held, part) }
}

function unionOf(sets: readonly BlockSet[]): BlockSet {
  return blockSet(sets.flat())
}
