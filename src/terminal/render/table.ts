// Owns a table of text: where space is short, names are shortened, then the least important columns left out. Pure.
import type { Colors } from './format.ts'

export type TableColumn<Row> = {
  readonly title: string
  readonly cell: (row: Row) => string
  readonly align?: 'right'
  /** The lowest is left out first; columns without a value always stay. */
  readonly rank?: number
  /** Colours a padded cell: escape codes have no width. */
  readonly colors?: (text: string, row: Row) => string
}

export function right<Row>(title: string, cell: (row: Row) => string, rank?: number): TableColumn<Row> {
  return { title, cell, align: 'right', ...(rank !== undefined && { rank }) }
}

export type TableText = { readonly lines: readonly string[]; readonly dropped: readonly string[] }

const GAP = '  '

/** Every character is one cell wide, because the texts are ASCII and block elements. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly TableColumn<Row>[],
  width: number,
): TableText {
  const longest = ({ title, cell }: TableColumn<Row>) =>
    Math.max(title.length, ...rows.map((row) => cell(row).length))
  const widths = new Map(columns.map((column) => [column, longest(column)]))
  const widthOf = (column: TableColumn<Row>) => widths.get(column)!
  const [first] = columns
  // The names in the first column are shortened before another column is left out.
  const least = (column: TableColumn<Row>) =>
    Math.min(widthOf(column), column === first ? MIN_NAME : Infinity)
  const kept = fitting(columns, least, width)
  const excess = Math.max(0, totalOf(kept, widthOf) - width)
  const room = (column: TableColumn<Row>) => {
    const shortest = column !== first || widthOf(column) < MIN_NAME ? widthOf(column) : SHORTEST_NAME
    return Math.max(shortest, column === first ? widthOf(column) - excess : 0)
  }
  const line = (text: (column: TableColumn<Row>) => string) => kept.map(text).join(GAP).trimEnd()
  const pad = (text: string, column: TableColumn<Row>) =>
    column.align === 'right' ? text.padStart(room(column)) : shorten(text, room(column)).padEnd(room(column))
  return {
    lines: [
      line((column) => pad(column.title, column)),
      ...rows.map((row) =>
        line((column) => {
          const text = pad(column.cell(row), column)
          return column.colors?.(text, row) ?? text
        }),
      ),
    ],
    dropped: columns.filter((column) => !kept.includes(column)).map(({ title }) => title),
  }
}

function fitting<Row>(
  columns: readonly TableColumn<Row>[],
  widthOf: (column: TableColumn<Row>) => number,
  width: number,
): readonly TableColumn<Row>[] {
  const [least] = columns.filter(({ rank }) => rank !== undefined).toSorted((a, b) => a.rank! - b.rank!)
  if (least === undefined || totalOf(columns, widthOf) <= width) return columns
  const others = columns.filter((column) => column !== least)
  return fitting(others, widthOf, width)
}

function totalOf<Row>(
  columns: readonly TableColumn<Row>[],
  widthOf: (column: TableColumn<Row>) => number,
): number {
  return columns.reduce((sum, column) => sum + widthOf(column) + GAP.length, -GAP.length)
}

/** `address_storage…first_access`: names differ at their ends. */
function shorten(text: string, width: number): string {
  if (text.length <= width) return text
  const tail = Math.max(TAIL, Math.ceil((width - 1) / 2))
  return `${text.slice(0, width - 1 - tail)}…${text.slice(-tail)}`
}

/** Shorter names would hardly be told apart: a column is left out first. */
const MIN_NAME = 22

/** Where no column can be left out any more. Names end in more than they begin with: `first_access`. */
const SHORTEST_NAME = 18
const TAIL = 12

/** `other`: the paired row of the other side, if there is one. */
export type SignedRow = {
  readonly sign: '-' | '+'
  readonly values: readonly string[]
  readonly other?: readonly string[] | null
}

export function renderRowDiff(
  columns: readonly string[],
  rows: readonly SignedRow[],
  colors: Colors,
): readonly string[] {
  const cells = columns.map((title, index) => ({
    title,
    cell: ({ values }: SignedRow) => values[index] ?? '',
    colors: (cell: string, { sign, values, other }: SignedRow) => {
      if (other?.[index] === values[index]) return cell
      return sign === '-' ? colors.red(cell) : colors.green(cell)
    },
  }))
  return renderTable(rows, [{ title: '', cell: ({ sign }) => sign }, ...cells], Infinity).lines
}
