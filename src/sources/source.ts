// Owns the queries of source tables: extents, the probe's buckets, disagreements, fingerprints.
import { sql } from 'kysely'
import { usageError } from '../model/errors.ts'
import { openEnds, readParts } from './ends.ts'
import { readReadiness } from './readiness.ts'
import type { SourceDefinition } from '../model/model.ts'
import type { Range } from '../model/blocks.ts'
import type { Buckets, Fingerprint } from './fingerprint.ts'
import { rowPolicies } from '../clickhouse/row-policies.ts'
import { assertReadable } from '../clickhouse/source-views.ts'
import type { TableBehind } from '../clickhouse/tables-behind.ts'
import type { Server } from '../clickhouse/server.ts'
import { UNKNOWN_IDENTIFIER } from '../clickhouse/error-codes.ts'
import { touchesSome, typed, unionOf } from '../clickhouse/dialect.ts'
import {
  errorCode,
  isMissing,
  MISSING_HINT,
  originOf,
  messageOf,
  unlessMissing,
} from '../clickhouse/server-error.ts'
import { keptApart } from './kept-apart.ts'
import { probedColumns, rowsIn, type SourcePlace } from './rows.ts'
import { BUSY_TRANSACTIONS, TRANSACTION_TABLE } from './availability.ts'

export type SourcePort = ReturnType<typeof openSource>

/** The source tables of one network, in the connection's database. Counts are of rows before merging: estimates. */
export function openSource(place: SourcePlace) {
  const { server, columnsOf } = place
  const asking = (...words: Parameters<Server['during']>) => server.during(...words)
  const assertRead = (sources: readonly string[]) =>
    assertReadable(server, new Map(sources.map((name) => [name, probedColumns(columnsOf(name))])))
  const missing = (sources: readonly string[]) => async (error: unknown) => {
    if (!isMissing(error)) throw error
    // Of a column that is not there, the server says only that it knows none of this name, and proposes the same name.
    if (errorCode(error) === UNKNOWN_IDENTIFIER) await assertRead(sources)
    // The server quotes the SELECT that it cannot read, unless the whole database is missing.
    const source = sources.find((name) => String(originOf(error)).includes(`.${name} `))
    const { database } = server.connection
    const what =
      source === undefined ? `the source tables in ${database}` : `the source table ${database}.${source}`
    const there = await databasesWith(server, sources)
    const isElsewhere = there.length > 0 && !there.includes(database)
    const names = `Tables of these names are in ${there.join(', ')}: set SOURCE_CLICKHOUSE_DATABASE to it`
    throw usageError(`${what} cannot be read: ${messageOf(error)}`, isElsewhere ? names : MISSING_HINT)
  }
  const ends = openEnds(place)
  const { nextRows } = ends
  const within = (source: string, range: Range) => rowsIn(place, source, range, asking('reading the sources'))

  /** Ascending. Blocks that only the source `weak` has prove nothing, and are left out. */
  async function disagreeing(sources: readonly string[], weak: readonly string[], ranges: readonly Range[]) {
    if (sources.length < 2 || ranges.length === 0) return []
    const touching = touchesSome(ranges, 'block_number')
    const hull = { from: ranges[0]!.from, to: ranges.at(-1)!.to }
    const present = unionOf(
      sources.map((source) =>
        within(source, hull)
          .select(['block_number', sql<string>`${source}`.as('source')])
          .where(touching)
          .distinct(),
      ),
    )
    const rows = await asking('comparing the blocks of the sources')
      .selectFrom(present!.as('present'))
      .select('block_number')
      .groupBy('block_number')
      .having(sql<boolean>`uniqExact(source) < ${sources.length}`)
      .having(sql<boolean>`countIf(NOT has(${typed([...weak], 'Array(String)')}, source)) > 0`)
      .orderBy('block_number')
      .execute()
    return rows.map((row) => row.block_number)
  }

  return {
    database: server.connection.database,
    /** @returns what stands behind those that stand for other tables @throws BackfillError `usage` for a source without the columns that are read, and for a view that ignores FINAL */
    assertReadable: assertRead,
    /** What may make rows of the sources before these count twice, or not at all. @throws BackfillError `server` */
    keptApart: (behind: readonly TableBehind[]) => keptApart(server, behind),
    /** The row policies that hide rows of these sources from the user. @throws BackfillError `server` */
    policies: (sources: readonly string[]) => rowPolicies(server, sources),

    /** Sources without rows are absent. `stray`: there are rows below 0 or above this, the highest block that may be. */
    async extents(
      sources: readonly string[],
      highestOf: (source: string) => number = () => MAX_BLOCK,
    ): Promise<ReadonlyMap<string, Range & { readonly stray?: number }>> {
      const rows = (await ends.ofParts(sources)) ?? (await ends.ofRows(sources).catch(missing(sources)))
      const found = rows.map(async ({ source, from, to }) => {
        const stray = highestOf(source)
        if (to <= stray) return [[source, { from, to }] as const]
        const highest = (await nextRows([source], stray, 'newest')).get(source)
        return highest === undefined ? [] : [[source, { from, to: highest, stray }] as const]
      })
      const extents = new Map((await Promise.all(found)).flat())
      // The parts of a UNION come in any order; what is printed of them does not.
      return new Map(sources.flatMap((name) => (extents.has(name) ? [[name, extents.get(name)!]] : [])))
    },

    readiness: (definitions: readonly SourceDefinition[]) =>
      readReadiness({ ...place, database: server.connection.database }, definitions),

    nextRows,
    parts: (sources: readonly string[]) => readParts(place, sources),

    /** Rows and blocks per bucket of `width` blocks (aligned at 0) that each source has in the range; empty buckets are absent. */
    async buckets(sources: readonly string[], range: Range, width: number): Promise<Buckets> {
      const db = asking(`probing ${range.from}-${range.to}`, IN_ORDER)
      // Grouped twice: by block, because duplicates and several rows per block must not change the hash; then by bucket.
      const all = unionOf(
        sources.map((source) =>
          db
            .selectFrom(
              within(source, range)
                .select([
                  'block_number',
                  sql<number>`count()`.as('n'),
                  sql<string>`max(updated_date_time)`.as('written'),
                ])
                .groupBy('block_number')
                .as('blocks'),
            )
            .select([
              sql<string>`${source}`.as('source'),
              sql<number>`min(block_number)`.as('first'),
              sql<number>`max(block_number)`.as('last'),
              sql<number>`sum(n)`.as('rows'),
              sql<number>`count()`.as('blocks'),
              sql<number>`toUnixTimestamp(max(written))`.as('newest'),
              sql<string>`toString(sum(sipHash64(block_number)))`.as('hash'),
            ])
            .groupBy(sql`intDiv(block_number, ${width})`),
        ),
      )
      const rows = (await all?.execute()) ?? []
      const ascending = rows.toSorted((a, b) => a.first - b.first)
      return Map.groupBy(ascending, (row) => row.source)
    },

    networks: (sources: readonly string[]) => networksIn(place, sources).catch(missing(sources)),

    isBusy: () => isBusy(place),

    disagreeing,

    /** The contents of each source in the range; includes sources without a row. */
    async fingerprint(sources: readonly string[], range: Range): Promise<Fingerprint> {
      const db = asking(`reading the fingerprint of ${range.from}-${range.to}`)
      const all = unionOf(
        sources.map((source) =>
          rowsIn(place, source, range, db).select([sql<string>`${source}`.as('source'), ...FACTS]),
        ),
      )
      return new Map((await all?.execute())?.map(({ source, ...facts }) => [source, facts]))
    },
  }
}

/** Sources are mostly sorted by block: grouped so, they take a tenth less CPU, or a quarter with hundreds of rows a block. */
const IN_ORDER = { optimize_aggregation_in_order: 1 } as const

/** Those that the user sees; that with most of the tables first. */
async function databasesWith({ client }: Server, sources: readonly string[]): Promise<readonly string[]> {
  const rows = await client.rows<{ database: string }>({
    query: `SELECT database FROM system.tables WHERE name IN {sources:Array(String)}
      GROUP BY database ORDER BY count() DESC, database LIMIT 3`,
    query_params: { sources },
    doing: 'looking for the source tables',
  })
  return rows.map(({ database }) => database)
}

/** Higher blocks are mistakes (2^64 - 1 for -1), and cannot be counted with; rows of them are not read. */
export const MAX_BLOCK = 9_000_000_000_000_000

/** Merges change neither. */
export const FACTS = [
  sql<number>`uniqExact(block_number)`.as('blocks'),
  sql<number>`toUnixTimestamp(max(updated_date_time))`.as('newest'),
] as const

/** The networks that have rows in one of the sources, sorted: a look through one column of each. */
export async function networksIn(
  { server, columnsOf }: Omit<SourcePlace, 'network'>,
  sources: readonly string[],
): Promise<readonly string[]> {
  const all = unionOf(
    sources.flatMap((source) => {
      const { network } = columnsOf(source)
      if (network === undefined) return []
      return server
        .during('looking for networks')
        .withSchema(server.connection.database)
        .selectFrom(source as 'canonical_execution_source')
        .select(sql<string>`toString(${sql.ref(network)})`.as('name'))
        .distinct()
    }),
  )
  return [...new Set((await all?.execute())?.map(({ name }) => name))].toSorted()
}

/** Whether some thousand blocks of the chain have 20 transactions a block, as far as the source tells. */
async function isBusy({ server, network }: SourcePlace): Promise<boolean> {
  // In the order of the primary key: the server stops at the first such bucket.
  const rows = await server.client
    .rows({
      query: `SELECT intDiv(block_number, 1000) AS bucket FROM {database:Identifier}.{table:Identifier}
          WHERE meta_network_name = {network:String} GROUP BY bucket
          HAVING count() >= {busy:UInt64} * uniqExact(block_number) LIMIT 1`,
      query_params: {
        database: server.connection.database,
        table: TRANSACTION_TABLE,
        network,
        busy: BUSY_TRANSACTIONS,
      },
      clickhouse_settings: IN_ORDER,
      doing: 'looking whether the chain is busy',
    })
    .catch(unlessMissing([]))
  return rows.length > 0
}
