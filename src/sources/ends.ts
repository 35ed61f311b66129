// Owns the ends of sources: their first and last block, and the next one in either direction.
import { sql } from 'kysely'
import { unionOf } from '../clickhouse/dialect.ts'
import { unlessRefused } from '../clickhouse/server-error.ts'
import { rowsOf, type SourcePlace } from './rows.ts'

type End = { readonly source: string; readonly from: number; readonly to: number }

const LOOKING = 'looking for the first and last block of the sources'

const ENDS = [sql<number>`min(block_number)`.as('from'), sql<number>`max(block_number)`.as('to')] as const

/** More than the parts that a source can have; reading so many rows takes no longer than looking for the ends. */
const FROM_PARTS = sql`SETTINGS max_rows_to_read = 1000000, read_overflow_mode = 'throw'`

export function openEnds(place: SourcePlace) {
  const { server } = place

  /** The network is the key's first column and the block its second: both ends come from the primary index. */
  const edge = (source: string, order: 'asc' | 'desc', beyond?: number) => {
    const db = server.during(LOOKING)
    return db
      .selectFrom(
        rowsOf(place, source, db)
          .select('block_number')
          .$if(beyond !== undefined, (rows) =>
            rows.where('block_number', order === 'asc' ? '>=' : '<=', beyond!),
          )
          .orderBy('block_number', order)
          .limit(1)
          .as('edge'),
      )
      .select([sql<string>`${source}`.as('source'), 'block_number'])
  }

  /**
   * By what the server knows of data parts, without reading rows: where sources are partitioned by network and block. Undefined where it would have to
   * read them, or may not be told how much to read.
   */
  async function ofParts(sources: readonly string[]): Promise<readonly End[] | undefined> {
    const db = server.during('looking at the parts of the sources')
    const all = unionOf(
      sources.map((source) =>
        rowsOf(place, source, db)
          .select([sql<string>`${source}`.as('source'), ...ENDS])
          .having(sql<boolean>`count() > 0`),
      ),
    )
    const limited = all && db.selectFrom(all.as('ends')).selectAll().modifyEnd(FROM_PARTS)
    return await limited?.execute().catch(unlessRefused(undefined))
  }

  async function ofRows(sources: readonly string[]): Promise<readonly End[]> {
    const edges = unionOf(sources.flatMap((source) => [edge(source, 'asc'), edge(source, 'desc')]))
    const found =
      edges &&
      server
        .during(LOOKING)
        .selectFrom(edges.as('edges'))
        .select(['source', ...ENDS])
    return (await found?.groupBy('source').execute()) ?? []
  }

  /** The first block at or beyond `block`, in that order, that has a row in each source; sources without one are absent. */
  async function nextRows(sources: readonly string[], block: number, order: 'oldest' | 'newest') {
    const all = unionOf(sources.map((source) => edge(source, order === 'oldest' ? 'asc' : 'desc', block)))
    return new Map((await all?.execute())?.map((row) => [row.source, row.block_number]))
  }

  return { ofParts, ofRows, nextRows }
}
