// Owns the history of done chunks in the ledger: their costs, and the chunks whose rows were deleted again.
import { sql } from 'kysely'
import { blockSet, type BlockSet } from '../model/blocks.ts'
import { ofPresentTargets } from './fold.ts'
import type { LedgerPlace } from './events.ts'

export type HistoryPort = ReturnType<typeof openHistory>

/** The history of one network on the target server. All functions throw BackfillError `server`. */
export function openHistory({ server, names, network }: LedgerPlace) {
  const ledger = (doing: string) => server.during(doing).withSchema(names.ledger)
  return {
    /** Costs of the latest chunks of each table's present UUID (key -> UUID), oldest first; keys without chunks are absent. */
    async costs(uuids: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, readonly Cost[]>> {
      if (uuids.size === 0) return new Map()
      const rows = await ledger('reading the costs of earlier chunks')
        .selectFrom('ledger')
        .select(['table_key', 'rows_expected', 'rows_written', 'elapsed_ms', 'peak_memory'])
        .where('network', '=', network)
        .where(ofPresentTargets(uuids))
        .where('event', '=', 'done')
        .where('rows_expected', '>', 0)
        .orderBy('table_key')
        .orderBy('epoch', 'desc')
        .orderBy('seq', 'desc')
        .modifyEnd(sql`LIMIT ${LATEST} BY table_key`)
        .execute()
      const ofTable = Map.groupBy(rows.toReversed(), (row) => row.table_key)
      return new Map(
        [...ofTable].map(([key, chunks]) => [
          key,
          chunks.map((row): Cost => ({
            expected: row.rows_expected,
            written: row.rows_written,
            elapsedMs: row.elapsed_ms,
            peakMemory: row.peak_memory,
          })),
        ]),
      )
    },

    /** Blocks whose rows were deleted at any time; they may have been built again since. */
    async cleaned(key: string, targetUuid: string): Promise<BlockSet> {
      const rows = await ledger('reading which rows were deleted')
        .selectFrom('ledger')
        .select(['range_from', 'range_to'])
        .distinct()
        .where('network', '=', network)
        .where(ofPresentTargets(new Map([[key, targetUuid]])))
        .where('event', '=', 'cleaned')
        // Otherwise it names the reason: an acceptance was revoked, which had no rows.
        .where('error', '=', '')
        .execute()
      return blockSet(rows.map((row) => ({ from: row.range_from, to: row.range_to })))
    },
  }
}

/** Number of latest chunks that predict the next ones; older chunks had other blocks, other SQL or another server. */
const LATEST = 10

/** The cost of a chunk in the ledger. `expected`: rows that the probe had found for it. */
export type Cost = {
  readonly expected: number
  readonly written: number
  readonly elapsedMs: number
  /** Bytes; 0 if the server did not report it. */
  readonly peakMemory: number
}
