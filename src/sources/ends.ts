// Owns where the rows of sources are: their first and last block, the next one in either direction, and their data parts, which
// never change: where they are the same, so are the blocks.
import { sql } from 'kysely'
import { unionOf } from '../clickhouse/dialect.ts'
import { unlessRefused } from '../clickhouse/server-error.ts'
import { rowsOf, type SourcePlace, whereNetwork } from './rows.ts'
import type { SourcePart } from '../ledger/findings.ts'

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

/** More than these would take longer to compare than the sources take to be probed. */
const MOST_PARTS = 2000

/** What is read where partitions do not follow network and block: then the server knows the ends of parts without reading. */
const MOST_ROWS = 10_000_000

/**
 * With rows of the network; undefined where the server does not know their blocks at once: views, large tables partitioned otherwise, users without
 * the right. A part of other content has another hash, whatever its name.
 */
export async function readParts(
  { server, network, columnsOf }: SourcePlace,
  sources: readonly string[],
): Promise<readonly SourcePart[] | undefined> {
  const { database } = server.connection
  // The server knows min and max of a column of each part; of an expression over it, it reads the rows.
  const end = (of: 'min' | 'max', source: string) => `toUInt64(${of}(${columnsOf(source).position}))`
  const parts = sources.map(
    (
      source,
      index,
    ) => `SELECT {source${index}:String} AS source, _part AS part, count() AS n, ${end('min', source)} AS low, ${end('max', source)} AS high
      FROM {database:Identifier}.{source${index}:Identifier}${whereNetwork(columnsOf(source), network)} GROUP BY part`,
  )
  const found = await server.client
    .rows<SourcePart>({
      query: `SELECT source, hash, n AS rows, least(low, {max:UInt64}) AS \`from\`, least(high, {max:UInt64}) AS \`to\`
        FROM (${parts.join(' UNION ALL ')}) AS found
        ANY LEFT JOIN (SELECT table AS source, name AS part, hash_of_all_files AS hash FROM system.parts
          WHERE database = {database:String} AND table IN {sources:Array(String)}) AS stored USING (source, part)
        LIMIT {most:UInt64} SETTINGS max_rows_to_read = ${MOST_ROWS}, read_overflow_mode = 'throw', join_use_nulls = 0`,
      query_params: {
        database,
        sources,
        max: Number.MAX_SAFE_INTEGER,
        most: MOST_PARTS + 1,
        ...Object.fromEntries(sources.map((source, index) => [`source${index}`, source])),
      },
      doing: 'looking at the parts of the sources',
    })
    .catch(unlessRefused(undefined))
  return found === undefined || found.length > MOST_PARTS || found.some(({ hash }) => hash === '')
    ? undefined
    : found
}
