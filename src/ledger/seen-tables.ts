// Owns what the last run saw of each table, as the ledger's database keeps it for the view `watermarks`.
import type { WritingPlace } from './events.ts'
import { insertRows, RANGES, rowOf } from './insert-rows.ts'
import type { BlockSet, Range } from '../model/blocks.ts'
import type { Unit } from '../model/model.ts'

export type SeenTable = {
  readonly key: string
  readonly targetUuid: string
  readonly unit: Unit
  readonly expected: Range | undefined
  /** The newest position that all sources have. */
  readonly newest: number | undefined
  /** Both within `expected`. */
  readonly sourceGaps: BlockSet
  readonly incomplete: BlockSet
  /** Why the head is not further on; empty: no source says so. */
  readonly waitingFor: string
  readonly sqlHash: string
}

export type SeenPort = ReturnType<typeof openSeenTables>

export function openSeenTables(place: WritingPlace) {
  return {
    /** One row for each table, in one statement. @throws BackfillError `server` */
    async keep(tables: readonly SeenTable[], runId: string): Promise<void> {
      const rows = tables.map((table) => ({
        network: place.network,
        table_key: table.key,
        target_uuid: table.targetUuid,
        unit: table.unit,
        expected_from: table.expected?.from ?? null,
        head: table.expected?.to ?? null,
        newest: table.newest ?? null,
        source_gaps: table.sourceGaps.map(rowOf),
        incomplete: table.incomplete.map(rowOf),
        waiting_for: table.waitingFor,
        sql_hash: table.sqlHash,
        run_id: runId,
      }))
      await insertRows(place, {
        table: 'tables',
        types: {
          network: 'String',
          table_key: 'String',
          target_uuid: 'UUID',
          unit: 'String',
          expected_from: 'Nullable(UInt64)',
          head: 'Nullable(UInt64)',
          newest: 'Nullable(UInt64)',
          source_gaps: RANGES,
          incomplete: RANGES,
          waiting_for: 'String',
          sql_hash: 'String',
          run_id: 'UUID',
        },
        computed: { seen_at: 'now64(6)' },
        rows,
        doing: 'keeping what was seen of the tables',
      })
    },
  }
}
