// Owns a table of text: columns as wide as their widest cell; the least important are left out if space is short. Pure.

export type TableColumn<Row> = {
  readonly title: string
  readonly cell: (row: Row) => string
  readonly align?: 'right'
  /** The lowest is left out first; columns without a value always stay. */
  readonly rank?: number
  /** Colours a padded cell: escape codes have no width. */
  readonly colors?: (text: string, row: Row) => string
}

export type TableText = { readonly lines: readonly string[]; readonly dropped: readonly string[] }

const GAP = '  '

/** Every character is one cell wide, because the texts are ASCII and block elements. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly TableColumn<Row>[],
  width: number,
): TableText {
  const widths = new Map(
    columns.map((column) => [
      column,
      Math.max(column.title.length, ...rows.map((row) => column.cell(row).length)),
    ]),
  )
  const widthOf = (column: TableColumn<Row>) => widths.get(column)!
  const kept = fitting(columns, widthOf, width)
  const line = (text: (column: TableColumn<Row>) => string) => kept.map(text).join(GAP).trimEnd()
  const pad = (text: string, column: TableColumn<Row>) =>
    column.align === 'right' ? text.padStart(widthOf(column)) : text.padEnd(widthOf(column))
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
  const total = columns.reduce((sum, column) => sum + widthOf(column) + GAP.length, -GAP.length)
  if (total <= width) return columns
  const ranked = columns.filter(({ rank }) => rank !== undefined)
  const [least] = ranked.toSorted((a, b) => a.rank! - b.rank!)
  if (least === undefined) return columns
  const others = columns.filter((column) => column !== least)
  return fitting(others, widthOf, width)
}
