// Owns how `plan` looks: the chunks that `up` would run now, and the blocks that it would skip. Pure.
import type { PlanReport } from '../../planning/plan.ts'
import { count, duration, formatRanges, formatRange } from '../../terminal/render/format.ts'
import { staleLines } from '../../terminal/render/stale.ts'
import type { Colors } from '../../terminal/render/format.ts'

const SHOWN = 8

export function renderPlan(plan: PlanReport, colors: Colors): readonly string[] {
  const { network, tables, stale } = plan
  const left = staleLines(stale)
  const chunks = tables.reduce((sum, table) => sum + table.chunks.length, 0)
  return [
    `network ${colors.bold(network)}`,
    ...tables.flatMap((table) => tableLines(table, colors)),
    '',
    ...left.map((line) => colors.yellow(line)),
    ...(chunks === 0 && left.length === 0 ? ['Nothing to do.'] : []),
    ...(chunks > 0
      ? [
          `Next: \`backfill up\` will run ${count(chunks, 'chunk')}${timeText(plan)}. Nothing has been written.`,
        ]
      : []),
  ]
}

function tableLines(table: PlanReport['tables'][number], colors: Colors): readonly string[] {
  const { chunks, sourceGaps, incomplete, dirty } = table
  const work = chunks.length === 0 ? 'nothing to run' : count(chunks.length, 'chunk')
  const rowEstimate = chunks.length === 0 ? '' : `, ${costText(table)}`
  const missing =
    table.missingBlocks === 0 ? 'no block missing' : `${count(table.missingBlocks, 'block')} missing`
  const facts = [
    ...(table.create ? ['the table is created first'] : []),
    ...(dirty.length > 0 ? [`dirty ${formatRanges(dirty)}: recovered and run again`] : []),
    ...(sourceGaps.length > 0 ? [`source gap ${formatRanges(sourceGaps)}: left out`] : []),
    ...(incomplete.length > 0 ? [`incomplete ${formatRanges(incomplete)}: left out`] : []),
    ...table.notes,
  ]
  const rest = chunks.length - SHOWN
  return [
    '',
    `${colors.bold(table.table)}  ${work}, ${missing}${rowEstimate}`,
    ...facts.map((fact) => `  ${colors.yellow(fact)}`),
    ...chunks
      .slice(0, SHOWN)
      .map((chunk) => `  ${formatRange(chunk)}  ${costText(chunk)}  ${colors.dim(chunk.reason)}`),
    ...(rest > 0
      ? [colors.dim(`  and ${count(rest, 'more chunk')} up to block ${chunks.at(-1)?.to} (--json has all)`)]
      : []),
  ]
}

type Cost = { readonly expectedRows: number; readonly expectedMs: number | null }

function costText({ expectedRows, expectedMs }: Cost): string {
  const rows = `about ${count(expectedRows, 'source row')}`
  return expectedMs === null ? rows : `${rows}, ${duration(expectedMs)}`
}

/** Divides by the number of jobs: the measured times already include the effect of parallel statements. */
function timeText({ tables, jobs }: PlanReport): string {
  const busy = tables.filter(({ chunks }) => chunks.length > 0)
  const unknown = busy.filter(({ expectedMs }) => expectedMs === null)
  const ms = busy.reduce((sum, { expectedMs }) => sum + (expectedMs ?? 0), 0) / jobs
  if (unknown.length === busy.length) return ' (no timings yet)'
  const without =
    unknown.length === 0
      ? ''
      : ` (${unknown.map(({ table }) => table).join(', ')} not included: no timings yet)`
  return `, ${jobs} at a time, in about ${duration(ms)}${without}`
}
