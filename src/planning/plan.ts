// Owns the plan: the chunks that `up` would run now, which tables it leaves out, why, and which blocks of others wait for these.
import { checkTables } from '../targets/check-columns.ts'
import type { BackfillError } from '../model/errors.ts'
import { cutChunks, estimateFromParts, mergeRowEstimates, rowsIn } from './row-estimates.ts'
import { absentText } from './absence.ts'
import {
  countBlocks,
  hull,
  intersect,
  type Range,
  subtract,
  type BlockSet,
  blockSet,
  namedBlocks,
} from '../model/blocks.ts'
import { sourcesBehind, readsHistory } from '../model/choose.ts'
import {
  expectedMs,
  NO_PACE,
  yieldOf,
  type RunHistory,
  readRunHistory,
  sizingOf,
  slotsFor,
} from './sizing.ts'
import type { UpOptions, ReadWorkspace } from './run-options.ts'
import { checkSourceDatabase } from './other-source.ts'
import { outOfTurn } from './schedule.ts'
import { notesOf, readTableStatuses, type TableStatus, targetsOf, uuidsIn } from './table-status.ts'
import { withKept, probeAll } from './probe-missing.ts'
import { type Availability, makeProbe } from './probe.ts'
import { staleSummaries, readableBlocks } from './stale-ranges.ts'
import { expectedByDependants } from './bounds.ts'

/** Reads only. `enough`: after this many rows of a table's missing blocks, those of the rest are estimated. @throws BackfillError `usage`, `server` */
export async function planUp(workspace: ReadWorkspace, options: UpOptions, enough = Infinity) {
  const tableStatuses = await readTableStatuses(workspace, { lag: options.lag, forcedHead: options.to })
  const misfits = new Map<string, BackfillError>()
  const onMisfit = (key: string, error: BackfillError) => void misfits.set(key, error)
  await checkTables(workspace, workspace.chosen, targetsOf(tableStatuses), onMisfit)
  if (!options.newSource) checkSourceDatabase(workspace, tableStatuses, onMisfit)
  const [availabilities, { capacity, throughputs }, free, steering] = await Promise.all([
    availabilitiesOf(workspace, tableStatuses, enough),
    readRunHistory(workspace, uuidsIn(tableStatuses)),
    workspace.ports.target.freeSpace(workspace.chosen.map(({ target }) => target)),
    workspace.ports.steering.readAll(),
  ])
  const { jobs } = slotsFor(options, capacity)
  const known = { options, capacity, throughputs, tableStatuses, misfits, jobs, notRun: new Map() }
  return {
    network: workspace.network.name,
    jobs,
    steering,
    /** Of the disk with the least room; null if it is not known. */
    free: free === undefined ? null : { disk: free.disk, bytes: free.bytes },
    /** The tables with stale ranges, which `up` leaves as they are. */
    stale: staleSummaries(
      workspace.chosen.map(({ key }) => tableStatuses.get(key)!),
      workspace,
    ),
    tables: workspace.chosen.map(({ key }) =>
      planTable(tableStatuses.get(key)!, availabilities.get(key)!, known),
    ),
  }
}

async function availabilitiesOf(
  workspace: ReadWorkspace,
  tableStatuses: ReadonlyMap<string, TableStatus>,
  enough: number,
): Promise<ReadonlyMap<string, Availability>> {
  const probe = await withKept(workspace, tableStatuses, makeProbe(workspace))
  const found = await probeAll(tableStatuses, probe, enough)
  const rest = [...found].filter(([, { unprobed }]) => unprobed.length > 0)
  if (rest.length === 0) return found
  const sourcesOf = (key: string) => sourcesBehind(workspace, tableStatuses.get(key)!.table)
  const parts = await workspace.ports.source.parts([...new Set(rest.flatMap(([key]) => sourcesOf(key)))])
  const estimated = rest.map(([key, availability]) => {
    const own = parts?.filter(({ source }) => sourcesOf(key).includes(source)) ?? [likeSeen(availability)]
    const more = estimateFromParts(own, availability.unprobed)
    return [
      key,
      { ...availability, rowEstimates: mergeRowEstimates(availability.rowEstimates, more) },
    ] as const
  })
  return new Map([...found, ...estimated])
}

/** As many rows in each of the remaining blocks as in those that were looked at. */
function likeSeen({ rowEstimates, unprobed }: Availability): Range & { readonly rows: number } {
  const rows = rowEstimates.reduce((sum, segment) => sum + segment.rows, 0)
  const rest = hull(unprobed)!
  return { ...rest, rows: (rows / countBlocks(rowEstimates)) * (rest.to - rest.from + 1) }
}

type Known = RunHistory & {
  readonly options: UpOptions
  readonly tableStatuses: ReadonlyMap<string, TableStatus>
  readonly misfits: ReadonlyMap<string, BackfillError>
  readonly jobs: number
  readonly notRun: NotRun
}

function planTable(tableStatus: TableStatus, probeBlocks: Availability, known: Known) {
  const { table, bounds, target, dirty, absences } = tableStatus
  const { options, throughputs, tableStatuses, notRun } = known
  const misfit = known.misfits.get(table.key)
  const untouched =
    misfit !== undefined ||
    (absences.some(({ state }) => state === 'unknown rows') && !options.recompute.includes(table.key))
  const wanted = untouched ? [] : [{ from: options.from ?? 0, to: options.to ?? Number.MAX_SAFE_INTEGER }]
  const able = intersect(probeBlocks.runnable, wanted)
  const late = outOfTurn(tableStatus, { covered: tableStatus.covered, wanted, left: able })
  const held = heldBack(tableStatus, tableStatuses, { runnable: late === undefined ? able : [], notRun })
  const runnable = late === undefined ? subtract(able, held.blocks) : []
  const incomplete = intersect(probeBlocks.incomplete, wanted)
  const isStopped = untouched || late !== undefined
  notRun.set(table.key, subtract([{ from: 0, to: Infinity }], runnable))
  const reason =
    table.after.length > 0
      ? `missing; as soon as ${table.after.join(', ')} ${table.after.length > 1 ? 'have' : 'has'} it`
      : 'missing'
  const { naturalHead = Infinity } = bounds.inputs
  const throughput = throughputs.get(table.key) ?? NO_PACE
  const inputs = table.after.map((key) => ({
    throughput: throughputs.get(key) ?? NO_PACE,
    target: tableStatuses.get(key)?.target,
  }))
  const sizing = sizingOf({
    table,
    throughput,
    inputs,
    rowEstimates: probeBlocks.rowEstimates,
    tooBig: undefined,
    ...known,
  })
  const chunks = cutChunks(runnable, sizing, options.order).map((range) => {
    const rows = rowsIn(probeBlocks.rowEstimates, range)
    return {
      ...range,
      reason: range.to > naturalHead ? `${reason}, forced by --to` : reason,
      /** Rows that the probe found in the sources. */
      expectedRows: Math.round(rows),
      /** Estimated from earlier chunks; null if there are none. */
      expectedMs: rounded(expectedMs(throughput, rows)),
    }
  })
  const expectedRows = chunks.reduce((sum, chunk) => sum + chunk.expectedRows, 0)
  return {
    table: table.key,
    missingBlocks: countBlocks(runnable),
    expectedRows,
    /** Of all chunks one after the other; null if no chunk of the table has run yet. */
    expectedMs: rounded(expectedMs(throughput, expectedRows)),
    /** What the chunks would add, by the rows that the last chunks made of theirs and the bytes of the table's rows. */
    expectedBytes:
      target?.rows && target.bytes !== null && throughput.written > 0
        ? Math.round(yieldOf([throughput]) * expectedRows * (target.bytes / target.rows))
        : null,
    chunks,
    sourceGaps: intersect(probeBlocks.sourceGaps, wanted),
    incomplete,
    /** Missing blocks that were not probed: their rows are estimated, and some of them may not run. */
    unprobed: intersect(probeBlocks.unprobed, wanted),
    /** Of these, what a run found earlier, and how long ago. */
    kept: probeBlocks.kept ?? null,
    /** Ranges that stop the table until they are recovered. */
    dirty,
    create: target === undefined,
    /** Why no chunk of it runs: it is stopped, or waits; null if some do, or if it has all that it can have. */
    leftOut:
      chunks.length > 0
        ? null
        : leftOut(tableStatus, isStopped, [...incomplete, ...probeBlocks.absent, ...held.blocks]),
    notes: [
      ...(misfit === undefined ? [] : [`${misfit.message}: ${misfit.hint}`]),
      ...(late === undefined ? [] : [late]),
      ...held.notes,
      ...probeBlocks.absent.map(absentText),
      ...notesOf(tableStatus),
    ],
  }
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms)
}

/** The chunks that `up` would run now, with the reason of each. */
export type PlanReport = Awaited<ReturnType<typeof planUp>>

/** `stopped`: `up` does not touch the table, or it lost rows; `waiting`: for rows, or for a table that it reads. */
type LeftOut = 'stopped' | 'waiting'

/** Table key -> its blocks that this run will not do. Filled in dependency order. */
type NotRun = Map<string, BlockSet>

/** The runnable blocks whose inputs will not have them, as at the end of `up`, with a sentence for each input. */
function heldBack(
  { table }: TableStatus,
  tableStatuses: ReadonlyMap<string, TableStatus>,
  { runnable, notRun }: { readonly runnable: BlockSet; readonly notRun: NotRun },
): { readonly blocks: BlockSet; readonly notes: readonly string[] } {
  const waits = table.after.flatMap((key) => {
    const input = tableStatuses.get(key)!
    const expected = expectedByDependants(input.bounds)
    const lacking = subtract(expected === undefined ? [] : [expected], readableBlocks(table, input))
    // Of a table that is not part of the run, nothing is done.
    const never = intersect(lacking, notRun.get(key) ?? lacking)
    const [first] = readsHistory(table, input.table) ? never : []
    const blocks = intersect(runnable, first === undefined ? never : [{ from: first.from, to: Infinity }])
    return blocks.length === 0 ? [] : [{ key, blocks }]
  })
  return {
    blocks: blockSet(waits.flatMap(({ blocks }) => blocks)),
    notes: waits.map(
      ({ key, blocks }) =>
        `${namedBlocks(blocks)}: left out, for this run does not build them in ${key}, which they read${notRun.has(key) ? '' : ` (\`backfill up +${table.key}\` does)`}`,
    ),
  }
}

/** Of a table without a chunk: why, unless it has all that it can have. `lacking`: blocks and sources that it waits for. */
function leftOut(
  { bounds, absences, lackingInputs }: TableStatus,
  isStopped: boolean,
  lacking: readonly unknown[],
): LeftOut | null {
  if (isStopped || absences.some(({ state }) => !WAITS.includes(state))) return 'stopped'
  const isEarly = bounds.expected === undefined || bounds.unready !== undefined
  return isEarly || lacking.length + lackingInputs.length > 0 ? 'waiting' : null
}

const WAITS: readonly string[] = ['no source rows', 'source too old']
