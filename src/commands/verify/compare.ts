// Owns the comparison of a range: the transform's rows, computed again, against the table's rows. Reads only.
import { namedBlocks, type Range } from '../../model/blocks.ts'
import { isPosition, type TableDefinition } from '../../model/model.ts'
import type { Server } from '../../clickhouse/server.ts'
import { DIGEST_SETTINGS } from '../../targets/digest.ts'
import { readerOf, transformParams } from '../../targets/transform.ts'
import type { Sides } from '../../targets/compare-sides.ts'
import { asForm } from '../../clickhouse/long-parameters.ts'
import { serverError } from '../../clickhouse/server-error.ts'
import type { Connected } from '../../workspace/connect.ts'
import type { Version } from './chunks.ts'

export type CompareQuestion = Pick<Connected, 'source' | 'target'> &
  Version & { readonly range: Range; readonly signal: AbortSignal }

const READING = {
  ...DIGEST_SETTINGS,
  output_format_json_named_tuples_as_objects: 1,
  // The rows are cast to the types of the table, which is there.
  allow_suspicious_low_cardinality_types: 1,
  allow_suspicious_fixed_string_types: 1,
} as const

type Sums = {
  readonly rows: number
  /** Distinct values of the target's sorting key. */
  readonly keys: number
  /** Sum of the rows' 64-bit hashes, modulo 2^64, decimal. */
  readonly hash: string
}

/** `behind`, of `per-key` tables: the table's row is not as early, or not as late, as the range says. */
export type DifferenceKind = 'missing' | 'unexpected' | 'different' | 'behind'

export type Comparison = {
  readonly recomputed: Sums
  /** Of the range's rows in the table; undefined for a `per-key` table, whose rows belong to no range. */
  readonly stored: Sums | undefined
  /** Keys that differ, by how. */
  readonly differences: Readonly<Record<DifferenceKind, number>>
  /** Rows of some of them, in the order of the compared columns; null on the side that lacks it. */
  readonly examples: readonly {
    readonly kind: DifferenceKind
    readonly recomputed: readonly string[] | null
    readonly stored: readonly string[] | null
  }[]
}

type Answer = Pick<Comparison, 'recomputed' | 'differences'> & {
  readonly stored: Sums
  readonly keys: readonly { readonly kind: DifferenceKind; readonly key: string }[]
}

/** `duplicates`: the transform yields several rows of one key, of which the table keeps one. */
export function outcomeOf(comparison: Comparison, sides: Sides): 'same' | 'different' | 'duplicates' {
  if (yieldsSeveral(comparison, sides)) return sides.combines === undefined ? 'duplicates' : 'different'
  return Object.values(comparison.differences).every((keys) => keys === 0) ? 'same' : 'different'
}

/** Whether the table itself explains the difference: several rows of a key may become another row, or none, but nothing becomes of a single one. */
export function mayDrop(comparison: Comparison, sides: Sides): boolean {
  const { different, unexpected } = comparison.differences
  if (sides.dropsMore) return true
  if (sides.combines === undefined || different + unexpected > 0) return false
  return sides.combines === 'to none' || yieldsSeveral(comparison, sides)
}

function yieldsSeveral({ recomputed }: Comparison, { keepsAll }: Sides): boolean {
  return !keepsAll && recomputed.rows !== recomputed.keys
}

/** Key by key, on the target: if another server computes the transform, keys, positions and hashes are sent there. @throws BackfillError `failed`, `server` */
export async function compareRange(question: CompareQuestion): Promise<Comparison> {
  const { source, target, network, table, sides, range, signal } = question
  const reader = readerOf({ source, target }, table)
  const call = {
    query_params: {
      ...transformParams({ table, range, network, source: source.connection, target: target.connection }),
      backfill_database: target.connection.database,
      backfill_table: table.target,
    },
    clickhouse_settings: { ...table.settings, ...READING },
    abort_signal: signal,
    doing: `verifying ${namedBlocks([range])} of ${table.key}`,
  }
  const query = (recomputed: string) =>
    `${comparisonQuery(table, { ...sides, recomputed })} FORMAT JSONEachRow`
  const statement =
    reader === target
      ? { ...call, query: query(sides.recomputed) }
      : await sentWithRows(reader, sides, call, query)
  const { keys, recomputed, stored, differences }: Answer = JSON.parse(await target.client.text(statement))

  const rowsOf = async (server: Server, side: string) => {
    if (keys.length === 0) return new Map<string, readonly string[]>()
    const rows = await server.client.rows<[key: string, row: string[]]>({
      ...call,
      query: `SELECT hex(backfill_key) AS key, any(backfill_values) FROM (${side})
      WHERE has({backfill_keys:Array(String)}, key) GROUP BY key`,
      query_params: { ...call.query_params, backfill_keys: keys.map(({ key }) => key) },
      format: 'JSONCompact',
    })
    return new Map(rows)
  }
  const [ours, theirs] = await Promise.all([rowsOf(reader, sides.recomputed), rowsOf(target, sides.stored)])
  const examples = keys.map(({ kind, key }) => {
    return { kind, recomputed: ours.get(key) ?? null, stored: theirs.get(key) ?? null }
  })
  return { recomputed, stored: table.rows.kind === 'per-block' ? stored : undefined, differences, examples }
}

/**
 * The statement for the target, in a form with two parts: the query (`query` makes it from the SELECT of the rows), which would not fit into
 * every URL, and the rows, about 32 bytes each, which pass through undecoded. @throws BackfillError if the transform fails
 */
async function sentWithRows(
  reader: Server,
  { recomputed, positionType }: Sides,
  call: Omit<Parameters<Server['client']['exec']>[0], 'query'> & { readonly doing: string },
  query: (recomputed: string) => string,
) {
  const { stream } = await reader.client.exec({
    ...call,
    query: `SELECT backfill_key, backfill_position, backfill_hash FROM (${recomputed}) FORMAT RowBinary`,
    // The server answers when it has all rows: an error among them would be taken for rows.
    clickhouse_settings: { ...call.clickhouse_settings, wait_end_of_query: 1 },
  })
  const fields = {
    query: query('SELECT * FROM backfill_recomputed'),
    backfill_recomputed_format: 'RowBinary',
    backfill_recomputed_structure: `backfill_key FixedString(16), backfill_position ${positionType}, backfill_hash UInt64`,
  }
  async function* rows() {
    try {
      yield* stream
    } catch (error) {
      throw serverError(error, { connection: reader.connection, doing: call.doing })
    }
  }
  return { ...call, ...asForm(Object.entries(fields), { name: 'backfill_recomputed', bytes: rows() }) }
}

/** Example keys of each kind of difference. */
const EXAMPLES = 3

const sums = (side: string) =>
  `CAST((sum(${side}_rows), countIf(${side}_rows > 0), toString(sum(${side}_hash))) AS Tuple(rows UInt64, keys UInt64, hash String)) AS ${side}`

type Compared = Pick<TableDefinition, 'rows' | 'position'>

/** One row: `recomputed` and `stored` (sums of each side), `differences` (keys by kind) and `keys` (examples, as hex). */
function comparisonQuery(table: Compared, sides: Pick<Sides, 'recomputed' | 'stored' | 'keepsAll'>): string {
  const kinds = Object.entries(conditions(table, sides))
  const counts = kinds.map(([, condition]) => `countIf(${condition})`)
  const keys = kinds.map(
    ([kind, condition]) => `groupArrayIf(${EXAMPLES})(('${kind}', hex(backfill_key)), ${condition})`,
  )
  return `SELECT ${sums('recomputed')}, ${sums('stored')},
    CAST((${counts.join(', ')}) AS Tuple(${kinds.map(([kind]) => `${kind} UInt64`).join(', ')})) AS differences,
    CAST(arrayConcat(${keys.join(', ')}) AS Array(Tuple(kind String, key String))) AS keys
  FROM (${table.rows.kind === 'per-block' ? grouped(sides) : joined(sides)})`
}

function grouped({ recomputed, stored }: Pick<Sides, 'recomputed' | 'stored'>): string {
  return `SELECT backfill_key,
      countIf(NOT is_stored) AS recomputed_rows, sumIf(backfill_hash, NOT is_stored) AS recomputed_hash,
      countIf(is_stored) AS stored_rows, sumIf(backfill_hash, is_stored) AS stored_hash
    FROM (
      SELECT false AS is_stored, backfill_key, backfill_hash FROM (${recomputed})
      UNION ALL
      SELECT true AS is_stored, backfill_key, backfill_hash FROM (${stored})
    ) GROUP BY backfill_key`
}

/**
 * The same for a table whose rows belong to no range: the keys of the range are kept in memory, and the whole table is
 * streamed past them. `ifNull`: a header may set join_use_nulls.
 */
function joined({ recomputed, stored }: Pick<Sides, 'recomputed' | 'stored'>): string {
  return `SELECT if(recomputed_rows > 0, r.backfill_key, s.backfill_key) AS backfill_key,
      ifNull(r.row_count, 0) AS recomputed_rows, ifNull(r.hash, 0) AS recomputed_hash, r.position AS recomputed_position,
      ifNull(s.row_count, 0) AS stored_rows, ifNull(s.hash, 0) AS stored_hash, s.position AS stored_position
    FROM (
      SELECT backfill_key, backfill_position AS position, backfill_hash AS hash, 1 AS row_count FROM (${stored})
    ) AS s
    FULL OUTER JOIN (
      SELECT backfill_key, any(backfill_position) AS position, sum(backfill_hash) AS hash, count() AS row_count
      FROM (${recomputed}) GROUP BY backfill_key
    ) AS r ON s.backfill_key = r.backfill_key`
}

/** Which rows a key with several computed rows leaves in the table is random: its values are not compared. */
function conditions(
  { rows, position }: Compared,
  { keepsAll }: Pick<Sides, 'keepsAll'>,
): Readonly<Record<DifferenceKind, string>> {
  const missing = 'recomputed_rows > 0 AND stored_rows = 0'
  // Of several rows that become one it is not known which.
  const comparable = keepsAll ? 'recomputed_rows > 0' : 'recomputed_rows = 1'
  const different = `${comparable} AND stored_rows > 0 AND recomputed_hash != stored_hash`
  if (rows.kind === 'per-block')
    return { missing, unexpected: 'recomputed_rows = 0', different, behind: 'false' }
  const [stored, recomputed] = ['stored_position', 'recomputed_position']
  const [worse, better] = rows.keep === 'earliest' ? ['>', '<'] : ['<', '>']
  // A merged row may come from another range, unless its block lies in this range: then this range must yield it.
  const unexpected = isPosition(rows.column, position)
    ? `stored_rows > 0 AND ${stored} BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        AND (recomputed_rows = 0 OR ${stored} ${better} ${recomputed})`
    : 'false'
  const both = 'recomputed_rows > 0 AND stored_rows > 0'
  return {
    missing,
    unexpected: `ifNull(${unexpected}, false)`,
    different: `ifNull(${different} AND ${stored} = ${recomputed}, false)`,
    behind: `ifNull(${both} AND ${stored} ${worse} ${recomputed}, false)`,
  }
}
