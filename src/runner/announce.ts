// Owns the messages of a run about its tables before it starts and after it ends.
import { BackfillError } from '../model/errors.ts'
import { countBlocks, intersect, namedBlocks } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import type { RunEvent } from './events.ts'
import type { RunContext } from './prepare.ts'
import type { TableRun } from './table-run.ts'
import { hintOf, shortHash, splitStaleTag, staleBlocks } from '../ledger/stale.ts'
import { lackingInputsNote, strayTexts, type TableStatus } from '../planning/table-status.ts'
import { changedBeforeLock } from './same-table.ts'

/** Source gaps and incomplete blocks, once for all tables that skip the same. */
export function skippedBlocks(runs: ReadonlyMap<string, TableRun>): Extract<RunEvent, { type: 'skipped' }>[] {
  const skipping = [...runs.values()].filter(
    ({ sourceGaps, incomplete }) => sourceGaps.length > 0 || incomplete.length > 0,
  )
  const alike = Map.groupBy(skipping, ({ sourceGaps, incomplete }) =>
    JSON.stringify([sourceGaps, incomplete]),
  )
  return [...alike.values()].map((same) => ({
    type: 'skipped',
    tables: same.map(({ key }) => key),
    sourceGaps: same[0]!.sourceGaps,
    incomplete: same[0]!.incomplete,
  }))
}

/** Reports for each table the work to do, and why some blocks cannot run. */
export function announce(
  runs: ReadonlyMap<string, TableRun>,
  { misfits, options, report, catalogue }: Pick<RunContext, 'misfits' | 'options' | 'report' | 'catalogue'>,
): void {
  for (const run of runs.values()) {
    const { key, tableStatus, unprobed } = run
    const { bounds, covered, absences } = tableStatus
    if (refusalOf(run, { misfits, options }) !== undefined) continue
    for (const { state, text } of absences)
      if (['emptied', 'emptied in part', 'head went back'].includes(state))
        report({ type: 'warning', table: key, text })
      else if (state === 'no source rows' && covered.length > 0)
        report({ type: 'warning', table: key, text: `${text}, although blocks are done` })
    for (const text of strayTexts(tableStatus)) report({ type: 'warning', table: key, text })
    const waits = lackingInputsNote(tableStatus)
    if (waits !== undefined && unprobed.length > 0) report({ type: 'note', table: key, text: waits })
    if (bounds.note !== undefined) {
      report({ type: 'note', table: key, text: bounds.note, isEmpty: true })
      continue
    }
    const { naturalHead = Infinity } = bounds.inputs
    if (bounds.expected !== undefined && options.to !== undefined && bounds.expected.to > naturalHead)
      report({
        type: 'warning',
        table: key,
        text: `--to ${options.to} is above the head ${naturalHead}: the sources are taken as complete up to there; recorded as forced`,
      })
    const doneBlocks = countBlocks(intersect(covered, bounds.expected === undefined ? [] : [bounds.expected]))
    const edited =
      unprobed.length === 0 || options.redoStale ? undefined : editedText(tableStatus, catalogue.tables)
    if (edited !== undefined) report({ ...edited, table: key })
    report({ type: 'table', table: key, missingBlocks: countBlocks(unprobed), doneBlocks })
  }
}

/**
 * Why a run must not touch a table; undefined if it may. New rows in an emptied table would hide that others are lost; a table that reads
 * itself would read less, except that a redo, which brings its lock, may build the lost rows.
 */
export function refusalOf(
  { tableStatus: { table, target, absences, missing }, lock }: Pick<TableRun, 'tableStatus' | 'lock'>,
  { misfits, options: { recompute } }: Pick<RunContext, 'misfits' | 'options'>,
): BackfillError | undefined {
  const misfit = misfits.get(table.key)
  if (misfit !== undefined) return misfit
  // Somebody dropped it between its creation and the question for its status.
  if (target === undefined) return changedBeforeLock(table, 'dropped')
  const refused = absences.find(
    ({ state }) =>
      (state === 'unknown rows' && !recompute.includes(table.key)) ||
      (state === 'emptied' && missing.length > 0) ||
      (state === 'emptied in part' && missing.length > 0 && table.sequential === 'itself' && !lock),
  )
  return refused && new BackfillError(refused.text, { kind: 'failed' })
}

/** A warning only until the file's SQL has built some blocks, because cron would send it every ten minutes. */
function editedText(
  { table, view, stale }: TableStatus,
  tables: readonly TableDefinition[],
): Pick<Extract<RunEvent, { type: 'note' | 'warning' }>, 'type' | 'text'> | undefined {
  const islands = view?.islands ?? []
  const stay = stale.filter(({ reasons }) => reasons.includes('sql'))
  if (stay.length === 0) return undefined
  const known = islands.some(
    ({ state, sqlHash }) => state === 'done' && splitStaleTag(sqlHash).hash === table.sqlHash,
  )
  const hashes = [...new Set(stay.map(({ hash }) => shortHash(hash)))].join(', ')
  return {
    type: known ? 'note' : 'warning',
    text: `missing blocks are built with the SQL of the file (${shortHash(table.sqlHash)}); ${namedBlocks(staleBlocks(stay))} stay as older SQL (${hashes}) built them: ${hintOf(table, tables)} builds them again`,
  }
}
