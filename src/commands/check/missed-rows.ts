// Owns what a comparison of pieces cannot show: rows of a roll-up that a table looks for by its range, and does not find.
import { namedBlocks, type Range } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import { count } from '../../terminal/render/format.ts'
import { readerOf } from '../../targets/transform.ts'
import { callOf, textOf } from './pieces.ts'
import type { CheckServers } from './queries.ts'

type Question = {
  readonly servers: CheckServers
  readonly table: TableDefinition
  /** All tables: among them are its inputs. */
  readonly tables: readonly TableDefinition[]
}

/**
 * A roll-up's rows are written again by each range of their hour, and lie at its start. A table that looks for them by its range has no row in a
 * piece without such a start: stored rows are complete, so all pieces together agree, and runs would have missed what changed there.
 */
export async function missedRows(
  { servers, table, tables }: Question,
  ranges: readonly Range[],
  unread: readonly number[],
): Promise<readonly string[]> {
  const inputs = tables.filter(
    ({ key, rows, volatile = [] }) =>
      table.after.includes(key) && rows.kind === 'per-key' && volatile.includes(rows.column),
  )
  if (unread.length === 0) return []
  const found = inputs.map(async (input) => {
    const pieces = await readerOf(servers, input).client.rows<{ readonly piece: number }>({
      ...callOf(servers, input, ranges),
      query: unread
        .map((at) => `SELECT ${at} AS piece FROM (\n${textOf(input, at)}\n) LIMIT 1`)
        .join('\nUNION ALL\n'),
    })
    if (pieces.length === 0) return []
    const some = namedBlocks([ranges[Math.min(...pieces.map(({ piece }) => piece))]!])
    return `In ${count(pieces.length, 'piece')}, such as ${some}, ${input.key} writes rows and ${table.key} has none: if it looks for them by its range and they lie before, as at the start of an hour, a run misses what changed there; look for them from that start on.`
  })
  return (await Promise.all(found)).flat()
}
