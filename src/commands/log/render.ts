// Owns how the ledger's history looks: one line for each run or attempt, with errors below. Pure.
import type { LoggedEvent, LoggedRun, LoggedTable } from './log.ts'
import { type Colors, count, duration, formatRange, listOf, number } from '../../terminal/render/format.ts'
import { renderTable, right, type TableColumn } from '../../terminal/render/table.ts'
import { visible } from '../../terminal/render/printable.ts'
import { wrap } from '../../terminal/render/wrap.ts'

export type LogStyle = { readonly columns: number; readonly colors: Colors; readonly limit: number }

/** If the number of lines equals `limit`, there may be more. */
type Asked = { readonly table?: string | undefined; readonly errors?: boolean }

export function renderRuns(
  runs: readonly LoggedRun[],
  style: LogStyle,
  { errors = false }: Asked = {},
): readonly string[] {
  const none = errors ? 'No run failed.' : 'No runs.'
  return page(runs, runColumns(style.colors), style, ({ tables }) => tables) ?? [none]
}

export function renderEvents(
  events: readonly LoggedEvent[],
  style: LogStyle,
  { table, errors = false }: Asked,
): readonly string[] {
  const all = eventColumns(style.colors)
  const columns = table === undefined ? all : all.filter(({ title }) => title !== 'table')
  return page(events, columns, style, (event) => [event]) ?? [errors ? 'No errors.' : 'No events.']
}

function page<Row extends LoggedRun | LoggedEvent>(
  rows: readonly Row[],
  columns: readonly TableColumn<Row>[],
  { columns: width, colors, limit }: LogStyle,
  tablesOf: (row: Row) => readonly LoggedTable[],
): readonly string[] | undefined {
  if (rows.length === 0) return undefined
  const { lines, dropped: left } = renderTable(rows, columns, width)
  const [head = '', ...body] = lines
  const dropped = rows.flatMap(tablesOf).some(({ present }) => !present)
  const notes = listOf(
    dropped && '* The table was dropped since or does not exist: the event no longer counts.',
    left.length > 0 && `Not shown at ${width} columns: ${left.join(', ')} (\`| cat\` shows all).`,
    rows.length === limit && `The latest ${number(limit)}; --limit shows more.`,
  )
  return [
    colors.dim(head),
    ...rows.flatMap(({ error }, index) => [body[index] ?? '', ...errorLines(error ?? '', width, colors)]),
    ...(notes.length > 0 ? ['', ...notes.flatMap((note) => wrap(note, width)).map(colors.dim)] : []),
  ]
}

/** The first line of the server's error, truncated to the terminal's width. */
function errorLines(error: string, width: number, colors: Colors): readonly string[] {
  const first = error.split('\n').find((line) => line.trim() !== '')
  if (first === undefined) return []
  const text = `  ${visible(first.trim())}`
  return [colors.red(text.length > width ? `${text.slice(0, width - 1)}…` : text)]
}

function runColumns(colors: Colors): readonly TableColumn<LoggedRun>[] {
  return [
    { title: 'started (UTC)', cell: ({ started }) => second(started) },
    { title: 'run', cell: shortId },
    { title: 'tables', rank: 9, cell: ({ tables }) => tablesCell(tables) },
    right('chunks', (run) => number(run.chunks_done), 5),
    right('failed', (run) => number(run.chunks_failed), 6),
    right('blocks', ({ blocks }) => number(blocks), 7),
    right('rows', (run) => number(run.rows_written), 4),
    right('took', ({ started, ended }) => duration(Date.parse(ended) - Date.parse(started)), 3),
    ...authorColumns,
    { title: 'outcome', cell: outcomeText, colors: (text, { outcome }) => colors[COLOR[outcome]](text) },
  ]
}

const authorColumns = [
  { title: 'by', rank: 8, cell: ({ user, host }: LoggedRun | LoggedEvent) => visible(`${user}@${host}`) },
  { title: 'version', rank: 1, cell: (row: LoggedRun | LoggedEvent) => visible(row.tool_version) },
]

function outcomeText(run: LoggedRun): string {
  const words = ['accepted', 'revoked', 'cleaned', 'invalidated', 'marked_stale'] as const
  return listOf(
    (run.chunks_done + run.chunks_failed + run.chunks_open > 0 || run.outcome !== 'done') && run.outcome,
    run.outcome === 'interrupted' && run.chunks_open > 0 && count(run.chunks_open, 'open chunk'),
    ...words.map((word) => {
      const blocks = run[`${word}_blocks`]
      return blocks > 0 && `${word.replace('_', ' ')} ${count(blocks, 'block')}`
    }),
  ).join(', ')
}

function eventColumns(colors: Colors): readonly TableColumn<LoggedEvent>[] {
  return [
    { title: 'ended (UTC)', cell: ({ ended }) => second(ended) },
    { title: 'table', cell: (event) => tablesCell([event]) },
    { title: 'blocks', cell: (event) => formatRange(event) + (event.present ? '' : '*') },
    { title: 'event', cell: ({ event }) => event, colors: (text, { event }) => colors[COLOR[event]](text) },
    right('try', ({ attempt }) => (attempt === 0 ? '-' : String(attempt)), 4),
    right('took', (event) => tried(event, duration(event.elapsed_ms)), 7),
    right('rows read', (event) => tried(event, number(event.rows_read)), 5),
    right('written', (event) => tried(event, number(event.rows_written)), 6),
    { title: 'run', cell: shortId, rank: 3 },
    ...authorColumns,
  ]
}

const COLOR = {
  done: 'green',
  failed: 'red',
  'in progress': 'cyan',
  interrupted: 'yellow',
  'gave up': 'red',
  'out of time': 'red',
  locked: 'yellow',
  'marked stale': 'yellow',
  adopted: 'cyan',
  cleaned: 'yellow',
  invalidated: 'yellow',
  accepted: 'cyan',
  revoked: 'yellow',
} as const

/** `-` unless the event belongs to an attempt that has ended. */
function tried({ attempt, event }: LoggedEvent, text: string): string {
  return attempt === 0 || event === 'in progress' || event === 'interrupted' ? '-' : text
}

function tablesCell(tables: readonly LoggedTable[]): string {
  const [first, ...others] = tables
  if (first === undefined) return ''
  const star = tables.some(({ present }) => !present) ? '*' : ''
  return visible(first.table) + (others.length > 0 ? ` +${others.length}` : '') + star
}

function shortId({ run_id: id }: LoggedRun | LoggedEvent): string {
  return visible(id.slice(0, 8))
}

function second(time: string): string {
  return time.slice(0, 19).replace('T', ' ')
}
