// Owns how `plan` looks: the chunks that `up` would run now, and what it would leave. Pure.
import type { PlanReport } from '../../runner/reports.ts'
import { count, rangesText, rangeText } from './format.ts'
import type { Paint } from './paint.ts'

const SHOWN = 8

export function renderPlan({ network, tables }: PlanReport, paint: Paint): readonly string[] {
  const chunks = tables.reduce((sum, table) => sum + table.chunks.length, 0)
  return [
    `network ${paint.bold(network)}`,
    ...tables.flatMap((table) => tableLines(table, paint)),
    '',
    chunks === 0
      ? 'Nothing to do.'
      : `Next: \`backfill up\` runs ${count(chunks, 'chunk')}. Nothing has been written.`,
  ]
}

function tableLines(table: PlanReport['tables'][number], paint: Paint): readonly string[] {
  const { chunks, holes, held, dirty } = table
  const work = chunks.length === 0 ? 'nothing to run' : count(chunks.length, 'chunk')
  const missing =
    table.missingBlocks === 0 ? 'no block missing' : `${count(table.missingBlocks, 'block')} missing`
  const facts = [
    ...(table.create ? ['the table is created first'] : []),
    ...(dirty.length > 0 ? [`dirty ${rangesText(dirty)}: the table stops until they are recovered`] : []),
    ...(holes.length > 0 ? [`hole ${rangesText(holes)}: left out`] : []),
    ...(held.length > 0 ? [`held ${rangesText(held)}: left out`] : []),
    ...table.notes,
  ]
  const rest = chunks.length - SHOWN
  return [
    '',
    `${paint.bold(table.table)}  ${work}, ${missing}`,
    ...facts.map((fact) => `  ${paint.yellow(fact)}`),
    ...chunks.slice(0, SHOWN).map((chunk) => `  ${rangeText(chunk)}  ${paint.dim(chunk.reason)}`),
    ...(rest > 0
      ? [paint.dim(`  and ${count(rest, 'more chunk')} up to block ${chunks.at(-1)?.to} (--json has all)`)]
      : []),
  ]
}
