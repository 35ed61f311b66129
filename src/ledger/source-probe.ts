// Owns what the last run found missing from the sources, as the ledger's database keeps it.
import { sql } from 'kysely'
import type { WritingPlace } from './events.ts'
import { insertRows, RANGES, rowOf } from './insert-rows.ts'
import { unlessMissing } from '../clickhouse/server-error.ts'
import type { BlockSet, Range } from '../model/blocks.ts'
import { identity } from '../seam/process.ts'

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
