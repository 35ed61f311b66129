// Owns the refusal of rows of one key that stand in a table more than once, where its file says that they become one.
import { type BlockSet, blockSet, hull, intersect, namedBlocks, type Range } from '../../model/blocks.ts'
import { failedError } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { Server } from '../../clickhouse/server.ts'
import { ddlClauses } from '../../sql-syntax/ddl-clauses.ts'
import { isPlain } from '../../targets/plain-inputs.ts'

/** Most blocks that are named. */
const MOST = 1_000

/** If the table keeps rows of one key that by its file become one. @throws BackfillError `failed` for keys with several rows; `server` */
export async function assertNotDoubled(
  { client, connection: { database } }: Server,
  table: TableDefinition,
  engine: string,
  blocks: BlockSet,
): Promise<void> {
  const key = ddlClauses(table.ddl).sortKey?.text
  const ends = hull(blocks)
  if (!isPlain(table.ddl, engine) || table.rows.kind !== 'per-block' || key === undefined || !ends) return
  const at = `toUInt64(${table.position})`
  const found = await client.rows<Range>({
    query: `SELECT DISTINCT at AS "from", at AS "to" FROM (
        SELECT any(${at}) AS at FROM {database:Identifier}.{table:Identifier}
        WHERE ${at} BETWEEN {first:UInt64} AND {last:UInt64} GROUP BY ${key} HAVING count() > 1
      ) ORDER BY at LIMIT {most:UInt64}`,
    query_params: { database, table: table.target, first: ends.from, last: ends.to, most: MOST },
    // In the order of the table, groups need no memory.
    clickhouse_settings: { optimize_aggregation_in_order: 1 },
    doing: `looking for rows of ${table.key} that are there twice`,
  })
  const doubled = intersect(blockSet(found), blocks)
  if (doubled.length === 0) return
  throw failedError(
    `${database}.${table.target} has rows of ${namedBlocks(doubled)} more than once: it is a ${engine}, not as its file says, and keeps them all`,
    `\`backfill rebuild ${table.key}\` builds a new table beside this one`,
  )
}
