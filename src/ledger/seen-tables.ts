// Owns what the last run saw of each table, as the ledger's database keeps it for the view `watermarks`.
import type { WritingPlace } from './events.ts'
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

export function openSeenTables({ server, names, network }: WritingPlace) {
  return {
    /** One row for each table, in one statement. @throws BackfillError `server` */
    async keep(tables: readonly SeenTable[], runId: string): Promise<void> {
      const rows = tables.map((table) => ({
        network,
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
      const columns = Object.keys(rows[0] ?? {}).join(', ')
      const ranges = 'Array(Tuple(range_from UInt64, range_to UInt64))'
      // As data after the statement: it is too long for parameters.
      await server.client.command({
        query: `INSERT INTO {ledger:Identifier}.tables (${columns}, seen_at) SELECT ${columns}, now64(6)
          FROM input('network String, table_key String, target_uuid UUID, unit String, expected_from Nullable(UInt64), head Nullable(UInt64),
            newest Nullable(UInt64), source_gaps ${ranges}, incomplete ${ranges}, waiting_for String, sql_hash String, run_id UUID')
          FORMAT JSONEachRow\n${rows.map((row) => JSON.stringify(row)).join('\n')}`,
        query_params: { ledger: names.ledger },
        doing: 'keeping what was seen of the tables',
      })
    },
  }
}

const rowOf = ({ from, to }: Range) => ({ range_from: from, range_to: to })
