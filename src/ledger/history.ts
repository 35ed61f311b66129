// Owns what the ledger remembers of chunks that were done: what they cost, and which were taken back.
import { sql } from 'kysely'
import { blockSet, type BlockSet } from '../model/blocks.ts'
import { ofPresentTargets } from './fold.ts'
import type { LedgerPlace } from './events.ts'

export type HistoryPort = ReturnType<typeof openHistory>

/** The history of one network on the target server. All functions throw BackfillError `server`. */
export function openHistory({ server, names, network }: LedgerPlace) {
  const ledger = (doing: string) => server.during(doing).withSchema(names.ledger)
  return {
    /** What the latest chunks of each table's present UUID cost (key -> UUID), oldest first; keys without any are absent. */
    async costs(uuids: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, readonly Cost[]>> {
      if (uuids.size === 0) return new Map()
      const rows = await ledger('reading what earlier chunks took')
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

    /** Blocks whose rows were ever taken back; they may have been built again since. */
    async cleaned(key: string, targetUuid: string): Promise<BlockSet> {
      const rows = await ledger('reading what was taken back')
        .selectFrom('ledger')
        .select(['range_from', 'range_to'])
        .distinct()
        .where('network', '=', network)
        .where(ofPresentTargets(new Map([[key, targetUuid]])))
        .where('event', '=', 'cleaned')
        // Else it says why: an acceptance was taken back, which had no rows.
        .where('error', '=', '')
        .execute()
      return blockSet(rows.map((row) => ({ from: row.range_from, to: row.range_to })))
    },
  }
}

/** Chunks of a table that say how the next ones will be; older ones were of other blocks, other SQL, another server. */
const LATEST = 10

/** What a chunk cost, as the ledger keeps it. `expected`: rows that the probe had found for it. */
export type Cost = {
  readonly expected: number
  readonly written: number
  readonly elapsedMs: number
  /** Bytes; 0 where the server did not say. */
  readonly peakMemory: number
}
