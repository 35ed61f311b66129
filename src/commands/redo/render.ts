// Owns how a redo's plan looks: the rows to delete, the cost, the blocks to build again. Pure.
import { countBlocks } from '../../model/blocks.ts'
import { flagsOf, type RedoRequest } from './blocks.ts'
import type { RedoPlan, RedoPlanTable } from './plan.ts'
import {
  type Colors,
  count,
  duration,
  namedRanges,
  listOf,
  number,
  percent,
} from '../../terminal/render/format.ts'

export type RedoStyle = { readonly dry: boolean; readonly colors: Colors }

/** Above this share of a table a rebuild is cheaper than a delete. */
const REBUILD_SHARE = 0.3

export function renderRedo(
  { network, tables }: RedoPlan,
  request: RedoRequest,
  { dry, colors }: RedoStyle,
): readonly string[] {
  const lines = tables.flatMap((table) => tableLines(table, colors))
  return tables.length === 0
    ? [`Nothing to redo: ${flagsOf(request)} matches no block.`]
    : planLines(network, tables, lines, { dry, colors })
}

/** `lines`: what is done with each table; `tables`: those of which rows are deleted. */
export function planLines(
  network: string,
  tables: readonly RedoPlanTable[],
  lines: readonly string[],
  { dry, colors }: RedoStyle,
): readonly string[] {
  return listOf(
    `network ${colors.bold(network)}`,
    '',
    lines,
    costLines(tables, colors),
    dry && ['', 'Nothing has been written.'],
  )
}

/** Without a part nothing can be done yet: it is tried again all the same. */
export function asQuestion(parts: readonly string[]): string {
  const text = parts.length === 0 ? 'try again' : parts.join('; ')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}?`
}

/** At most one part of a question; none without a table. */
export function redoQuestionParts(tables: readonly RedoPlanTable[]): readonly string[] {
  if (tables.length === 0) return []
  const deleting = tables.filter(({ deletes, redo }) => deletes && redo.length > 0)
  if (deleting.length === 0)
    return [`build these blocks of ${tables.map(({ table }) => table).join(', ')} again`]
  const what = deleting.map(
    ({ rows, redo, target }) => `${count(rows, 'row')} of ${namedRanges(redo)} of ${target}`,
  )
  const built = tables.filter(({ redo, outside }) => countBlocks(redo) > countBlocks(outside))
  return [
    `delete ${what.join(', ')}${built.length > 0 ? `, and build them again (until then they are missing for readers${timeText(built)})` : ''}`,
  ]
}

/** How long blocks are missing: the time to build them. */
function timeText(built: readonly RedoPlanTable[]): string {
  const ms = built.reduce<number | null>(
    (sum, { expectedMs }) => (sum === null || expectedMs === null ? null : sum + expectedMs),
    0,
  )
  return ms === null ? '; no timings yet' : `, for about ${duration(ms)}`
}

export function tableLines(plan: RedoPlanTable, colors: Colors): readonly string[] {
  const { table, target, redo, outside, also, gone, whyGone, deletes, rows, tableRows, views } = plan
  const share = tableRows === null ? '' : ` of ${number(tableRows)} (${percent(rows, tableRows)})`
  const left = outside.length === 0 ? '' : ` but for ${namedRanges(outside)}, which the table holds no more`
  const what = deletes
    ? `${namedRanges(redo)}: ${count(rows, 'row')}${share} of ${target} deleted, then built again${left}`
    : `${namedRanges(redo)} run again; ${target} has one row per key, so old rows cannot be removed: ` +
      `the blocks stay stale until \`backfill rebuild ${table}\``
  const readers = `the materialized ${views.length === 1 ? 'view reads' : 'views read'} it: ${views.join(', ')}`
  return listOf(
    redo.length > 0 && (deletes ? what : colors.yellow(what)),
    also.length > 0 && `${namedRanges(also)}: missing or half written; built as well`,
    views.length > 0 &&
      `${colors.yellow(readers)}: nothing is deleted there, and the rows that are built again arrive once more`,
    gone.length > 0 && `${namedRanges(gone)} stay as they are: ${whyGone}`,
  ).map((line) => `${colors.bold(table)}  ${line}`)
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

/** The command that goes on where the redo stops: for its dependants, too; undefined: the usual one is right. */
export function continuing(tables: readonly Pick<RedoPlanTable, 'table'>[]): string | undefined {
  return tables.length < 2 ? undefined : `backfill up --tables ${tables.map(({ table }) => table).join(',')}`
}
