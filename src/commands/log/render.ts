// Owns how the ledger's history looks: one line for each run or attempt, with errors below. Pure.
import type { LoggedEvent, LoggedRun, LoggedTable } from './report.ts'
import { count, duration, number, formatRange } from '../../terminal/render/format.ts'
import type { Colors } from '../../terminal/render/format.ts'
import { renderTable, type TableColumn } from '../../terminal/render/table.ts'
import { visible } from '../../terminal/render/escape.ts'

export type LogStyle = { readonly columns: number; readonly colors: Colors; readonly limit: number }

/** If the number of lines equals `limit`, there may be more. */
export function renderRuns(runs: readonly LoggedRun[], style: LogStyle): readonly string[] {
  const { colors } = style
  return page(runs, runColumns(colors), style, {
    nothing: 'No runs.',
    error: ({ error }) => error,
    dropped: runs.some(({ tables }) => tables.some(({ present }) => !present)),
  })
}

export function renderEvents(
  events: readonly LoggedEvent[],
  style: LogStyle & { readonly table: string | undefined },
): readonly string[] {
  const all = eventColumns(style.colors)
  const columns = style.table === undefined ? all : all.filter(({ title }) => title !== 'table')
  return page(events, columns, style, {
    nothing: 'No events.',
    error: ({ error }) => error,
    dropped: events.some(({ present }) => !present),
  })
}

type Page<Row> = {
  readonly nothing: string
  readonly error: (row: Row) => string
  /** Whether a row belongs to a table that no longer exists. */
  readonly dropped: boolean
}

function page<Row>(
  rows: readonly Row[],
  columns: readonly TableColumn<Row>[],
  { columns: width, colors, limit }: LogStyle,
  { nothing, error, dropped }: Page<Row>,
): readonly string[] {
  if (rows.length === 0) return [nothing]
  const { lines, dropped: left } = renderTable(rows, columns, width)
  const [head = '', ...body] = lines
  const notes = [
    ...(dropped ? ['* The table was dropped since or does not exist: the event no longer counts.'] : []),
    ...(left.length > 0 ? [`Not shown at ${width} columns: ${left.join(', ')} (\`| cat\` shows all).`] : []),
    ...(rows.length === limit ? [`The latest ${number(limit)}; --limit shows more.`] : []),
  ]
  return [
    colors.dim(head),
    ...rows.flatMap((row, index) => [body[index] ?? '', ...errorLines(error(row), width, colors)]),
    ...(notes.length > 0 ? ['', ...notes.map(colors.dim)] : []),
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
    { title: 'run', cell: ({ runId }) => shortId(runId) },
    { title: 'tables', cell: ({ tables }) => tablesCell(tables) },
    { title: 'chunks', align: 'right', rank: 5, cell: ({ chunksDone }) => number(chunksDone) },
    { title: 'failed', align: 'right', rank: 6, cell: ({ chunksFailed }) => number(chunksFailed) },
    { title: 'blocks', align: 'right', rank: 7, cell: ({ blocks }) => number(blocks) },
    { title: 'rows', align: 'right', rank: 4, cell: ({ rowsWritten }) => number(rowsWritten) },
    { title: 'took', align: 'right', rank: 3, cell: ({ started, ended }) => duration(ended - started) },
    { title: 'by', rank: 2, cell: ({ user, host }) => visible(`${user}@${host}`) },
    { title: 'version', rank: 1, cell: ({ toolVersion }) => visible(toolVersion) },
    { title: 'outcome', cell: outcomeText, colors: (text, { outcome }) => colors[RUN_COLOR[outcome]](text) },
  ]
}

const RUN_COLOR = { done: 'green', failed: 'red', running: 'cyan', unfinished: 'yellow' } as const

function outcomeText({
  outcome,
  chunksDone,
  chunksFailed,
  chunksOpen,
  ...run
}: Pick<
  LoggedRun,
  | 'outcome'
  | 'chunksDone'
  | 'chunksFailed'
  | 'chunksOpen'
  | 'accepted'
  | 'revoked'
  | 'cleaned'
  | 'invalidated'
>): string {
  const counts = (['accepted', 'revoked', 'cleaned', 'invalidated'] as const).flatMap((word) =>
    run[word] > 0 ? [`${word} ${count(run[word], 'block')}`] : [],
  )
  const ended = chunksDone + chunksFailed + chunksOpen > 0 ? [outcome] : []
  const open = outcome === 'unfinished' ? [count(chunksOpen, 'open chunk')] : []
  return [...ended, ...open, ...counts].join(', ')
}

function eventColumns(colors: Colors): readonly TableColumn<LoggedEvent>[] {
  return [
    { title: 'ended (UTC)', cell: ({ at }) => second(at) },
    { title: 'table', cell: (event) => tablesCell([event]) },
    { title: 'blocks', cell: ({ range, present }) => formatRange(range) + (present ? '' : '*') },
    { title: 'event', cell: ({ state }) => state, colors: (text, { state }) => colors[COLOR[state]](text) },
    { title: 'try', align: 'right', rank: 4, cell: ({ attempt }) => (attempt === 0 ? '-' : String(attempt)) },
    { title: 'took', align: 'right', rank: 7, cell: (event) => tried(event, duration(event.elapsedMs)) },
    { title: 'rows read', align: 'right', rank: 5, cell: (event) => tried(event, number(event.rowsRead)) },
    { title: 'written', align: 'right', rank: 6, cell: (event) => tried(event, number(event.rowsWritten)) },
    { title: 'run', cell: ({ runId }) => shortId(runId), rank: 3 },
    { title: 'by', rank: 2, cell: ({ user, host }) => visible(`${user}@${host}`) },
    { title: 'version', rank: 1, cell: ({ toolVersion }) => visible(toolVersion) },
  ]
}

const COLOR = {
  done: 'green',
  failed: 'red',
  running: 'cyan',
  unfinished: 'yellow',
  cleaned: 'yellow',
  invalidated: 'yellow',
  accepted: 'cyan',
  revoked: 'yellow',
} as const

/** `-` unless the event belongs to an attempt that has ended. */
function tried({ attempt, state }: LoggedEvent, text: string): string {
  return attempt === 0 || state === 'running' || state === 'unfinished' ? '-' : text
}

function tablesCell(tables: readonly LoggedTable[]): string {
  const [first, ...others] = tables
  if (first === undefined) return ''
  const star = tables.some(({ present }) => !present) ? '*' : ''
  return visible(first.table) + (others.length > 0 ? ` +${others.length}` : '') + star
}

/** A prefix of a run's id, to be typed after --run. */
function shortId(runId: string): string {
  return visible(runId.slice(0, 8))
}

function second(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}
