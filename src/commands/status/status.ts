// Owns the status report: the status of each table, a probe of its missing blocks, and one state per table.
import { misfitOfFile } from '../../targets/check-columns.ts'
import { plainInputsError } from '../../targets/plain-inputs.ts'
import { inUnit, type PerUnit, type TableDefinition } from '../../model/model.ts'
import { blockSet, countBlocks, intersect, type Range, watermark } from '../../model/blocks.ts'
import { isWorking } from '../../lock/watch.ts'
import { hintOf, staleBlocks } from '../../ledger/stale.ts'
import { staleReports } from '../../planning/stale-ranges.ts'
import {
  blocksIn,
  notesOf,
  readTableStatuses,
  type TableStatus,
  uuidsIn,
  targetsOf,
} from '../../planning/table-status.ts'
import { absentText, thinText } from '../../planning/absence.ts'
import { otherSourceError } from '../../planning/other-source.ts'
import { withKept, probeAll, probeMissing } from '../../planning/probe-missing.ts'
import { standstillOf, stateOf, type StatusReport, type TableReport } from './table-report.ts'
import { highest, newestBlocks, oldText, otherNetworks } from './chain.ts'
import { COLLAPSING_ENGINES } from '../../targets/compared-columns.ts'
import { rowsIn, ENOUGH_ROWS } from '../../planning/row-estimates.ts'
import { NOTHING_KNOWN, readRunHistory, expectedMs, NO_PACE } from '../../planning/sizing.ts'
import type { Ages } from '../../sources/ages.ts'
import { makeProbe } from '../../planning/probe.ts'
import { concerns } from '../../ledger/steering.ts'
import type { Workspace } from '../../runner/workspace.ts'

/** `lag` in blocks; `maxSourceAge` in seconds: older sources are absence. Reads only. @throws BackfillError `server` */
export async function status(
  workspace: Workspace,
  { lag, ages, maxSourceAge = Infinity }: StatusOptions,
): Promise<StatusReport> {
  const asked = workspace.ports.steering.readAll()
  asked.catch(() => undefined) // who may not read the ledger hears of the whole of it first
  const [tableStatuses, locks] = await Promise.all([
    readTableStatuses(workspace, { lag }),
    workspace.ports.locks.holders(),
  ])
  const steering = await asked
  const hasMissing = [...tableStatuses.values()].some(({ missing }) => missing.length > 0)
  const [availabilities, sourceAges, { throughputs }, others] = await Promise.all([
    withKept(workspace, tableStatuses, makeProbe(workspace)).then((probe) =>
      probeAll(tableStatuses, probe, ENOUGH_ROWS),
    ),
    ages?.newest(newestBlocks(workspace, tableStatuses)) ?? new Map<string, number>(),
    hasMissing ? readRunHistory(workspace, uuidsIn(tableStatuses)) : NOTHING_KNOWN,
    otherNetworks(workspace, tableStatuses),
  ])
  const { database } = workspace.ports.target
  const plain = { catalogue: workspace.catalogue, database, targets: targetsOf(tableStatuses) }

  const reportOf = async ({ key }: TableDefinition): Promise<TableReport> => {
    const tableStatus = tableStatuses.get(key)!
    const { table, bounds, target, view, covered, dirty } = tableStatus
    const [staleVersions, arrived, misfit, lastFailure] = await Promise.all([
      staleReports(workspace, tableStatus),
      arrivedIn(workspace, tableStatus),
      // The table is not as its file says: `up` does not write to it.
      target &&
        misfitOfFile(workspace.ports.target, table, target).then(
          (one) => one ?? plainInputsError(table, plain),
        ),
      target && dirty.length > 0 ? workspace.ports.ledger.lastFailure(key, target.uuid, dirty) : undefined,
    ])
    const unfit = misfit ?? otherSourceError(tableStatus, workspace.ports.source.database)
    const held = locks.get(key)
    const lock = held?.released === false ? held : null
    const works = isWorking(lock)
    const holds = steering.filter((hold) => concerns(hold, key))
    const probed = availabilities.get(key)!
    const { runnable: missing, sourceGaps, incomplete } = probed
    const done = intersect(covered, bounds.expected === undefined ? [] : [bounds.expected])
    const first = bounds.expected?.from ?? null
    const rowsLeft = missing.reduce((sum, range) => sum + rowsIn(probed.rowEstimates, range), 0)
    const msLeft = expectedMs(throughputs.get(key) ?? NO_PACE, rowsLeft)
    const report = {
      table: table.key,
      target: `${database}.${table.target}`,
      targetUuid: target?.uuid ?? null,
      after: table.after,
      unit: table.unit,
      first,
      head: bounds.expected?.to ?? null,
      newest: highest([bounds.inputs.newest]),
      watermark: (first === null ? undefined : watermark(covered, first)) ?? null,
      covered,
      accepted: blocksIn(view, 'accepted'),
      arrived,
      missing,
      missingBlocks: countBlocks(missing),
      doneBlocks: countBlocks(done),
      expectedBlocks: countBlocks(done) + countBlocks(missing),
      sourceGaps,
      incomplete,
      // Of a table that reads only derived tables nothing is looked at but how many rows there are.
      unprobed: table.sources.length === 0 ? [] : probed.unprobed,
      kept: probed.kept ?? null,
      inProgress: works ? dirty : [],
      dirty: works ? [] : dirty,
      lastFailure: (works ? undefined : lastFailure) ?? null,
      expectedMs: msLeft === undefined || rowsLeft === 0 ? null : Math.round(msLeft),
      stale: staleBlocks(tableStatus.stale),
      staleVersions,
      sqlHash: table.sqlHash,
      hint: tableStatus.stale.length === 0 ? null : hintOf(table, workspace.catalogue.tables),
      rows: target?.rows ?? null,
      mayMerge: target !== undefined && COLLAPSING_ENGINES.test(target.engine),
      lastRun: view?.lastRun ?? null,
      eventsSinceCheckpoint: view?.tail ?? 0,
      lock,
      holds,
      sourceHead: highest([bounds.inputs.naturalHead]),
      limit: bounds.limits.to ?? null,
      standstill: standstillOf({ lock, holds, missing, incomplete }, bounds),
      absences: [
        ...tableStatus.absences,
        ...table.sources.flatMap((source) => oldText(source, sourceAges.get(source), maxSourceAge)),
      ],
      misfit: unfit?.message ?? target?.problem?.sentence ?? null,
      notes: [
        ...(unfit === undefined ? [] : [`${unfit.message}: ${unfit.hint}`]),
        ...notesOf(tableStatus),
        ...probed.absent.map(absentText),
        ...probed.thin.map(thinText),
      ],
    }
    return { ...report, state: stateOf(report, target !== undefined) }
  }

  const unit = workspace.chosen.every((table) => table.unit === 'second') ? 'second' : 'block'
  const inputs = [...tableStatuses.values()].flatMap(({ table, bounds }) =>
    table.unit === unit ? [bounds.inputs] : [],
  )
  return {
    network: workspace.network.name,
    head: highest(inputs.map(({ naturalHead }) => naturalHead)),
    newest: highest(inputs.map(({ newest }) => newest)),
    sourceAges,
    lag: inUnit(lag, unit) ?? 0,
    otherNetworks: others,
    namedNetworks: workspace.catalogue.networks.map(({ name }) => name),
    tables: await Promise.all(workspace.chosen.map(reportOf)),
  }
}

type StatusOptions = {
  readonly lag: PerUnit
  readonly ages?: Ages | undefined
  readonly maxSourceAge?: number | undefined
}

async function arrivedIn(workspace: Workspace, { table, view }: TableStatus): Promise<readonly Range[]> {
  const accepted = blocksIn(view, 'accepted')
  if (accepted.length === 0 || table.sources.length === 0) return []
  const { runnable, rowEstimates } = await probeMissing(makeProbe(workspace), table, accepted, ENOUGH_ROWS)
  // Blocks without rows are runnable, too, where the gap around them has become short.
  const near = intersect(runnable, blockSet(rowEstimates))
  const found = near.map(async ({ from, to }, at) => {
    if (at >= MOST_LOOKED_AT) return [{ from, to }]
    const [after, before] = await Promise.all([
      workspace.ports.source.nextRows(table.sources, from, 'oldest'),
      workspace.ports.source.nextRows(table.sources, to, 'newest'),
    ])
    const rows = { from: Math.min(...after.values()), to: Math.max(...before.values()) }
    return rows.from > to ? [] : [rows]
  })
  return (await Promise.all(found)).flat()
}

/** Ranges that are looked at one by one; the probe has seen the rest by buckets. */
const MOST_LOOKED_AT = 20

export function presentUuids(tables: readonly TableReport[]): ReadonlyMap<string, string> {
  return new Map(
    tables.flatMap(({ table, targetUuid }) => (targetUuid === null ? [] : [[table, targetUuid]])),
  )
}
