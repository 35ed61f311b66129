// Owns how a redo's plan looks: the rows to delete, the cost, the blocks to build again. Pure.
import { countBlocks } from '../../model/blocks.ts'
import type { RedoPlan, RedoPlanTable } from './plan.ts'
import { type Colors, count, formatRanges, number, percent } from '../../terminal/render/format.ts'

export type RedoStyle = { readonly typed: string; readonly dry: boolean; readonly colors: Colors }

/** Above this share of a table a rebuild is cheaper than a delete. */
const REBUILD_SHARE = 0.3

export function renderRedo(
  { network, tables }: RedoPlan,
  { typed, dry, colors }: RedoStyle,
): readonly string[] {
  const [first] = tables
  if (first === undefined) return [`Nothing to redo: ${typed} matches no block.`]
  return [
    `network ${colors.bold(network)}`,
    '',
    ...tables.flatMap((table) => tableLines(table, colors)),
    ...costLines(tables, colors),
    ...(dry ? ['', 'Nothing has been written.'] : []),
  ]
}

/** Asked after the plan was shown. */
export function redoQuestion({ tables }: RedoPlan): string {
  const deleting = tables.filter(({ deletes, redo }) => deletes && redo.length > 0)
  if (deleting.length === 0)
    return `Build these blocks of ${tables.map(({ table }) => table).join(', ')} again?`
  const what = deleting.map(
    ({ rows, redo, target }) => `${count(rows, 'row')} of blocks ${formatRanges(redo)} of ${target}`,
  )
  const builds = tables.some(({ redo, outside }) => countBlocks(redo) > countBlocks(outside))
  return `Delete ${what.join(', ')}${builds ? ', and build them again' : ''}?`
}

function tableLines(plan: RedoPlanTable, colors: Colors): readonly string[] {
  const { table, target, redo, outside, also, gone, deletes, rows, tableRows, views } = plan
  const share = tableRows === null ? '' : ` of ${number(tableRows)} (${percent(rows, tableRows)})`
  const left =
    outside.length === 0 ? '' : ` but for blocks ${formatRanges(outside)}, which the table holds no more`
  const what = deletes
    ? `blocks ${formatRanges(redo)}: ${count(rows, 'row')}${share} of ${target} deleted, then built again${left}`
    : `blocks ${formatRanges(redo)} run again; ${target} has one row per key, so old rows cannot be removed: ` +
      `the blocks stay stale until \`backfill rebuild ${table}\``
  return [
    ...(redo.length > 0 ? [`${colors.bold(table)}  ${deletes ? what : colors.yellow(what)}`] : []),
    ...(also.length > 0
      ? [`${colors.bold(table)}  blocks ${formatRanges(also)}: missing or half written; built as well`]
      : []),
    ...(views.length > 0
      ? [
          `${colors.bold(table)}  ${colors.yellow(`the materialized ${views.length === 1 ? 'view reads' : 'views read'} it: ${views.join(', ')}`)}: nothing is deleted there, and the rows that are built again arrive once more`,
        ]
      : []),
    ...(gone.length > 0
      ? [
          `${colors.bold(table)}  blocks ${formatRanges(gone)} stay as they are: the sources no longer hold them, or the table no longer expects them`,
        ]
      : []),
  ]
}

function costLines(tables: readonly RedoPlanTable[], colors: Colors): readonly string[] {
  const big = tables.filter(
    ({ deletes, rows, tableRows }) => deletes && tableRows !== null && rows > tableRows * REBUILD_SHARE,
  )
  if (!tables.some(({ deletes, rows }) => deletes && rows > 0)) return []
  return [
    '',
    colors.dim('A DELETE reads the whole table, even to delete a few rows.'),
    ...big.map(({ table }) =>
      colors.yellow(
        `That is more than ${REBUILD_SHARE * 100} % of ${table}: \`backfill rebuild ${table}\` builds it beside the old table, and readers never see it half done.`,
      ),
    ),
  ]
}
