// Owns counting the sources' blocks by segments of a range.
import { sql } from 'kysely'
import type { Range } from '../model/blocks.ts'
import { typed } from '../clickhouse/dialect.ts'
import { rowsIn, type SourcePlace } from './rows.ts'
import { FACTS } from './source.ts'

/** The sources' contents in a segment of blocks. */
export type Segment = {
  readonly source: string
  /** First block of the segment, as requested. */
  readonly from: number
  /** Distinct blocks with a row. */
  readonly blocks: number
  /** Newest `updated_date_time`, in seconds since 1970. */
  readonly newest: number
}

export type SegmentPort = ReturnType<typeof openSegments>

export function openSegments(place: SourcePlace) {
  const during = place.server.db
  return {
    /**
     * Counts the sources' blocks of the range by segments; each begins at one of `starts` (ascending, the first is the
     * range's) and ends before the next. Segments without a row are absent. Merges do not change it.
     */
    async segments(
      sources: readonly string[],
      range: Range,
      starts: readonly number[],
    ): Promise<readonly Segment[]> {
      const start = sql<number>`roundDown(block_number, ${typed(starts, 'Array(UInt64)')})`
      const [first, ...others] = sources.map((source) =>
        rowsIn(place, { source, range, during })
          .select([sql<string>`${source}`.as('source'), sql<number>`toUInt64(${start})`.as('from'), ...FACTS])
          .groupBy('from'),
      )
      if (first === undefined) return []
      const rows: readonly Segment[] = await others.reduce((all, next) => all.unionAll(next), first).execute()
      return rows
    },
  }
}
