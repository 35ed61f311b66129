// Owns the look of differing rows: a sign, and colours for the cells that differ from those of the paired row. Pure.
import type { Colors } from './format.ts'
import { renderTable } from './table.ts'

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
