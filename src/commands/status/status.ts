// Owns the report of where tables stand: standings and a survey of what is missing, judged in one word per table.
import type { Range, TableDefinition } from '../../model/model.ts'
import type { LockInfo } from '../../lock/lock-port.ts'
import { owedToDependants } from '../../planning/bounds.ts'
import {
  blockSet,
  type BlockSet,
  countBlocks,
  intersect,
  subtract,
  union,
  watermark,
} from '../../model/blocks.ts'
import { cureOf } from '../../ledger/cure.ts'
import { mergeWeights } from '../../planning/weights.ts'
import type { StaleReport, StatusReport, TableReport, TableState } from '../../runner/events.ts'
import { staleReports } from '../../planning/stale-reports.ts'
import { blocksIn, emptiedNote, readStandings, type Standing } from '../../planning/table-status.ts'
import {
  FIRST_WINDOW,
  makeSurveyor,
  nextWindow,
  type Survey,
  type Surveyor,
  widthAfter,
} from '../../planning/survey.ts'
import type { World } from '../../runner/world.ts'

/** Where every chosen table stands. Reads only; `lag` in blocks. @throws BackfillError `server` */
export async function status(world: World, { lag }: { readonly lag: number }): Promise<StatusReport> {
  const [standings, locks] = await Promise.all([
    readStandings(world, { lag, forcedHead: undefined }),
    world.ports.locks.holders(),
  ])
  const surveys = await surveyAll(world, standings, STATUS_ROWS)
  const tables = await Promise.all(
    world.chosen.map(async ({ key }) => {
      const standing = standings.get(key)!
      const stale = await staleReports(world, standing)
      return reportOf(standing, { survey: surveys.get(key)!, lock: locks.get(key), stale })
    }),
  )
  return {
    network: world.network.name,
    tables: tables.map((report) => ({
      ...report,
      target: `${world.ports.target.database}.${report.target}`,
    })),
  }
}

/**
 * A status is wanted now: once so many rows of missing blocks have been looked at, the table has hardly begun, and the
 * rest counts as missing. Empty blocks cost nothing, so that a hole is seen whole however long it is.
 */
const STATUS_ROWS = 200_000_000

/**
 * What of each table's missing blocks is a hole or held back. A table that reads derived tables has its inputs'
 * holes and held blocks: what they do not process never reaches it. `enough`: rows after which the blocks of a table
 * that are left count as runnable.
 */
export async function surveyAll(
  world: World,
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

type Seen = {
  readonly survey: Survey
  readonly lock: LockInfo | undefined
  readonly stale: readonly StaleReport[]
}

function reportOf(standing: Standing, { survey, lock, stale: staleVersions }: Seen): TableReport {
  const { table, bounds, target, view, covered, dirty } = standing
  const owed: readonly Range[] = bounds.owed === undefined ? [] : [bounds.owed]
  const { runnable: missing, holes, held } = survey
  const done = intersect(covered, owed)
  const stale = (view?.islands ?? []).filter(
    ({ state, sqlHash }) => state === 'done' && sqlHash !== table.sqlHash,
  )
  const first = bounds.owed?.from ?? null
  const report = {
    table: table.key,
    target: table.target,
    first,
    head: bounds.owed?.to ?? null,
    watermark: (first === null ? undefined : watermark(covered, first)) ?? null,
    covered,
    accepted: blocksIn(view, 'accepted'),
    missing,
    missingBlocks: countBlocks(missing),
    doneBlocks: countBlocks(done),
    owedBlocks: countBlocks(done) + countBlocks(missing),
    holes,
    held,
    dirty,
    stale: stale.map(({ from, to, sqlHash }) => ({ from, to, sqlHash })),
    staleVersions,
    sqlHash: table.sqlHash,
    cure: cureOf(table),
    rows: target?.rows ?? null,
    lastRun: view?.lastRun ?? null,
    lock: lock === undefined || lock.released ? null : lock,
    notes: [bounds.note, emptiedNote(standing)].filter((note) => note !== undefined),
  }
  return { ...report, state: stateOf(report, target !== undefined) }
}

function stateOf(report: Omit<TableReport, 'state'>, exists: boolean): TableState {
  if (!exists) return 'not created'
  if (report.lock !== null) return 'running'
  if (report.dirty.length > 0) return 'dirty'
  if (report.first === null) return 'no blocks'
  if (report.missingBlocks > 0) return 'behind'
  if (report.stale.length > 0) return 'stale'
  return report.holes.length > 0 || report.held.length > 0 ? 'blocked' : 'up to date'
}
