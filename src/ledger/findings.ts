// Owns what the last run found missing from the sources, and saw of its tables, as the ledger's database keeps it.
import { sql } from 'kysely'
import type { WritingPlace } from './events.ts'
import { insertRows, RANGES, rowOf } from './insert-rows.ts'
import { unlessMissing } from '../clickhouse/server-error.ts'
import type { BlockSet, Range } from '../model/blocks.ts'
import { identity } from '../seam/process.ts'
import type { Unit } from '../model/model.ts'

/** A data part of a source: what its files hold, and its rows and blocks of the network. */
export type SourcePart = Range & { readonly source: string; readonly hash: string; readonly rows: number }

export type Found = {
  /** Names the set of sources, and what else the finding depends on. */
  readonly sources: string
  readonly sourceGaps: BlockSet
  readonly incomplete: BlockSet
  /** The parts of these sources before they were looked at. */
  readonly parts: readonly SourcePart[]
}

/** `seconds`: its age by the server's clock. */
export type KeptFound = Found & { readonly seconds: number }

export type ProbesPort = ReturnType<typeof openProbes>

/** All functions throw BackfillError `server`. */
export function openProbes(place: WritingPlace) {
  const { server, names, network, toolVersion } = place
  return {
    /** The newest finding of each set of sources; a ledger that an older version created has none. */
    async read(): Promise<readonly KeptFound[]> {
      const rows = await server
        .during('reading what the last run found in the sources')
        .withSchema(names.ledger)
        .selectFrom('source_probe')
        .select(['sources', 'source_gaps', 'incomplete', 'parts'])
        .select(sql<number>`dateDiff('second', probed_at, now64(6))`.as('seconds'))
        .where('network', '=', network)
        .orderBy('probed_at', 'desc')
        .modifyEnd(sql`LIMIT 1 BY sources`)
        .execute()
        .catch(unlessMissing([]))
      return rows.map(({ sources, source_gaps, incomplete, parts, seconds }) => ({
        sources,
        seconds,
        sourceGaps: source_gaps.map(rangeOf),
        incomplete: incomplete.map(rangeOf),
        parts: parts.map((part) => ({
          source: part.source,
          hash: part.hash,
          rows: part.rows,
          ...rangeOf(part),
        })),
      }))
    },

    async keep(found: readonly Found[]): Promise<void> {
      const rows = found.map(({ sources, sourceGaps, incomplete, parts }) => ({
        network,
        sources,
        source_gaps: sourceGaps.map(rowOf),
        incomplete: incomplete.map(rowOf),
        parts: parts.map(({ source, hash, rows: n, ...range }) => ({
          source,
          hash,
          rows: n,
          ...rowOf(range),
        })),
        host: identity().host,
        tool_version: toolVersion,
      }))
      await insertRows(place, {
        table: 'source_probe',
        types: {
          network: 'String',
          sources: 'String',
          source_gaps: RANGES,
          incomplete: RANGES,
          parts: 'Array(Tuple(source String, hash String, rows UInt64, range_from UInt64, range_to UInt64))',
          host: 'String',
          tool_version: 'String',
        },
        computed: { probed_at: 'now64(6)' },
        rows,
        doing: 'keeping what was found in the sources',
      })
    },
  }
}

type RangeRow = { range_from: number; range_to: number }

const rangeOf = ({ range_from: from, range_to: to }: RangeRow): Range => ({ from, to })

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
