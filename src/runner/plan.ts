// Owns the plan: what `up` would do now, chunk by chunk, without writing anything.
import { checkTables } from './check-tables.ts'
import { cutChunks, DEFAULT_CHUNK } from './pure/chunks.ts'
import { countBlocks, intersect } from './pure/interval.ts'
import type { PlanReport, PlannedChunk, UpOptions } from './reports.ts'
import { readStandings, type Standing } from './standing.ts'
import { surveyAll } from './status.ts'
import type { Survey } from './surveyor.ts'
import type { World } from './world.ts'

/** Plans a run of `up` with these options. Reads only. @throws BackfillError `usage`, `server` */
export async function planUp(world: World, options: UpOptions): Promise<PlanReport> {
  const standings = await readStandings(world, { lag: options.lag, forcedHead: options.to })
  const targets = new Map(
    [...standings.values()].flatMap(({ table, target }) => (target ? [[table.target, target] as const] : [])),
  )
  await checkTables(world, world.chosen, targets)
  const surveys = await surveyAll(world, standings)
  return {
    network: world.network.name,
    tables: world.chosen.map(({ key }) => planTable(standings.get(key)!, surveys.get(key)!, options)),
  }
}

function planTable({ table, bounds, target, dirty }: Standing, survey: Survey, options: UpOptions) {
  const wanted = [{ from: options.from ?? 0, to: options.to ?? Number.MAX_SAFE_INTEGER }]
  const runnable = intersect(survey.runnable, wanted)
  const reason = table.after.length > 0 ? `missing; as soon as ${table.after.join(', ')} have it` : 'missing'
  const { naturalHead = Infinity } = bounds.inputs
  return {
    table: table.key,
    missingBlocks: countBlocks(runnable),
    chunks: cutChunks(runnable, options.chunk ?? table.chunk ?? DEFAULT_CHUNK).map((range): PlannedChunk => ({
      ...range,
      table: table.key,
      reason: range.to > naturalHead ? `${reason}, forced by --to` : reason,
    })),
    holes: intersect(survey.holes, wanted),
    held: intersect(survey.held, wanted),
    dirty,
    create: target === undefined,
    notes: bounds.note === undefined ? [] : [bounds.note],
  }
}
