// Owns the plan: what `up` would do now, chunk by chunk, without writing anything.
import { checkTables } from '../targets/check-columns.ts'
import { cutChunks } from './chunks.ts'
import { countBlocks, intersect, type Range } from '../model/blocks.ts'
import { expectedMs, NO_PACE } from './throughput.ts'
import { rowsIn } from './weights.ts'
import type { UpOptions } from './run-options.ts'
import { type Past, readPast, sizingOf, slotsFor } from './sizing.ts'
import { readStandings, type Standing, uuidsOf } from './table-status.ts'
import { type Survey, surveyAll } from './survey.ts'
import type { ReadWorld } from './read-world.ts'

/** Plans a run of `up` with these options. Reads only. @throws BackfillError `usage`, `server` */
export async function planUp(world: ReadWorld, options: UpOptions): Promise<PlanReport> {
  const standings = await readStandings(world, { lag: options.lag, forcedHead: options.to })
  const targets = new Map(
    [...standings.values()].flatMap(({ table, target }) => (target ? [[table.target, target] as const] : [])),
  )
  await checkTables(world, world.chosen, targets)
  const uuids = uuidsOf(world.catalogue.tables, targets)
  const [surveys, { capacity, paces }] = await Promise.all([
    surveyAll(world, standings),
    readPast(world, uuids),
  ])
  const { jobs } = slotsFor(options, capacity)
  return {
    network: world.network.name,
    jobs,
    tables: world.chosen.map(({ key }) =>
      planTable(standings.get(key)!, surveys.get(key)!, { options, capacity, paces, standings, jobs }),
    ),
  }
}

type Known = Past & {
  readonly options: UpOptions
  readonly standings: ReadonlyMap<string, Standing>
  readonly jobs: number
}

function planTable({ table, bounds, target, dirty }: Standing, survey: Survey, known: Known) {
  const { options, paces, standings } = known
  const wanted = [{ from: options.from ?? 0, to: options.to ?? Number.MAX_SAFE_INTEGER }]
  const runnable = intersect(survey.runnable, wanted)
  const reason = table.after.length > 0 ? `missing; as soon as ${table.after.join(', ')} have it` : 'missing'
  const { naturalHead = Infinity } = bounds.inputs
  const pace = paces.get(table.key) ?? NO_PACE
  const inputs = table.after.map((key) => ({
    pace: paces.get(key) ?? NO_PACE,
    target: standings.get(key)?.target,
  }))
  const sizing = sizingOf({ table, pace, inputs, weights: survey.weights, tooBig: undefined, ...known })
  const chunks = cutChunks(runnable, sizing, options.order).map((range): PlannedChunk => {
    const rows = rowsIn(survey.weights, range)
    return {
      ...range,
      table: table.key,
      reason: range.to > naturalHead ? `${reason}, forced by --to` : reason,
      expectedRows: Math.round(rows),
      expectedMs: rounded(expectedMs(pace, rows)),
    }
  })
  const expectedRows = chunks.reduce((sum, chunk) => sum + chunk.expectedRows, 0)
  return {
    table: table.key,
    missingBlocks: countBlocks(runnable),
    expectedRows,
    expectedMs: rounded(expectedMs(pace, expectedRows)),
    chunks,
    holes: intersect(survey.holes, wanted),
    held: intersect(survey.held, wanted),
    dirty,
    create: target === undefined,
    notes: bounds.note === undefined ? [] : [bounds.note],
  }
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms)
}

/** One chunk that `up` would run now, with the reason. */
type PlannedChunk = Range & {
  readonly table: string
  readonly reason: string
  /** Rows that the probe found in the sources. */
  readonly expectedRows: number
  /** By what earlier chunks took; null where there are none. */
  readonly expectedMs: number | null
}

export type PlanReport = {
  readonly network: string
  readonly jobs: number
  readonly tables: readonly {
    readonly table: string
    readonly missingBlocks: number
    readonly expectedRows: number
    /** Of all chunks one after the other; null where no chunk of the table has run yet. */
    readonly expectedMs: number | null
    readonly chunks: readonly PlannedChunk[]
    readonly holes: readonly Range[]
    readonly held: readonly Range[]
    /** Ranges that stop the table until they are recovered. */
    readonly dirty: readonly Range[]
    readonly create: boolean
    readonly notes: readonly string[]
  }[]
}
