// Owns the data of the INSERTs that write a test's rows. Pure.
import type { SqlText } from '../../model/model.ts'
import { type DdlColumn, ddlColumns } from '../../sql-syntax/create-table.ts'
import { quoteIdentifier, quoteString } from '../../sql-syntax/quoting.ts'
import { isState } from './real-rows.ts'
import { JsonText, type Row } from './rows.ts'

/** What stands behind `INSERT INTO <table>`, for each INSERT; columns that a row does not name have the table's defaults. */
export function insertData(ddl: SqlText, rows: readonly Row[]): readonly string[] {
  const states = ddlColumns(ddl).filter(({ type }) => isState(type))
  if (!rows.some((row) => states.some(({ name }) => name in row)))
    return rows.length === 0 ? [] : [`FORMAT JSONEachRow\n${rows.map(lineOf).join('\n')}`]
  // A list of columns is that of all rows of an INSERT.
  return [...Map.groupBy(rows, (row) => Object.keys(row).toSorted().join(' ')).values()].map((alike) => {
    const named = ddlColumns(ddl).filter(({ name }) => name in alike[0]!)
    return `${fromDigits(named)} FORMAT JSONEachRow\n${alike.map(lineOf).join('\n')}`
  })
}

/** States are written as digits, which no format reads. */
function fromDigits(columns: readonly DdlColumn[]): string {
  const list = columns.map(({ name, type }) => ({ column: quoteIdentifier(name), type, is: isState(type) }))
  const values = list.map(({ column, type, is }) => (is ? `CAST(unhex(${column}) AS ${type})` : column))
  const structure = list.map(({ column, type, is }) => `${column} ${is ? 'String' : type}`).join(', ')
  const names = list.map(({ column }) => column).join(', ')
  return `(${names}) SELECT ${values.join(', ')} FROM input(${quoteString(structure)})`
}

function lineOf(row: Row): string {
  const fields = Object.entries(row).map(
    ([name, value]) =>
      `${JSON.stringify(name)}:${value instanceof JsonText ? value.text : JSON.stringify(value)}`,
  )
  return `{${fields.join(',')}}`
}
