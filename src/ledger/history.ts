// Owns what the ledger remembers of chunks that were done: what they cost, and which were taken back.
import { sql } from 'kysely'
import { blockSet, type BlockSet, type Range } from '../model/blocks.ts'
import { ofPresentTargets } from './fold.ts'
import type { Names } from '../clickhouse/own-databases.ts'
import type { Server } from '../clickhouse/server.ts'
import type { EventName } from '../clickhouse/schema.ts'

export type HistoryOptions = { readonly server: Server; readonly names: Names; readonly network: string }

/** The history of one network on the target server. */
export function openHistory({ server, names, network }: HistoryOptions): HistoryPort {
  const ledger = (doing: string) => server.during(doing).withSchema(names.ledger)
  return {
    async costs(uuids) {
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

    async cleaned(key, targetUuid) {
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

export type HistoryPort = {
  /** What the latest chunks of each table's present UUID cost (key -> UUID), oldest first; keys without any are absent. */
  costs(uuids: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, readonly Cost[]>>
  /** Blocks whose rows were ever taken back; they may have been built again since. */
  cleaned(key: string, targetUuid: string): Promise<BlockSet>
}

/** An event of the ledger that says something of a range, checkpoints left out. */
export type RecordedEvent = {
  readonly event: EventName
  readonly range: Range
  readonly epoch: number
  readonly seq: number
  readonly sqlHash: string
  /** Empty where it was not asked for. */
  readonly fingerprint: string
  /** Source rows, as far as the ledger knows. */
  readonly rows: number
}

export type RecordedEventsPort = {
  /** The events of a table's UUID that touch the window, oldest first. @throws BackfillError `server` */
  events(question: {
    readonly key: string
    readonly targetUuid: string
    readonly window: Range
    readonly fingerprints: boolean
  }): Promise<readonly RecordedEvent[]>
}

/** What a chunk cost, as the ledger keeps it. `expected`: rows that the probe had found for it. */
export type Cost = {
  readonly expected: number
  readonly written: number
  readonly elapsedMs: number
  /** Bytes; 0 where the server did not say. */
  readonly peakMemory: number
}

export function openRecordedEvents({
  server,
  names,
  network,
}: {
  readonly server: Server
  readonly names: Names
  readonly network: string
}): RecordedEventsPort {
  const db = server.during('reading the ledger').withSchema(names.ledger)
  return {
    async events({ key, targetUuid, window, fingerprints }) {
      const rows = await db
        .selectFrom('ledger')
        .select(['event', 'range_from', 'range_to', 'epoch', 'seq', 'sql_hash'])
        .select([
          (fingerprints ? sql<string>`source_fingerprint` : sql<string>`''`).as('fingerprint'),
          // What the probe had found, FINAL or not; where it was not asked, what the statement read.
          sql<number>`if(rows_expected > 0, rows_expected, rows_read)`.as('rows'),
        ])
        .where('network', '=', network)
        .where('table_key', '=', key)
        .where(ofPresentTargets(new Map([[key, targetUuid]])))
        .where('event', '!=', 'checkpoint')
        .where('range_from', '<=', window.to)
        .where('range_to', '>=', window.from)
        .orderBy('epoch')
        .orderBy('seq')
        .execute()
      return rows.map((row): RecordedEvent => ({
        event: row.event,
        range: { from: row.range_from, to: row.range_to },
        epoch: row.epoch,
        seq: row.seq,
        sqlHash: row.sql_hash,
        fingerprint: row.fingerprint,
        rows: row.rows,
      }))
    },
  }
}
