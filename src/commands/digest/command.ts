// Owns `backfill digest`: numbers of the rows of each table, by ranges of blocks, to compare two installations.
import { EXIT, usageError } from '../../model/errors.ts'
import type { Range } from '../../model/blocks.ts'
import type { Digest } from '../../model/digest.ts'
import { inUnit, type PerUnit, type TableDefinition } from '../../model/model.ts'
import { digestSql, DIGEST_SETTINGS } from '../../targets/digest.ts'
import { readKnown } from '../../planning/table-status.ts'
import { type Command, withStoppable } from '../../session/session.ts'
import type { Session } from '../../workspace/open.ts'
import { typedBounds } from '../../workspace/run-options.ts'
import { perUnit, readFlag } from '../../workspace/values.ts'
import { count, formatRange } from '../../terminal/render/format.ts'

/** Blocks or seconds of a line, where none are typed for the unit. */
const EVERY = 1000

export type TableDigest = {
  readonly table: string
  /** Names the hashed columns and their types: only digests over the same columns can be compared. */
  readonly columns: string
  readonly ranges: readonly (Range & Omit<Digest, 'columns'>)[]
}

export const digestCommand: Command = async (context) => {
  const { flags, output } = context
  const typed = readFlag(flags, 'every', perUnit({}, 1)) ?? EVERY
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = typedBounds(flags)
  return await withStoppable(context, async (session, signal) => {
    const { chosen } = session.workspace
    const named = flags.has('tables') ? chosen.find(({ rows }) => rows.kind === 'per-key') : undefined
    if (named !== undefined)
      throw usageError(
        `${named.key} has one row per key, whatever the block: it cannot be read by ranges of blocks`,
        `backfill verify ${named.key} compares its rows with what is computed`,
      )
    const tables = await readDigests(session, { every: typed, from, to }, signal)
    const every = inUnit(typed, chosen[0]!.unit) ?? EVERY
    if (!signal.aborted) output.answer({ every, tables }, tables.flatMap(digestLines))
    return EXIT.ok
  })
}

/** The digests of the chosen per-block tables that exist: one scan of each. @throws BackfillError `server`, `usage` */
export async function readDigests(
  { workspace, connected: { target } }: Pick<Session, 'workspace' | 'connected'>,
  { every: typed, from, to }: Range & { readonly every: PerUnit },
  signal?: AbortSignal,
): Promise<readonly TableDigest[]> {
  const { targets } = await readKnown(workspace)
  const digestOf = async (table: TableDefinition): Promise<readonly TableDigest[]> => {
    const found = targets.get(table.target)
    if (table.rows.kind !== 'per-block' || found === undefined || signal?.aborted === true) return []
    const every = inUnit(typed, table.unit) ?? EVERY
    const sql = await digestSql(target, workspace.ports.executor, table, found)
    const rows = await target.client
      .rows<Range & Digest>({
        query: `SELECT greatest(part * {every:UInt64}, {from:UInt64}) AS "from",
          least((part + 1) * {every:UInt64} - 1, {to:UInt64}) AS "to",
          count() AS rows, toString(sum(${sql.rowHash})) AS sum, ${sql.columns} AS columns
        FROM ${sql.from} WHERE ${table.position} BETWEEN {from:UInt64} AND {to:UInt64}
        GROUP BY intDiv(assumeNotNull(toUInt64(${table.position})), {every:UInt64}) AS part ORDER BY part`,
        query_params: { every, from, to },
        clickhouse_settings: DIGEST_SETTINGS,
        ...(signal && { abort_signal: signal }),
        doing: `reading ${table.target}`,
      })
      .catch((error: unknown) => {
        if (signal?.aborted === true) return []
        throw error
      })
    const ranges = rows.map((row) => {
      const { columns: _, ...range } = row
      return range
    })
    return [{ table: table.key, columns: rows[0]?.columns ?? '', ranges }]
  }
  const digests: TableDigest[] = []
  for (const table of workspace.chosen) digests.push(...(await digestOf(table)))
  return digests
}

/** Nothing but numbers of the rows: equal tables print equal lines, wherever they are. */
function digestLines({ table, columns, ranges }: TableDigest): readonly string[] {
  return [
    `${table}  columns ${columns || '-'}`,
    ...ranges.map((range) => `${table}  ${formatRange(range)}  ${count(range.rows, 'row')}  ${range.sum}`),
  ]
}
