// Owns how `status` looks: one row per table, and the sentences below them. Pure.
import { standstillText } from '../../model/standstill.ts'
import { countBlocks, isTime } from '../../model/blocks.ts'
import { next, sentences } from './sentences.ts'
import type { StatusReport, TableReport } from './table-report.ts'
import { BAR_LEGEND, coverageBar } from '../../terminal/render/bar.ts'
import {
  type Colors,
  duration,
  listOf,
  minute,
  number,
  percent,
  positionText,
} from '../../terminal/render/format.ts'
import type { Style } from '../../terminal/output.ts'
import { renderTable, right, type TableColumn } from '../../terminal/render/table.ts'
import { staleFields } from '../../terminal/render/json.ts'
import { wrap } from '../../terminal/render/wrap.ts'

export function renderStatus(report: StatusReport, { columns, colors, carry }: Style): readonly string[] {
  const { network, otherNetworks, tables } = report
  const { lines, dropped } = renderTable(tables, tableColumns(tables, columns, colors), columns)
  const [head = '', ...rows] = lines
  const wrapped = (texts: readonly string[]) => texts.flatMap((text) => wrap(carry(text), columns))
  const [top = '', ...more] = wrapped([headText(report)])
  const hidden = [...WIDE.filter(([from]) => from > columns).map(([, title]) => title), ...dropped]
  const isElsewhere = otherNetworks !== undefined && !otherNetworks.includes(network)
  const said = isElsewhere ? [] : wrapped(sentences(report))
  return listOf(
    top.replace(network, colors.bold(network)),
    more,
    '',
    colors.dim(head),
    rows,
    tables.some(isUneven) && head.includes('coverage') && ['', colors.dim(BAR_LEGEND)],
    wrapped(
      listOf(
        hidden.length > 0 && `Not shown at ${columns} columns: ${hidden.join(', ')} (\`| cat\` shows all).`,
      ),
    ).map(colors.dim),
    said.length > 0 && ['', ...said],
    '',
    wrapped(isElsewhere ? elsewhere(report, otherNetworks) : next(report)),
  )
}

/** Where the chain ends, once for all tables. */
function headText({ network, head, newest, lag, sourceAges }: StatusReport): string {
  if (head === null || newest === null) return `network ${network}`
  const ages = [...sourceAges.values()]
  const past = ages.filter((one) => one >= 0)
  const age =
    past.length > 0
      ? `, ${duration(Math.min(...past) * 1000)} old`
      : ages.length > 0
        ? ', dated in the future'
        : ''
  return `network ${network}: head ${positionText(head)} (newest source ${isTime(newest) ? 'row' : 'block'} ${positionText(newest)}${age}; lag ${isTime(newest) ? duration(lag * 1000) : number(lag)})`
}

function elsewhere({ network, namedNetworks }: StatusReport, others: readonly string[]): readonly string[] {
  const named = others.filter((other) => namedNetworks.includes(other))
  const unnamed = others.filter((other) => !named.includes(other))
  return [
    `No source has rows of the network ${network}. ${others.length === 0 ? 'The sources are empty.' : `They have rows of ${others.join(', ')}.`}${unnamed.length === 0 ? '' : ` networks.json does not name ${unnamed.join(', ')}.`}`,
    ...named.slice(0, 3).map((other) => `Next: \`backfill status --network ${other}\``),
  ]
}

const UNKNOWN = '-'

/** The columns that need a wider terminal: from how many columns on. */
const WIDE: readonly (readonly [from: number, title: string])[] = [
  [100, 'source gaps'],
  [100, 'rows'],
  [120, 'time left'],
  [120, 'coverage'],
  [140, 'last run (UTC)'],
]

function tableColumns(
  tables: readonly TableReport[],
  columns: number,
  colors: Colors,
): readonly TableColumn<TableReport>[] {
  const all: readonly TableColumn<TableReport>[] = [
    { title: 'table', cell: ({ table }) => table },
    right('done', donePercent),
    right('missing', ({ missingBlocks }) => number(missingBlocks), 8),
    right('source gaps', ({ sourceGaps }) => number(countBlocks(sourceGaps)), 4),
    right('rows', rowsText, 3),
    right('watermark', ({ watermark }) => (watermark === null ? UNKNOWN : positionText(watermark)), 7),
    {
      title: 'state',
      cell: ({ state }) => state,
      colors: (text, { state }) => colors[COLOR[state] ?? 'red'](text),
    },
    right('time left', timeLeft, 6),
    {
      title: 'last run (UTC)',
      rank: 2,
      cell: ({ lastRun }) => (lastRun === null ? UNKNOWN : minute(lastRun)),
    },
    { title: 'coverage', rank: 5, cell: (table) => bar(table, columns < 150 ? 10 : 20) },
  ]
  const idle = tables.every((table) => timeLeft(table) === UNKNOWN)
  return all.filter(
    ({ title }) =>
      !WIDE.some(([from, wide]) => wide === title && columns < from) && !(idle && title === 'time left'),
  )
}

/** What an emptied table once had is not there. */
function donePercent({ doneBlocks, expectedBlocks, absences }: TableReport): string {
  return absences.some(({ state }) => state === 'emptied') ? UNKNOWN : percent(doneBlocks, expectedBlocks)
}

/** `~` where merges may make fewer of them; `none` where no done block has yielded a row. */
function rowsText({ rows, mayMerge, doneBlocks, absences }: TableReport): string {
  if (rows === null) return UNKNOWN
  if (rows === 0) return doneBlocks > 0 && absences.length === 0 ? 'none' : '0'
  return `${mayMerge ? '~' : ''}${rows < 100_000_000 ? number(rows) : `${number(Math.round(rows / 1e6))} M`}`
}

function timeLeft({ missingBlocks, expectedMs, unprobed }: TableReport): string {
  if (missingBlocks === 0 || expectedMs === null) return UNKNOWN
  return `${unprobed.length === 0 ? '' : '> '}${duration(expectedMs)}`
}

/** The others, `dirty` and all absence, are red. */
const COLOR: Readonly<Partial<Record<TableReport['state'], 'green' | 'cyan' | 'yellow' | 'dim'>>> = {
  'up to date': 'green',
  waiting: 'yellow',
  missing: 'yellow',
  'in progress': 'cyan',
  stale: 'yellow',
  'not created': 'dim',
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

/** What `--sort` takes: the table that needs attention most comes first. */
export const SORTS = ['table', 'done', 'missing', 'rows', 'state'] as const

export function sorted(report: StatusReport, by: (typeof SORTS)[number] | undefined): StatusReport {
  if (by === undefined) return report
  const value = (table: TableReport): string | number =>
    ({
      table: table.table,
      done: table.expectedBlocks === 0 ? 0 : table.doneBlocks / table.expectedBlocks,
      missing: -table.missingBlocks,
      rows: -(table.rows ?? 0),
      state: table.state,
    })[by]
  const tables = report.tables.toSorted((a, b) => (value(a) < value(b) ? -1 : Number(value(a) > value(b))))
  return { ...report, tables }
}

/** `stale` by range, `staleVersions` by the version that built them. */
export function statusFields(report: StatusReport): object {
  const { tables, sourceAges, namedNetworks: _, ...chain } = report
  return {
    ...chain,
    sourceAgeSeconds: Object.fromEntries(sourceAges),
    tables: tables.map(({ standstill, ...table }) => ({
      ...table,
      standstill: standstill && { ...standstill, text: standstillText(standstill, 0) },
      staleVersions: staleFields(table.staleVersions),
    })),
  }
}
