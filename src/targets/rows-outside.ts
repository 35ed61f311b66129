// Owns finding the rows that a transform yields at positions outside of the range that it is asked for: a redo would leave them, or take others.
import type { Server } from '../clickhouse/server.ts'
import { namedBlocks, type Range } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import { columnsIn } from '../sql-syntax/named-columns.ts'
import { quoteIdentifier } from '../sql-syntax/quoting.ts'
import type { TargetTable } from './target.ts'

/** `rows`: how many; their first and last positions. */
export type RowsOutside = { readonly rows: number; readonly first: string; readonly last: string }

/** Computes the range once more. Undefined where the table itself computes the position. @throws BackfillError `server`, `failed` */
export async function rowsOutside(
  reader: Pick<Server, 'client'>,
  {
    table,
    target,
    range,
  }: { readonly table: TableDefinition; readonly target: TargetTable; readonly range: Range },
  { names, params }: { readonly names: readonly string[]; readonly params: Record<string, unknown> },
): Promise<RowsOutside | undefined> {
  const read = target.columns.filter(({ name }) => columnsIn(table.position).includes(name))
  if (!read.every(({ name }) => names.includes(name))) return undefined
  const casts = read.map(
    ({ name, type }) => `CAST(${quoteIdentifier(name)} AS ${type}) AS ${quoteIdentifier(name)}`,
  )
  const [found] = await reader.client.rows<RowsOutside>({
    query: `SELECT count() AS rows, toString(min(position)) AS first, toString(max(position)) AS last
      FROM (SELECT ${table.position} AS position FROM (SELECT ${casts.join(', ')} FROM (\n${table.transform.text}\n)))
      WHERE position NOT BETWEEN {from_block:UInt64} AND {to_block:UInt64}`,
    query_params: params,
    clickhouse_settings: table.settings,
    doing: `looking for rows outside of ${namedBlocks([range])} of ${table.key}`,
  })
  return found
}
