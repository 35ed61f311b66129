// Owns how previewed rows look: a table that fits, or one value a line where it cannot; plans and estimates. Pure.
import { count, number } from '../../terminal/render/format.ts'
import type { Colors } from '../../terminal/render/format.ts'
import { renderTable, type TableColumn } from '../../terminal/render/table.ts'
import { visible } from '../../terminal/render/escape.ts'

export type PreviewStyle = { readonly columns: number; readonly colors: Colors }

export type PreviewTable = {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly string[])[]
  /** Rows that there are, shown or not. */
  readonly total: number
}

/** A hash of 66 characters is shown whole where there is room; longer values are cut. */
const WIDEST = 66

/** Narrower, no value says anything: then each gets a line of its own. */
const NARROWEST = 8
const GAP = 2

export function renderPreview(
  { columns, rows, total }: PreviewTable,
  { columns: width, colors }: PreviewStyle,
): readonly string[] {
  if (rows.length === 0) return ['No rows.']
  const names = columns.map(({ name }) => visible(name))
  const cells = rows.map((row) => row.map(visible))
  const wanted = names.map((name, at) =>
    Math.min(WIDEST, widest([name, ...cells.map((row) => row[at] ?? '')])),
  )
  const widths = fitted(wanted, width)
  let cut = 0
  const fit = (text: string, room: number) => {
    if (lengthOf(text) <= room) return text
    cut++
    return `${Array.from(text)
      .slice(0, room - 1)
      .join('')}…`
  }
  const body =
    widths === undefined
      ? oneByOne({ names, cells: cells.map((row) => row.map((text) => fit(text, WIDEST))), colors })
      : table({
          names: names.map((name, at) => fit(name, widths[at]!)),
          numeric: columns.map(({ type }) => isNumeric(type)),
          cells: cells.map((row) => row.map((text, at) => fit(text, widths[at]!))),
          colors,
        })
  return [
    ...body,
    '',
    colors.dim(footer(rows.length, total)),
    ...(cut > 0 ? [colors.dim('Values with … are cut; --format JSONEachRow shows them whole.')] : []),
  ]
}

export type Estimate = readonly {
  readonly database: string
  readonly table: string
  readonly parts: number
  readonly rows: number
  readonly marks: number
}[]

export function renderExplained(
  { plan, estimate }: { readonly plan: readonly string[]; readonly estimate: Estimate },
  colors: Colors,
): readonly string[] {
  const total = estimate.reduce((sum, { rows }) => sum + rows, 0)
  const { lines } = renderTable(
    estimate,
    [
      { title: 'table', cell: ({ database, table: name }) => visible(`${database}.${name}`) },
      { title: 'parts', align: 'right', cell: ({ parts }) => number(parts) },
      { title: 'marks', align: 'right', cell: ({ marks }) => number(marks) },
      { title: 'rows at most', align: 'right', cell: ({ rows }) => number(rows) },
    ],
    Infinity,
  )
  const [head = '', ...body] = lines
  return [
    ...plan.map(visible),
    '',
    ...(estimate.length > 0
      ? [colors.dim(head), ...body, '', `Would read at most ${count(total, 'row')}.`]
      : ['The server estimates nothing: no MergeTree table has a row to read there.']),
  ]
}

function footer(shown: number, total: number): string {
  return total > shown
    ? `The first ${number(shown)} of ${count(total, 'row')}; --limit ${total} shows all.`
    : `${count(total, 'row')}.`
}

/** Takes from the widest until all fit; undefined where they cannot. */
function fitted(wanted: readonly number[], room: number): readonly number[] | undefined {
  const widths = [...wanted]
  const total = () => widths.reduce((sum, width) => sum + width + GAP, -GAP)
  while (total() > room) {
    const most = Math.max(...widths)
    if (most <= NARROWEST) return undefined
    widths[widths.indexOf(most)] = most - 1
  }
  return widths
}

type Cells = {
  readonly names: readonly string[]
  readonly cells: readonly (readonly string[])[]
  readonly colors: Colors
}

function table({
  names,
  cells,
  numeric,
  colors,
}: Cells & { readonly numeric: readonly boolean[] }): readonly string[] {
  const columns = names.map((title, at): TableColumn<readonly string[]> => ({
    title,
    cell: (row) => row[at] ?? '',
    ...(numeric[at] === true && { align: 'right' }),
  }))
  const [head = '', ...lines] = renderTable(cells, columns, Infinity).lines
  return [colors.dim(head), ...lines]
}

function oneByOne({ names, cells, colors }: Cells): readonly string[] {
  const room = widest(names)
  return cells.flatMap((row, index) => [
    colors.dim(`row ${index + 1}`),
    ...names.map((name, at) => `  ${name.padEnd(room)}  ${row[at] ?? ''}`),
  ])
}

function isNumeric(type: string): boolean {
  return /^(?:Nullable\(|LowCardinality\()*(?:U?Int|Float|Decimal)/.test(type)
}

function widest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, lengthOf(text)), 0)
}

function lengthOf(text: string): number {
  return Array.from(text).length
}
