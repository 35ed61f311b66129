// Owns the plan of a redo: the blocks of each table, the cost of the DELETE, and the reasons to refuse.
import { checkTables } from '../../targets/check-columns.ts'
import { usageError } from '../../model/errors.ts'
import { historyOf } from '../../model/choose.ts'
import type { PerUnit, TableDefinition } from '../../model/model.ts'
import { type BlockSet, hull, subtract, union } from '../../model/blocks.ts'
import { rangeOf } from '../../ledger/staleness.ts'
import { type RedoBlocks, redoBlocks, type RedoRequest, type RedoTable } from './blocks.ts'
import { assertNoDependants, assertNoLoss, assertPerBlock, recordedTogether } from './refusals.ts'
import { hasLostRows } from '../../planning/absence.ts'
import { readTableStatuses, type TableStatus, targetsOf, uuidsIn } from '../../planning/table-status.ts'
import { staleBlocks } from '../../ledger/stale.ts'
import { readRunHistory, slotsFor, expectedMs, NO_PACE } from '../../planning/sizing.ts'
import { rowsIn } from '../../planning/row-estimates.ts'
import type { Workspace } from '../../runner/workspace.ts'

export type RedoQuestion = {
  readonly request: RedoRequest
  /** What happens to the blocks of tables that were built from these: `later`: their turn comes after this redo. */
  readonly dependants: 'refuse' | 'cascade' | 'later'
  readonly lag: PerUnit
  /** Statements at the same time, for the estimate of the time; undefined: by the server's capacity. */
  readonly jobs: number | undefined
  readonly building?: ReadonlyMap<string, BlockSet>
}

/** `tables`: the named one first, then those that read it, in the order of their dependencies. */
type Redone = {
  readonly tables: readonly TableDefinition[]
  readonly uuids: ReadonlyMap<string, string>
  readonly question: RedoQuestion
}

/** Plans the redo of the chosen table. Reads only. @throws BackfillError `usage`, `failed` (refusals.ts) */
export async function planRedo(workspace: Workspace, question: RedoQuestion) {
  const { dependants, lag, building = new Map<string, BlockSet>() } = question
  const table = workspace.chosen[0]!
  assertPerBlock(table)
  if (workspace.ports.executor.noDeletes !== undefined)
    throw usageError(`redo deletes rows, and ${workspace.ports.executor.noDeletes}`, noDeletesHint(table))
  const readers = dependants === 'later' ? [] : readersOf(workspace, table)
  const wide: Workspace = { ...workspace, chosen: [table, ...readers] }
  const first = await readTableStatuses(wide, { lag })
  if (first.get(table.key)?.target === undefined)
    throw usageError(
      `${workspace.ports.target.database}.${table.target} does not exist`,
      'backfill up builds it',
    )
  const tables = wide.chosen.filter(({ key }) => first.get(key)?.target !== undefined)
  const uuids = uuidsIn(first)
  const blocks = await pickBlocks(workspace, { tables, uuids, question }, first)
  // Done blocks stay expected even if the head or the lag has changed since.
  const head = Math.max(0, ...blocks.map(({ redo }) => hull(redo)?.to ?? 0))
  const tableStatuses = [...first.values()].some(({ bounds }) => (bounds.expected?.to ?? 0) < head)
    ? await readTableStatuses(wide, { lag, forcedHead: head })
    : first
  if (dependants === 'refuse') assertNoDependants(table, blocks.slice(1), question.request)
  const concerned = blocks.filter(({ redo, also }) => redo.length + also.length > 0)
  await checkTables(
    wide,
    tables.filter(({ key }) => concerned.some((one) => one.key === key)),
    targetsOf(tableStatuses),
  )
  const plans = []
  const built = new Map([
    ...building,
    ...blocks.map(({ key, redo, also }) => [key, union(redo, also)] as const),
  ])
  const { capacity, throughputs } = await readRunHistory(workspace, uuids)
  const { jobs } = slotsFor({ jobs: question.jobs, tableJobs: undefined }, capacity)
  for (const one of concerned) {
    const tableStatus = tableStatuses.get(one.key)!
    const { gone, whyGone, rowEstimates } = await assertNoLoss(
      workspace,
      { tableStatuses, building: built },
      one,
    )
    const rows = subtract(one.redo, gone).reduce((sum, range) => sum + rowsIn(rowEstimates, range), 0)
    const ms = expectedMs(throughputs.get(one.key) ?? NO_PACE, rows)
    plans.push({
      ...(await costOf(workspace, tableStatus, { ...one, redo: subtract(one.redo, gone) })),
      /** Blocks that are left as they are, and why: the sources or a table that it reads lack their rows, or it expects them no more. */
      gone,
      whyGone: gone.length === 0 ? null : whyGone,
      /** How long the blocks are missing while they are built again; null if no chunk of the table has run yet. */
      expectedMs: ms === undefined ? null : Math.round(ms / jobs),
    })
  }
  // `head`: the highest block that is built again. The named table first, then its readers; none if there is nothing to do.
  const report = { network: workspace.network.name, head, tables: plans }
  return { report, question, tables, uuids }
}

export type PlannedRedo = Awaited<ReturnType<typeof planRedo>>
export type RedoPlan = PlannedRedo['report']
export type RedoPlanTable = RedoPlan['tables'][number]

function noDeletesHint({ key }: TableDefinition): string {
  return `Drop the local tables of ${key} on each server and create them again: backfill up --tables ${key} builds it again`
}

export async function pickBlocks(
  { ports }: Workspace,
  { tables, uuids, question }: Redone,
  tableStatuses: ReadonlyMap<string, TableStatus>,
): Promise<readonly RedoBlocks[]> {
  const [table, ...dependants] = await Promise.all(
    tables.map(({ key }) => factsOf(ports, tableStatuses.get(key)!, uuids.get(key)!)),
  )
  return redoBlocks(table!, question.request, dependants)
}

export async function factsOf(
  { ledger }: Pick<Workspace['ports'], 'ledger'>,
  { table, view, missing, stale, absences }: TableStatus,
  uuid: string,
): Promise<RedoTable> {
  const { key, after } = table
  const old = staleBlocks(stale)
  // Of a table that lacks rows only whole recorded ranges are built again (refusals.ts).
  const rest =
    old.length === 0 || !hasLostRows(absences)
      ? []
      : await recordedTogether(ledger, { key, uuid, redo: old }, await ledger.attempts(key, uuid, old))
  const islands = view?.islands ?? []
  const cleaned = islands.length === 0 || missing.length === 0 ? [] : await ledger.cleaned(key, uuid)
  const history = historyOf(table)
  return { key, after, history, islands, stale: union(old, rest), missing, cleaned }
}

/** All direct and indirect readers of a table, in the order of their dependencies. */
function readersOf({ catalogue }: Workspace, { key }: TableDefinition): readonly TableDefinition[] {
  const found = new Set([key])
  for (const table of catalogue.tables)
    if (table.after.some((input) => found.has(input))) found.add(table.key)
  return catalogue.tables.filter((table) => table.key !== key && found.has(table.key))
}

async function costOf(
  { ports }: Workspace,
  { table, target, bounds }: TableStatus,
  { redo, also }: RedoBlocks,
) {
  const deletes = table.rows.kind === 'per-block'
  return {
    table: table.key,
    target: `${ports.target.database}.${table.target}`,
    /** Whether rows are deleted first. A per-key table runs again without a delete and stays stale there. */
    deletes,
    redo,
    /** Those of them that the table holds no more: they are not built again. */
    outside: subtract(redo, [rangeOf(bounds.limits)]),
    also,
    rows: deletes ? await ports.executor.count(table, redo) : 0,
    /** Of the whole table, before merging; null if the engine does not count them. */
    tableRows: target?.rows ?? null,
    /** The materialized views that read it: they keep what they took, and take the rows that are built again once more. */
    views: [...(target?.views ?? []), ...(target?.localViews ?? [])],
  }
}
