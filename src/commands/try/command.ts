// Owns `backfill try`: what an edit of the SQL changes, as text, Markdown or JSON.
import { EXIT, usageError } from '../../model/errors.ts'
import { type Command, withStoppable } from '../../session/session.ts'
import { count, duration, namedRanges, listOf, number, size } from '../../terminal/render/format.ts'
import { verbatim } from '../../terminal/render/json.ts'
import { renderTable } from '../../terminal/render/table.ts'
import { typedBounds } from '../../workspace/run-options.ts'
import { names, oneOf, positiveCount, readFlag } from '../../workspace/values.ts'
import type { Row } from './compare.ts'
import { type Tried, type TryReport, tryEdit } from './try.ts'

export const tryCommand: Command = async (context) => {
  const { config, flags, output } = context
  const tables = readFlag(flags, 'tables', names) ?? []
  const sample = readFlag(flags, 'sample', positiveCount) ?? 20
  const { from, to = from } = typedBounds(flags)
  if (from === undefined && to !== undefined)
    throw usageError('--to needs --from', 'backfill try <table> --from N --to N')
  const range = from === undefined ? undefined : { from, to: to! }
  const format = readFlag(flags, 'format', oneOf(['text', 'markdown'])) ?? 'text'
  return await withStoppable(
    context,
    async (session, signal) => {
      const question = { tables, mayBeNone: flags.has('changed'), range, sample, lag: config.lag.value }
      const report = await tryEdit(session, question, signal).catch((error: unknown) => {
        // What was stopped has failed, and nobody needs to know where.
        if (signal.aborted) return undefined
        throw error
      })
      if (report === undefined) return EXIT.ok
      const fields = report.tables.map((one) => ({ ...one, columns: verbatim(one.columns) }))
      if (flags.has('json')) output.json({ ...report, tables: fields })
      else if (report.tables.length === 0)
        output.data(['No table is edited: all stored rows are of the SQL in the files.'])
      else output.data(format === 'markdown' ? markdown(report) : text(report))
      return EXIT.ok
    },
    'Stopping: the scratch database is dropped.',
  )
}

const COLUMNS: Readonly<Record<string, (tried: Tried) => string>> = {
  table: ({ table, edited }) => (edited ? `${table} (edited)` : table),
  same: ({ same }) => number(same),
  changed: ({ changed }) => number(changed),
  new: (tried) => number(tried.new),
  gone: ({ gone }) => number(gone),
  'changed columns': ({ columns, added, dropped }) =>
    [
      ...Object.entries(columns).map(([name, rows]) => `${name} ${rows}`),
      ...added.map((name) => `${name} added`),
      ...dropped.map((name) => `${name} dropped`),
    ].join(', '),
  'to build all': ({ whole }) =>
    `${count(whole.rows, 'row')}, ${duration(whole.elapsedMs)}, ${size(whole.bytes)}`,
}

function notes({ blocks, left }: TryReport): readonly string[] {
  return [
    `Compared ${namedRanges(blocks)}. Nothing was changed.`,
    ...left.map(({ table, why }) => `Not tried: ${table}: ${why}.`),
  ]
}

/** A text that reads NULL is quoted. */
const line = (row: Row | null) =>
  row?.map((value) => (value === 'NULL' ? "'NULL'" : (value ?? 'NULL'))).join(', ') ?? '(no row)'

function examples({ tables }: TryReport): readonly string[] {
  return tables.flatMap(({ table, examples: own }) =>
    listOf(
      own.length > 0 && `${table}:`,
      own.flatMap(({ before, after }) => [`  - ${line(before)}`, `  + ${line(after)}`]),
    ),
  )
}

function text(report: TryReport): readonly string[] {
  const columns = Object.entries(COLUMNS).map(([title, cell]) => ({ title, cell }))
  return [...renderTable(report.tables, columns, Infinity).lines, '', ...examples(report), ...notes(report)]
}

/** Rows come from the chain: no cell and no line of them is markup. */
const row = (cells: readonly string[]) =>
  `| ${cells.map((cell) => cell.replaceAll(/[\\|<`[]/g, '\\$&')).join(' | ')} |`

function markdown(report: TryReport): readonly string[] {
  const titles = Object.keys(COLUMNS)
  const shown = examples(report).map((one) => one.replace(/^ {2}/, '').replaceAll('```', "'''"))
  return listOf(
    row(titles),
    row(titles.map(() => '---')),
    report.tables.map((tried) => row(Object.values(COLUMNS).map((cell) => cell(tried)))),
    '',
    shown.length > 0 && ['```diff', ...shown, '```', ''],
    notes(report),
  )
}
