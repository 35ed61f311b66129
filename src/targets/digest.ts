// Owns the digest of rows that are in a table (model/digest.ts), as SQL, and the digest of a range that was just written.
import { hull, namedBlocks, type Range } from '../model/blocks.ts'
import { errorCode } from '../clickhouse/server-error.ts'
import { quoteIdentifier, quoteString } from '../sql-syntax/quoting.ts'
import type { Server } from '../clickhouse/server.ts'
import { type Digest, PARTIAL } from '../model/digest.ts'
import type { TableDefinition } from '../model/model.ts'
import type { DescribePort } from './check-columns.ts'
import { comparable, comparedColumns, isCollapsing } from './compared-columns.ts'
import type { TargetTable } from './target.ts'

export const DIGEST_SETTINGS = {
  // block_number in a table's key may be filtered before its rows are merged.
  optimize_move_to_prewhere_if_final: 1,
  cancel_http_readonly_queries_on_client_close: 1,
  // The server enforces that nothing is written.
  readonly: '2',
} as const

/** @throws BackfillError `server`, `usage` */
export async function digestSql(
  server: Server,
  executor: DescribePort,
  table: TableDefinition,
  { engine, columns }: Pick<TargetTable, 'engine' | 'columns'>,
) {
  const { stored, not } = await comparedColumns(server, columns, table, await executor.describe(table))
  const hashed = stored.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const list = hashed.map(comparable).join(', ')
  // A digest of before, of states as they are, cannot be compared.
  const types = hashed
    .map((column) => {
      const isInOrder = comparable(column) !== quoteIdentifier(column.name)
      return `${column.name} ${column.type}${isInOrder ? ' in order' : ''}`
    })
    .join(', ')
  const name = [server.connection.database, table.target].map(quoteIdentifier).join('.')
  return {
    /** The table with its database, and FINAL where its engine merges rows. */
    from: `${name}${isCollapsing({ engine }) ? ' FINAL' : ''}`,
    /** Hash of a row, UInt64. One tuple: with separate arguments a NULL would take the row out of the sum. */
    rowHash: `cityHash64(tuple(${list}))`,
    /** `columns` of the digest, an expression. */
    columns: `concat('${not.length > 0 ? PARTIAL : ''}', toString(cityHash64(${quoteString(types)})))`,
  }
}

export type WrittenRange = {
  readonly table: TableDefinition
  readonly target: TargetTable
  readonly range: Range
  readonly rowsWritten: number
}

/** Whether the rows of a range can be read back, and stay. */
function hasDigest({ table, target }: Pick<WrittenRange, 'table' | 'target'>): boolean {
  return table.rows.kind === 'per-block' && target.fades !== true
}

/**
 * Of many disjoint ranges of a per-block table, in the order of the ranges, which is that of their blocks: one scan of what lies between the first and
 * the last of them, whatever their number. Empty where a table has no digest. @throws BackfillError `server`, `usage`
 */
export async function storedDigests(
  server: Server,
  executor: DescribePort,
  { table, target }: Pick<WrittenRange, 'table' | 'target'>,
  ranges: readonly Range[],
): Promise<readonly Digest[]> {
  const all = hull(ranges)
  if (!hasDigest({ table, target }) || all === undefined) return []
  const { from, rowHash, columns } = await digestSql(server, executor, table, target)
  const { position } = table
  return await server.client.rows<Digest>({
    // `starts`: of the ranges, and of what lies behind each of them.
    query: `SELECT rows, toString(total) AS sum, ${columns} AS columns
      FROM (SELECT arrayJoin({starts:Array(UInt64)}) AS start) AS ranges
      LEFT JOIN (
        SELECT roundDown(toUInt64(${position}), {steps:Array(UInt64)}) AS start, count() AS rows, sum(${rowHash}) AS total
        FROM ${from} WHERE ${position} BETWEEN ${all.from} AND ${all.to} GROUP BY start
      ) AS stored USING (start)
      ORDER BY start
      SETTINGS join_use_nulls = 0`,
    query_params: {
      starts: ranges.map((range) => range.from),
      steps: [0, ...new Set(ranges.flatMap((range) => [range.from, range.to + 1]))],
    },
    clickhouse_settings: DIGEST_SETTINGS,
    doing: `reading the rows of ${table.key}`,
  })
}

/** The digest is not worth reading more rows than this, by rows of the range, with a floor of some granules. */
export const WORTH = { perRow: 20, atLeast: 65_536 }

const TOO_MANY_ROWS = 158

/** Of a range just written, under the caller's lock. Undefined: unknown, because the server would have to scan, or does not answer. Never throws. */
export function openDigests(server: Server, describe: DescribePort['describe']) {
  const statements = new Map<string, ReturnType<typeof digestSql>>()
  const scanned = new Set<string>()
  return async ({ table, target, range, rowsWritten }: WrittenRange): Promise<Digest | undefined> => {
    const { key } = table
    if (!hasDigest({ table, target }) || scanned.has(key)) return undefined
    try {
      const statement = statements.get(key) ?? digestSql(server, { describe }, table, target)
      statements.set(key, statement)
      const { from, rowHash, columns } = await statement
      const [digest] = await server.client.rows<Digest>({
        query: `SELECT count() AS rows, toString(sum(${rowHash})) AS sum, ${columns} AS columns
          FROM ${from} WHERE ${table.position} BETWEEN ${range.from} AND ${range.to}`,
        clickhouse_settings: {
          ...DIGEST_SETTINGS,
          // The server knows before it reads.
          max_rows_to_read: String(Math.max(WORTH.perRow * rowsWritten, WORTH.atLeast)),
        },
        doing: `reading ${namedBlocks([range])} of ${key}`,
      })
      return digest
    } catch (error) {
      if (errorCode(error) === TOO_MANY_ROWS) scanned.add(key)
      else statements.delete(key)
      return undefined
    }
  }
}
