// Owns the question which data parts the sources have. Parts never change: where they are the same, so are the blocks.
import { unlessRefused } from '../clickhouse/server-error.ts'
import type { SourcePart } from '../ledger/source-probe.ts'
import { type SourcePlace, whereNetwork } from './rows.ts'

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
