// Owns how a plan looks: one line a table, sentences below, the chunks if they are asked for. Pure.
import { holdText } from '../../ledger/steering.ts'
import { isTime } from '../../model/blocks.ts'
import type { PlanReport } from '../../planning/plan.ts'
import { tablesText } from '../../terminal/render/about-tables.ts'
import {
  type Colors,
  count,
  duration,
  formatRange,
  formatRanges,
  listOf,
  number,
  size,
} from '../../terminal/render/format.ts'
import type { Style } from '../../terminal/output.ts'
import { staleLines } from '../../terminal/render/stale.ts'
import { renderTable, right, type TableColumn } from '../../terminal/render/table.ts'
import { wrap } from '../../terminal/render/wrap.ts'

type PlannedTable = PlanReport['tables'][number]

export type PlanStyle = Style & { readonly chunks: boolean }

export function renderPlan(
  plan: PlanReport,
  { columns, colors, carry, chunks }: PlanStyle,
): readonly string[] {
  const { network, tables, stale, steering } = plan
  const [head = '', ...rows] = renderTable(tables, COLUMNS, columns).lines
  const wrapped = (texts: readonly string[]) => texts.flatMap((text) => wrap(carry(text), columns))
  const notes = wrapped(tablesText(tables.map((table) => ({ table: table.table, texts: facts(table) }))))
  const holds = steering.map((hold) => `${hold.table || 'all tables'}: ${holdText(hold)}`)
  return listOf(
    `network ${colors.bold(network)}`,
    '',
    colors.dim(head),
    rows,
    chunks && tables.flatMap((table) => chunkLines(table, colors)),
    notes.length > 0 && ['', ...notes],
    '',
    wrapped([...staleLines(stale), ...holds]).map(colors.yellow),
    wrapped(nextText(plan)),
  )
}

const NONE = '-'
const unlessIdle = (title: string, text: (table: PlannedTable) => string, rank?: number) =>
  right<PlannedTable>(title, (table) => (table.chunks.length === 0 ? NONE : text(table)), rank)

const COLUMNS: readonly TableColumn<PlannedTable>[] = [
  { title: 'table', cell: ({ table }) => table },
  unlessIdle('chunks', ({ chunks }) => number(chunks.length)),
  unlessIdle('blocks', ({ chunks, missingBlocks }) =>
    isTime(chunks[0]!.from) ? duration(missingBlocks * 1000) : number(missingBlocks),
  ),
  unlessIdle('source rows', ({ expectedRows }) => `~${number(expectedRows)}`, 1),
  unlessIdle('to write', ({ expectedBytes: of }) => (of === null ? NONE : `~${size(of)}`), 2),
  unlessIdle('time', ({ expectedMs }) => (expectedMs === null ? NONE : duration(expectedMs)), 3),
]

function facts(table: PlannedTable): readonly string[] {
  const { create, dirty, sourceGaps, incomplete, unprobed, kept, notes } = table
  return listOf(
    create && 'created first',
    dirty.length > 0 && `dirty ${formatRanges(dirty)}: recovered and run again`,
    sourceGaps.length > 0 && `source gap ${formatRanges(sourceGaps)}: left out`,
    incomplete.length > 0 && `incomplete ${formatRanges(incomplete)}: left out`,
    unprobed.length > 0 &&
      `rows of ${formatRanges(unprobed)} are estimated: \`backfill plan --chunks\` looks at each block`,
    kept !== null && `${formatRanges(kept.blocks)}: as a run found ${duration(kept.ageMs)} ago`,
    notes,
  )
}

function chunkLines({ table, chunks }: PlannedTable, colors: Colors): readonly string[] {
  if (chunks.length === 0) return []
  const lines = chunks.map(({ expectedRows, expectedMs, reason, ...range }) => {
    const time = expectedMs === null ? '' : `, ${duration(expectedMs)}`
    return `  ${formatRange(range)}  about ${count(expectedRows, 'source row')}${time}  ${colors.dim(reason)}`
  })
  return ['', colors.bold(table), ...lines]
}

function nextText(plan: PlanReport): readonly string[] {
  const { tables, stale, free } = plan
  const chunks = tables.reduce((sum, table) => sum + table.chunks.length, 0)
  const left = leftOutText(tables)
  if (chunks === 0 && left.length > 0) return [`Nothing runs: ${left}`]
  if (chunks === 0) return stale.length === 0 ? ['Nothing to do.'] : []
  const bytes = tables.reduce((sum, { expectedBytes }) => sum + (expectedBytes ?? 0), 0)
  const isUnknown = tables.some((table) => table.chunks.length > 0 && table.expectedBytes === null)
  const disk = listOf(
    bytes > 0 && `About ${size(bytes)}${isUnknown ? ' or more' : ''} will be written`,
    free !== null && `${size(free.bytes)} are free on the disk ${free.disk}`,
  )
  return listOf(
    `Next: \`backfill up\` will run ${count(chunks, 'chunk')}${timeText(plan)}. Nothing has been written.`,
    disk.length > 0 && `${disk.join('; ')}.`,
    left.length > 0 && `Left out: ${left}`,
  )
}

/** How many tables do not run, and which; the lines above this one say why. Empty if there are none. */
function leftOutText(tables: readonly PlannedTable[]): string {
  const of = (why: PlannedTable['leftOut'], one: string, several: string) => {
    const names = tables.flatMap(({ leftOut, table }) => (leftOut === why ? [table] : []))
    const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
    const verb = names.length === 1 ? one : several
    return (
      names.length > 0 && `${count(names.length, 'table')} ${verb} (${names.slice(0, 3).join(', ')}${more})`
    )
  }
  const parts = listOf(of('stopped', 'is stopped', 'are stopped'), of('waiting', 'waits', 'wait'))
  return parts.length === 0 ? '' : `${parts.join(' and ')}; the lines above say why.`
}

/** Divides by the number of jobs that find a chunk: the measured times already include the effect of parallel statements. */
function timeText({ tables, jobs: most }: PlanReport): string {
  const busy = tables.filter(({ chunks }) => chunks.length > 0)
  const jobs = Math.min(
    most,
    busy.reduce((sum, { chunks }) => sum + chunks.length, 0),
  )
  const unknown = busy.filter(({ expectedMs }) => expectedMs === null)
  const ms = busy.reduce((sum, { expectedMs }) => sum + (expectedMs ?? 0), 0) / jobs
  if (unknown.length === busy.length) return ' (no timings yet)'
  const without =
    unknown.length === 0
      ? ''
      : ` (${unknown.map(({ table }) => table).join(', ')} not included: no timings yet)`
  return `, ${jobs} at a time, in about ${duration(ms)}${without}`
}
