// Owns how `status` looks: one row per table, sentences about problems, and the next command. Pure.
import { countBlocks, formatBlockSet, type Range } from '../../model/blocks.ts'
import type { StatusReport, TableReport } from './status.ts'
import { holdText } from '../../ledger/steering.ts'
import { BAR_LEGEND, coverageBar } from '../../terminal/render/bar.ts'
import { count, duration, minute, number, percent, formatRanges } from '../../terminal/render/format.ts'
import { staleText } from '../../terminal/render/stale.ts'
import type { Colors } from '../../terminal/render/format.ts'
import { renderTable, type TableColumn } from '../../terminal/render/table.ts'
import { staleFields } from '../../terminal/render/json.ts'

export type StatusStyle = { readonly columns: number; readonly colors: Colors }

export function renderStatus(report: StatusReport, { columns, colors }: StatusStyle): readonly string[] {
  const { lines, dropped } = renderTable(report.tables, tableColumns(columns, colors), columns)
  const [head = '', ...rows] = lines
  return [
    `network ${colors.bold(report.network)}`,
    '',
    colors.dim(head),
    ...rows,
    ...(report.tables.some(isUneven) && !dropped.includes('coverage') ? ['', colors.dim(BAR_LEGEND)] : []),
    ...(dropped.length > 0
      ? [colors.dim(`Not shown at ${columns} columns: ${dropped.join(', ')} (\`| cat\` shows all).`)]
      : []),
    ...section(sentences(report.tables)),
    ...section([next(report.tables)]),
  ]
}

const UNKNOWN = '-'

function tableColumns(columns: number, colors: Colors): readonly TableColumn<TableReport>[] {
  return [
    { title: 'table', cell: ({ table }) => table },
    { title: 'first', align: 'right', rank: 1, cell: ({ first }) => known(first) },
    { title: 'watermark', align: 'right', rank: 7, cell: ({ watermark }) => known(watermark) },
    { title: 'head', align: 'right', rank: 6, cell: ({ head }) => known(head) },
    {
      title: 'done',
      align: 'right',
      cell: ({ doneBlocks, expectedBlocks }) => percent(doneBlocks, expectedBlocks),
    },
    {
      title: 'source gaps',
      align: 'right',
      rank: 3,
      cell: ({ sourceGaps }) => number(countBlocks(sourceGaps)),
    },
    { title: 'missing', align: 'right', rank: 8, cell: ({ missingBlocks }) => number(missingBlocks) },
    { title: 'rows', align: 'right', rank: 2, cell: ({ rows }) => known(rows) },
    {
      title: 'last run (UTC)',
      rank: 4,
      cell: ({ lastRun }) => (lastRun === null ? UNKNOWN : minute(lastRun)),
    },
    { title: 'state', cell: ({ state }) => state, colors: (text, { state }) => colors[COLOR[state]](text) },
    { title: 'coverage', rank: 5, cell: (table) => bar(table, columns < 140 ? 10 : 20) },
  ]
}

const COLOR: Readonly<Record<TableReport['state'], 'green' | 'cyan' | 'yellow' | 'red' | 'dim'>> = {
  'up to date': 'green',
  waiting: 'yellow',
  missing: 'yellow',
  'in progress': 'cyan',
  dirty: 'red',
  stale: 'yellow',
  'not created': 'dim',
  'no source rows': 'red',
  'source too old': 'red',
  'head went back': 'red',
  emptied: 'red',
  'emptied in part': 'red',
  'unknown rows': 'red',
}

function known(value: number | null): string {
  return value === null ? UNKNOWN : number(value)
}

function bar({ first, head, covered, sourceGaps, incomplete }: TableReport, cells: number): string {
  if (first === null || head === null || head < first) return UNKNOWN
  return coverageBar(
    { span: { from: first, to: head }, covered, blocked: [...sourceGaps, ...incomplete] },
    cells,
  )
}

function isUneven({ missing, sourceGaps, incomplete }: TableReport): boolean {
  return missing.length + sourceGaps.length + incomplete.length > 0
}

/**
 * Problems, the worst first. Each sentence is printed once for all tables that share it, because a gap in the chain is
 * a gap in every table.
 */
function sentences(tables: readonly TableReport[]): readonly string[] {
  const found = ODDITIES.flatMap((oddity) =>
    tables.flatMap((table) => oddity(table).map((text) => ({ text, table: table.table }))),
  )
  return [...Map.groupBy(found, ({ text }) => text)].map(
    ([text, of]) =>
      `${who(
        of.map(({ table }) => table),
        tables,
      )}: ${text}`,
  )
}

type Oddity = (table: TableReport) => readonly string[]

const ODDITIES: readonly Oddity[] = [
  ({ dirty }) =>
    some(dirty, (text) => `dirty: an attempt at ${text} did not finish; rows may be partly written.`),
  ({ staleVersions, sqlHash }) =>
    staleVersions.map((version) => `stale ${formatRanges(version.blocks)}: ${staleText(version, sqlHash)}.`),
  ({ holds }) =>
    holds.map((hold) => `${holdText(hold)}: \`backfill resume${hold.table && ` ${hold.table}`}\` ends it.`),
  ({ state, lock }) =>
    state === 'in progress' && lock !== null
      ? [`being processed on ${lock.host} (pid ${lock.pid}), last heartbeat ${minute(lock.heartbeat)} UTC.`]
      : [],
  ({ incomplete }) =>
    some(
      incomplete,
      (text) => `incomplete: some sources have no rows for ${text} yet; runs once they arrive.`,
    ),
  ({ sourceGaps }) =>
    some(sourceGaps, (text) => `source gap: no source has rows for ${text}; runs if they arrive.`),
  ({ kept }) =>
    some(
      kept?.blocks ?? [],
      (text) => `${text} as a run found them ${duration(kept!.ageMs)} ago; their source rows are the same.`,
    ),
  ({ unprobed }) =>
    some(
      unprobed,
      (text) => `not looked at: ${text}; source gaps and incomplete blocks among them count as missing.`,
    ),
  ({ accepted }) => some(accepted, (text) => `accepted: ${text} counted as done without rows.`),
  ({ arrived }) =>
    some(
      arrived,
      (text) =>
        `rows have arrived in ${text}, accepted before: \`backfill accept --revoke --from ${arrived[0]!.from} --to ${arrived.at(-1)!.to}\`, then \`backfill up\`.`,
    ),
  ({ notes }) => notes,
]

function some(ranges: readonly Range[], sentence: (text: string) => string): readonly string[] {
  return ranges.length === 0
    ? []
    : [sentence(`block${countBlocks(ranges) === 1 ? '' : 's'} ${formatBlockSet(ranges)}`)]
}

function who(names: readonly string[], all: readonly TableReport[]): string {
  if (names.length <= 3 && names.length < all.length) return names.join(', ')
  const others = all.map(({ table }) => table).filter((table) => !names.includes(table))
  if (others.length === 0) return all.length === 1 ? names.join() : 'all tables'
  return others.length <= 2
    ? `all tables but ${others.join(' and ')}`
    : `${names.length} tables (${names.join(', ')})`
}

function next(tables: readonly TableReport[]): string {
  const dirty = tables.filter(({ state }) => state === 'dirty')
  const open = tables.filter(
    ({ missingBlocks, state }) =>
      missingBlocks > 0 && !['in progress', 'waiting', 'dirty', 'unknown rows'].includes(state),
  )
  const missing = open.reduce((sum, { missingBlocks }) => sum + missingBlocks, 0)
  if (dirty.length > 0) {
    return `Next: \`backfill up --tables ${dirty.map(({ table }) => table).join(',')}\` recovers the dirty ranges, or says what to do.`
  }
  if (open.length > 0)
    return `Next: \`backfill up\` fills ${count(missing, 'missing block')} in ${count(open.length, 'table')}.`
  if (tables.some(({ state, missingBlocks }) => state === 'waiting' && missingBlocks > 0))
    return 'Next: `backfill resume` ends the pause; nothing of these tables starts before.'
  if (tables.some(({ state }) => state === 'in progress')) return 'Missing blocks are being processed now.'
  const absent = tables.filter(({ absences }) => absences.length > 0)
  if (absent.length > 0)
    return `Not healthy: ${absent.map(({ table, absences }) => `${table} (${absences[0]!.state})`).join(', ')}.`
  const stale = tables.filter((table) => table.stale.length > 0)
  if (stale.length > 0) {
    const [first] = stale
    const shown = first!.staleVersions.some(({ reasons }) => reasons.includes('sql'))
      ? `\`backfill diff ${first!.table}\` shows what changed, `
      : ''
    return `Nothing is missing, but ranges of ${stale.map(({ table }) => table).join(', ')} are stale: ${shown}\`${stale.length > 1 ? 'backfill redo --stale' : first!.hint}\` builds them again.`
  }
  if (tables.every(({ first }) => first === null)) return 'No table has blocks to process.'
  const waits = tables.some(({ sourceGaps, incomplete }) => sourceGaps.length + incomplete.length > 0)
  return waits ? 'Nothing is missing but the source gaps and incomplete blocks above.' : 'Nothing is missing.'
}

function section(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', ...lines]
}

/** `stale` by range, `staleVersions` by the version that built them. */
export function statusFields({ network, tables }: StatusReport): object {
  return {
    network,
    tables: tables.map((table) => ({ ...table, staleVersions: staleFields(table.staleVersions) })),
  }
}
