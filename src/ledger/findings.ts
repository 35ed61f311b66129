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

type Missing = { readonly sourceGaps: BlockSet; readonly incomplete: BlockSet }

type Found = Missing & {
  /** Names the set of sources, and what else the finding depends on. */
  readonly sources: string
  /** The parts of these sources before they were looked at. */
  readonly parts: readonly SourcePart[]
}

/** What is missing lies within `expected_from` to `head`. */
type SeenTable = Missing & {
  readonly table_key: string
  readonly target_uuid: string
  readonly unit: Unit
  readonly expected_from: number | undefined
  readonly head: number | undefined
  /** The newest position that all sources have. */
  readonly newest: number | undefined
  /** Why the head is not further on; empty: no source says so. */
  readonly waiting_for: string
  readonly sql_hash: string
  readonly run_id: string
}

export type Findings = ReturnType<typeof openFindings>

/** All functions throw BackfillError `server`. */
export function openFindings(place: WritingPlace) {
  const { server, names, network, toolVersion } = place
  return {
    /** The newest finding of each set of sources, `seconds` old by the server's clock. */
    async read(): Promise<readonly (Found & { readonly seconds: number })[]> {
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
      return rows.map(({ source_gaps, incomplete, parts, ...row }) => ({
        ...row,
        sourceGaps: source_gaps.map(rangeOf),
        incomplete: incomplete.map(rangeOf),
        parts: parts.map(({ source, hash, rows: n, ...range }) => ({
          source,
          hash,
          rows: n,
          ...rangeOf(range),
        })),
      }))
    },

    keepFound: async (found: readonly Found[]): Promise<void> =>
      await insertRows(place, {
        table: 'source_probe',
        types: {
          source_gaps: RANGES,
          incomplete: RANGES,
          parts: 'Array(Tuple(source String, hash String, rows UInt64, range_from UInt64, range_to UInt64))',
        },
        computed: { probed_at: 'now64(6)' },
        rows: found.map(({ sources, parts, ...missing }) => ({
          network,
          sources,
          ...rowsOf(missing),
          parts: parts.map(({ from, to, ...part }) => ({ ...part, ...rowOf({ from, to }) })),
          host: identity().host,
          tool_version: toolVersion,
        })),
        doing: 'keeping what was found in the sources',
      }),

    /** One row for each table, in one statement. */
    keepSeen: async (tables: readonly SeenTable[]): Promise<void> =>
      await insertRows(place, {
        table: 'tables',
        types: {
          target_uuid: 'UUID',
          expected_from: 'Nullable(UInt64)',
          head: 'Nullable(UInt64)',
          newest: 'Nullable(UInt64)',
          source_gaps: RANGES,
          incomplete: RANGES,
          run_id: 'UUID',
        },
        computed: { seen_at: 'now64(6)' },
        rows: tables.map(({ sourceGaps, incomplete, ...table }) => ({
          network,
          ...table,
          ...rowsOf({ sourceGaps, incomplete }),
        })),
        doing: 'keeping what was seen of the tables',
      }),
  }
}

const rowsOf = ({ sourceGaps, incomplete }: Missing) => ({
  source_gaps: sourceGaps.map(rowOf),
  incomplete: incomplete.map(rowOf),
})

const rangeOf = ({ range_from: from, range_to: to }: ReturnType<typeof rowOf>): Range => ({ from, to })
