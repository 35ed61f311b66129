// Owns the reasons to refuse a redo: deleted rows could not be built again, or dependants would keep old rows.
import {
  formatRange,
  type BlockSet,
  blockSet,
  formatBlockSet,
  hull,
  intersect,
  subtract,
  union,
  namedBlocks,
} from '../../model/blocks.ts'
import { failedError, usageError } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { flagsOf, type RedoBlocks, type RedoRequest } from './blocks.ts'
import { rangeOf } from '../../ledger/staleness.ts'
import { changesSince } from '../../runner/recover.ts'
import { makeProbe } from '../../planning/probe.ts'
import { probeMissing } from '../../planning/probe-missing.ts'
import { expectedByDependants } from '../../planning/bounds.ts'
import type { RowEstimates } from '../../planning/row-estimates.ts'
import { readableBlocks } from '../../planning/stale-ranges.ts'
import { hasLostRows } from '../../planning/absence.ts'
import type { Attempt } from '../../ledger/events.ts'
import type { TableStatus } from '../../planning/table-status.ts'
import { readsOf } from '../../runner/chunk-inputs.ts'
import type { Workspace } from '../../runner/workspace.ts'

export function assertPerBlock({ key, rows }: TableDefinition): void {
  if (rows.kind === 'per-block') return
  throw usageError(
    `${key} keeps one row per key over all blocks: the rows of a range cannot be removed`,
    `backfill rebuild ${key} builds a new table beside the old one`,
  )
}

/** @throws BackfillError `usage` if dependants of the blocks would keep their old rows; the hint has the command */
export function assertNoDependants(
  table: TableDefinition,
  dependants: readonly RedoBlocks[],
  request: RedoRequest,
): void {
  const left = dependants.filter(({ redo }) => redo.length > 0)
  if (left.length === 0) return
  const which = left.map(({ key, redo }) => `${key} (${formatBlockSet(redo)})`).join(', ')
  throw usageError(
    `${which} ${left.length === 1 ? 'was' : 'were'} built from these blocks of ${table.key} and would keep their old rows`,
    `backfill redo ${table.key} ${flagsOf(request)} --cascade builds them again, too`,
  )
}

type Around = {
  /** Also of the tables that it reads. */
  readonly tableStatuses: ReadonlyMap<string, TableStatus>
  readonly building: ReadonlyMap<string, BlockSet>
}

/**
 * `gone`: the blocks to leave as they are: their source rows were pruned, a table that it reads lacks them, or the table
 * no longer expects them; `whyGone`: which of these. `rowEstimates`: of the others.
 * @throws BackfillError `failed` if that is all of them, or others could not be built again after the delete: their source
 *   rows are incomplete
 */
export async function assertNoLoss(
  workspace: Workspace,
  { tableStatuses, building }: Around,
  { key, redo: all }: Pick<RedoBlocks, 'key' | 'redo'>,
): Promise<{ readonly gone: BlockSet; readonly whyGone: string; readonly rowEstimates: RowEstimates }> {
  const tableStatus = tableStatuses.get(key)!
  const { table, target, bounds, absences } = tableStatus
  const emptied = absences.find(({ state }) => state === 'emptied')
  if (emptied !== undefined) throw failedError(emptied.text)
  if (table.rows.kind === 'per-block' && target?.noDeletes !== undefined)
    throw usageError(
      `the rows of ${table.target} cannot be deleted: ${target.noDeletes}; nothing was changed`,
      `backfill rebuild ${table.key} builds a new table beside the old one`,
    )
  // Rows outside of the table's limits are taken out; nothing is to be built there again.
  const redo = intersect(all, [rangeOf(bounds.limits)])
  if (redo.length === 0) return { gone: [], whyGone: '', rowEstimates: [] }
  const refuse = (why: string, blocks: BlockSet, hint?: string): never => {
    const rest = hull(subtract(redo, blocks))
    throw failedError(
      `${namedBlocks(blocks)} of ${table.key} cannot be built again: ${why}; nothing was changed`,
      hint ??
        (rest === undefined
          ? 'Leave them unchanged, or restore the source rows'
          : `Restore the source rows, or leave these blocks out with --from and --to: the rest lies in ${formatRange(rest)}`),
    )
  }
  if (table.rows.kind === 'per-key' && !target!.engine.includes('Replacing'))
    refuse(`rows of ${target!.engine} cannot be replaced; use backfill rebuild ${table.key}`, redo)
  const { expected } = bounds
  const beyond = subtract(redo, expected === undefined ? [] : [expected])
  const whyBeyond =
    expected === undefined ? bounds.note! : `what ${key} reads has ${namedBlocks([expected])} now`
  if (beyond.length > 0 && subtract(redo, beyond).length === 0) refuse(whyBeyond, beyond)
  const lacking = blockSet(
    table.after.flatMap((input) => {
      const status = tableStatuses.get(input)!
      const end = expectedByDependants(status.bounds)
      const readable = union(readableBlocks(table, status), building.get(input) ?? [])
      return end === undefined ? [] : intersect(redo, subtract([end], readable))
    }),
  )
  const whyLacking = `${table.after.join(', ')} lack${table.after.length === 1 ? 's' : ''} them`
  if (lacking.length > 0 && subtract(redo, lacking).length === 0)
    refuse(whyLacking, lacking, `\`backfill status ${table.after.join(' ')}\` says why, and what to type`)

  const attempts = await workspace.ports.ledger.attempts(table.key, target!.uuid, redo)
  if (hasLostRows(absences)) await assertWhole(workspace, table, { uuid: target!.uuid, redo }, attempts)
  const reads = readsOf(tableStatus, { ...workspace, tableStatuses })
  const changes = await changesSince(workspace.ports, { table, ...reads }, attempts)
  const reasons = [
    [whyBeyond, beyond],
    [whyLacking, lacking],
    ['the sources no longer hold them', changes.flatMap((change) => change.gone)],
  ] as const
  const found = reasons.filter(([, blocks]) => intersect(redo, blockSet(blocks)).length > 0)
  const whyGone = found.map(([why]) => why).join('; ')
  const gone = intersect(redo, blockSet(found.flatMap(([, blocks]) => blocks)))
  const there = subtract(redo, gone)
  if (there.length === 0) refuse(whyGone, gone)

  const { sourceGaps, incomplete, rowEstimates } = await probeMissing(makeProbe(workspace), table, there)
  if (sourceGaps.length > 0) refuse('no source has rows there', sourceGaps)
  if (incomplete.length > 0) refuse('some sources lack these blocks', incomplete)
  return { gone, whyGone, rowEstimates }
}

/**
 * Of a table that lacks rows, only whole recorded ranges are built again: of the rest of a range nothing would be recorded any more that
 * tells whether its rows are there. @throws BackfillError `failed`
 */
async function assertWhole(
  { ports: { ledger } }: Workspace,
  { key, target }: TableDefinition,
  { uuid, redo }: { readonly uuid: string; readonly redo: BlockSet },
  attempts: readonly Attempt[],
): Promise<void> {
  const rest = await recordedTogether(ledger, { key, uuid, redo }, attempts)
  if (rest.length > 0)
    throw failedError(
      `${target} lacks rows, and ${namedBlocks(rest)} were recorded together with blocks of this redo: if these were built again alone, nobody could tell whether the others are there; nothing was changed`,
      `\`backfill verify --stored ${key}\` names the blocks that lack rows, and the redo that builds them`,
    )
}

/** The other blocks of the recorded ranges that these are part of. `attempts`: of these blocks. @throws BackfillError `server` */
export async function recordedTogether(
  ledger: Pick<Workspace['ports']['ledger'], 'attempts'>,
  { key, uuid, redo }: { readonly key: string; readonly uuid: string; readonly redo: BlockSet },
  attempts: readonly Attempt[],
): Promise<BlockSet> {
  const done = attempts.filter(({ finished }) => finished)
  const others = subtract(blockSet(done.map(({ range }) => range)), redo)
  if (others.length === 0) return []
  const ids = new Set(done.map(({ queryId }) => queryId))
  const latest = await ledger.attempts(key, uuid, others)
  return blockSet(latest.flatMap(({ queryId, blocks }) => (ids.has(queryId) ? blocks : [])))
}
