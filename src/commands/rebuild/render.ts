// Owns how a rebuild looks: its plan, its outcome, and the next command. Pure.
import type { NamedTable, Sides } from './swap.ts'
import type { RebuildPlan, RebuildReport } from './rebuild.ts'
import type { RebuildOptions } from './workspace.ts'
import {
  type Colors,
  count,
  duration,
  formatRanges,
  listOf,
  size,
  amountOf,
} from '../../terminal/render/format.ts'
import { renderVerify } from '../verify/render.ts'

export function dropQuestion({ present, replaced, old }: Sides, database: string): string {
  const kept = [...old, ...replaced]
  return kept.length > 0
    ? `Drop ${kept.map((table) => `${database}.${sizeText(table)}`).join(' and ')}?`
    : `Rebuild ${database}.${present.name} and, once it is exchanged, drop the old table (${rowsText(present)})?`
}

export function startLines({ present, built, replaced, old }: Sides): readonly string[] {
  if (replaced.length > 0)
    return listOf(`An earlier rebuild has exchanged the tables already: finishing it.`, ...viewLines(present))
  // Other messages cover an old table: it is dropped, or refused.
  if (old.length > 0) return []
  return listOf(
    built.length === 0
      ? `Building a new ${present.name} beside the old one (${rowsText(present)}), which stays unchanged until the two are exchanged.`
      : `Continuing with the new ${present.name}; the old one stays unchanged until the two are exchanged.`,
    ...viewLines(present),
  )
}

const read = (views: readonly string[]) =>
  `${views.join(', ')} (materialized) ${views.length === 1 ? 'reads' : 'read'}`

/** A view follows the name of a table: it sees what is inserted after the exchange, and nothing before. The local tables of a cluster keep their names. */
function viewLines({ name, views, localViews = [] }: NamedTable) {
  return [
    views.length > 0 &&
      `${read(views)} ${name}: what is built now does not arrive there, and what came from the old table stays.`,
    localViews.length > 0 &&
      `${read(localViews)} the local tables of the old ${name}: what is built now does not arrive there, nor what is inserted after the exchange; create ${localViews.length === 1 ? 'it' : 'them'} over the new local tables then.`,
  ]
}

export function renderRebuild(report: RebuildReport, colors: Colors): readonly string[] {
  const { table, target, outcome, verification, kept, dropped, dependants } = report
  const name = colors.bold(table)
  const head = {
    swapped: `${name}  ${colors.green('exchanged')}: ${target} is the new table`,
    finished: `${name}  ${colors.green('finished')}: an earlier rebuild had exchanged the tables; ${target} is the new one`,
    dropped: `${name}  only the old table was dropped; to build it again: backfill rebuild ${table}`,
    incomplete: `${name}  ${colors.yellow('not complete')}: ${target} is still the old table; run backfill rebuild ${table} again to continue`,
    different: `${name}  ${colors.red('not exchanged')}: the new table differs from what its SQL computes now; ${target} is still the old table`,
  }[outcome]
  return listOf(
    verification && renderVerify(verification, colors),
    head,
    kept !== undefined &&
      `  the old one is kept as ${kept}: \`backfill rebuild ${table} --drop-old\` drops it`,
    dropped.map((one) => `  dropped ${one}`),
    dependants.flatMap(({ table: dependant, blocks, hint }) => [
      `  ${colors.yellow(dependant)} was computed from the old table: ${formatRanges(blocks)} are stale`,
      `  Next: ${hint}`,
    ]),
  )
}

export function renderRebuildPlan(
  { sides, plan }: RebuildPlan,
  { sample, dropOld }: RebuildOptions,
  colors: Colors,
): readonly string[] {
  const { table, chunks, expectedRows, expectedMs, sourceGaps, incomplete } = plan.tables[0]!
  const { old, replaced } = sides
  const left = [...sourceGaps, ...incomplete]
  const time = expectedMs === null ? '' : `, ${duration(expectedMs)}`
  const isBuilt = replaced.length > 0 || (dropOld && old.length > 0)
  return listOf(
    colors.bold(table),
    startLines(sides).map((line) => `  ${line}`),
    !isBuilt &&
      `  ${amountOf(chunks)} in ${count(chunks.length, 'chunk')}, about ${count(expectedRows, 'source row')}${time}; then ${count(sample, 'chunk')} are computed again, chosen at random.`,
    !isBuilt && left.length > 0 && `  Source gaps and incomplete blocks are left out: ${formatRanges(left)}.`,
    !dropOld && '  The old table is kept; --drop-old drops it.',
    dropOld &&
      `  Dropped at the end: ${[...old, ...replaced].map(sizeText).join(' and ') || 'the old table'}.`,
    '',
    'Nothing has been written.',
  )
}

export function rebuildFields(done: RebuildReport): object {
  const { summary: _, dependants, ...report } = done
  const staleDependants = dependants.map(({ table, blocks }) => ({ table, ranges: blocks }))
  return { event: 'rebuild', ...report, staleDependants }
}

export function rebuildPlanFields({ sides, plan }: RebuildPlan): object {
  const { table, missingBlocks, chunks, expectedRows, expectedMs } = plan.tables[0]!
  return {
    table,
    present: sides.present.name,
    building: sides.built.map(({ name }) => name),
    exchanged: sides.replaced.map(({ name }) => name),
    old: sides.old.map(({ name }) => name),
    missingBlocks,
    chunks: chunks.length,
    expectedRows,
    expectedMs,
  }
}

function sizeText(table: NamedTable): string {
  return `${table.name} (${rowsText(table)})`
}

function rowsText({ rows, bytes }: NamedTable): string {
  return `${rows === null ? 'rows unknown' : count(rows, 'row')}${bytes === null ? '' : `, ${size(bytes)}`}`
}
