// Owns the pieces of a range, and what a statement over all of them needs.
import { namedBlocks, type Range } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import { usedParameters } from '../../sql-syntax/parameters.ts'
import { withReplaced } from '../../sql-syntax/tokens.ts'
import { DIGEST_SETTINGS } from '../../targets/digest.ts'
import { transformParams } from '../../targets/transform.ts'
import type { CheckServers } from './queries.ts'

/** More pieces would compute no other row wrong, and cost a statement each. Where the server has no room for so many, fewer. */
export const [MOST_PIECES, FEWER_PIECES, FEWEST_PIECES] = [16, 4, 2]

/** Of a length that an hour, an epoch (384 s), a slot (12 s) or a thousand blocks is no multiple of, so that cuts go through them. Pure. */
export function piecesOf({ from, to }: Range, most: number = MOST_PIECES): readonly Range[] {
  let length = Math.ceil((to - from + 1) / most)
  while (length > 1 && length < to - from && [2, 3, 5].some((factor) => length % factor === 0)) length++
  const starts = Array.from({ length: Math.ceil((to - from + 1) / length) }, (_, at) => from + at * length)
  return starts.map((start) => ({ from: start, to: Math.min(to, start + length - 1) }))
}

/** What a statement over all pieces needs. */
export function callOf(servers: CheckServers, table: TableDefinition, ranges: readonly Range[]) {
  const { source, target, network } = servers
  const [range] = ranges
  return {
    query_params: Object.assign(
      transformParams({
        source: source.connection,
        target: target.connection,
        network,
        table,
        range: range!,
      }),
      ...ranges.map(({ from, to }, at) => ({
        [`backfill_${at}_from`]: from,
        [`backfill_${at}_to`]: to,
        [`backfill_${at}_from_block`]: from,
        [`backfill_${at}_to_block`]: to,
      })),
    ) as Record<string, unknown>,
    clickhouse_settings: { ...table.settings, ...DIGEST_SETTINGS },
    doing: `computing ${namedBlocks([range!])} of ${table.key} in pieces`,
  }
}

/** The transform for a piece, whose range has parameters of its own. */
export function textOf({ transform }: TableDefinition, piece: number): string {
  const names = new Map<number, string>()
  for (const { name, from } of usedParameters(transform))
    if (/^(from|to)(_block)?$/.test(name)) names.set(from + 1, `backfill_${piece}_${name}`)
  return withReplaced(transform, names)
}
