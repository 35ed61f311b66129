// Owns how a rebuild looks: what it will do, what came of it, what to type next. Pure.
import { countBlocks } from '../../model/blocks.ts'
import type { NamedTable } from './tables.ts'
import type { RebuildOptions, RebuildReport } from './report.ts'
import type { Sides } from './swap.ts'
import type { PlanReport } from '../../planning/plan.ts'
import { count, duration, formatRanges } from '../../terminal/render/format.ts'
import { type JsonObject, pairs } from '../../terminal/render/json.ts'
import type { Colors } from '../../terminal/render/format.ts'
import { renderVerify, verifyJson } from '../verify/render.ts'

/** Asked before `--drop-old` does anything. */
export function dropQuestion({ present, replaced, old }: Sides, database: string): string {
  const kept = [...old, ...replaced]
  return kept.length > 0
    ? `Drop ${kept.map((table) => `${database}.${sizeText(table)}`).join(' and ')}?`
    : `Rebuild ${database}.${present.name} and, once it is exchanged, drop the old table (${rowsText(present)})?`
}

/** What is about to happen, for stderr. */
export function startLines({ present, built, replaced, old }: Sides): readonly string[] {
  if (replaced.length > 0) return [`An earlier rebuild has exchanged the tables already: finishing it.`]
  // Dropped, or in the way: that is said elsewhere.
  if (old.length > 0) return []
  return [
    built.length === 0
      ? `Building ${present.name} anew beside the old one (${rowsText(present)}), which stays as it is until the two are exchanged.`
      : `Going on with the new ${present.name}; the old one stays as it is until the two are exchanged.`,
  ]
}

export function renderRebuild(report: RebuildReport, colors: Colors): readonly string[] {
  const { table, target, outcome, verification, kept, dropped, dependants } = report
  const name = colors.bold(table)
  const head = {
    swapped: `${name}  ${colors.green('exchanged')}: ${target} is the new table`,
    finished: `${name}  ${colors.green('finished')}: an earlier rebuild had exchanged the tables; ${target} is the new one`,
    dropped: `${name}  nothing but the old table was dropped; to build it again: backfill rebuild ${table}`,
    incomplete: `${name}  ${colors.yellow('not complete')}: ${target} is the old table, as it was; backfill rebuild ${table} goes on`,
    different: `${name}  ${colors.red('not exchanged')}: what was built is not what is computed now; ${target} is the old table, as it was`,
  }[outcome]
  return [
    ...(verification === undefined ? [] : renderVerify(verification, colors, false)),
    head,
    ...(kept === undefined
      ? []
      : [`  the old one is kept as ${kept}: backfill rebuild ${table} --drop-old drops it`]),
    ...dropped.map((one) => `  dropped ${one}`),
    ...dependants.flatMap((one) => {
      const stale = [...one.changed, ...one.before]
      if (stale.length === 0) return []
      const marked = one.notMarked === undefined ? 'marked as stale' : 'NOT marked as stale'
      return [
        `  ${colors.yellow(one.table)} was computed from the old table: ${formatRanges(stale)}, ${marked}`,
        ...(typeof one.notMarked === 'object'
          ? [`    ${one.notMarked.message}; later: backfill verify --sources ${one.table}`]
          : []),
        `  Next: backfill rebuild ${one.table}`,
      ]
    }),
  ]
}

export type PlanStyle = { readonly options: RebuildOptions; readonly colors: Colors; readonly json: boolean }

export function renderRebuildPlan(
  { sides, plan }: { readonly sides: Sides; readonly plan: PlanReport },
  { options, colors, json }: PlanStyle,
): readonly string[] {
  const [table] = plan.tables
  const { table: key, chunks, missingBlocks, expectedRows, expectedMs, sourceGaps, incomplete } = table!
  if (json)
    return [
      JSON.stringify({
        schema: 1,
        table: key,
        present: sides.present.name,
        building: sides.built.map(({ name }) => name),
        exchanged: sides.replaced.map(({ name }) => name),
        old: sides.old.map(({ name }) => name),
        missing_blocks: missingBlocks,
        chunks: chunks.length,
        expected_rows: expectedRows,
        expected_ms: expectedMs,
      }),
    ]
  const steps =
    sides.replaced.length > 0
      ? ['finish an earlier rebuild: the tables are exchanged already']
      : options.dropOld && sides.old.length > 0
        ? []
        : [
            `build ${count(missingBlocks, 'block')} in ${count(chunks.length, 'chunk')}, about ${count(expectedRows, 'source row')}${expectedMs === null ? '' : `, ${duration(expectedMs)}`}${sides.built.length > 0 ? ' (going on with what is built)' : ''}`,
            ...(countBlocks([...sourceGaps, ...incomplete]) > 0
              ? [
                  `leave out source gaps and incomplete blocks ${formatRanges([...sourceGaps, ...incomplete])}`,
                ]
              : []),
            `compute ${count(options.sample, 'chunk')} of it again, by chance`,
            `exchange it with ${sides.present.name} (${rowsText(sides.present)})`,
          ]
  const drops = [...sides.old, ...sides.replaced].map(sizeText)
  return [
    colors.bold(key),
    ...steps.map((step) => `  ${step}`),
    options.dropOld
      ? `  drop ${drops.length > 0 ? drops.join(' and ') : 'the old table'}`
      : '  keep the old table',
    '',
    'Nothing has been written.',
  ]
}

/** The last object of `rebuild --json`, version 1. */
export function rebuildJson(report: RebuildReport): JsonObject {
  const { table, target, outcome, verification, kept, dropped, dependants } = report
  return {
    schema: 1,
    event: 'rebuild',
    table,
    target,
    outcome,
    verification: verification === undefined ? null : verifyJson(verification),
    kept: kept ?? null,
    dropped,
    stale_dependants: dependants.flatMap((one) =>
      one.changed.length + one.before.length === 0
        ? []
        : [{ table: one.table, ranges: pairs([...one.changed, ...one.before]) }],
    ),
  }
}

function sizeText(table: NamedTable): string {
  return `${table.name} (${rowsText(table)})`
}

function rowsText({ rows, bytes }: NamedTable): string {
  const size = bytes === null ? '' : `, ${(bytes / 1e9).toFixed(1)} GB`
  return `${rows === null ? 'rows unknown' : count(rows, 'row')}${size}`
}
