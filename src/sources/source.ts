// Owns the queries of source tables: extents, the probe's buckets, disagreements, fingerprints.
import { sql } from 'kysely'
import { usageError } from '../model/errors.ts'
import type { SourcePart } from '../ledger/source-probe.ts'
import { readParts } from './parts.ts'
import type { Range } from '../model/blocks.ts'
import type { SourceFacts } from './fingerprint.ts'
import { isBusy } from './busy.ts'
import { networksIn } from './networks.ts'
import type { Bucket } from './availability.ts'
import { assertReadable, type RowPolicy, rowPolicies } from '../clickhouse/source-views.ts'
import { touchesSome, typed } from '../clickhouse/dialect.ts'
import { isMissing, MISSING_HINT, originOf, messageOf } from '../clickhouse/server-error.ts'
import { probedColumns, rowsIn, rowsOf, type SourcePlace } from './rows.ts'

export type SourcePort = {
  /**
   * Lowest and highest block of each source for the network; sources without rows are absent. `stray`: there are rows of
   * higher blocks than a chain can have.
   */
  extents(sources: readonly string[]): Promise<ReadonlyMap<string, Range & { readonly stray?: boolean }>>
  /** @throws BackfillError `usage` for a source without the columns that are read, and for a view that ignores FINAL */
  assertReadable(sources: readonly string[]): Promise<void>
  /** The row policies that hide rows of these sources from the user. @throws BackfillError `server` */
  policies(sources: readonly string[]): Promise<readonly RowPolicy[]>
  /** Rows and blocks per bucket of `width` blocks (aligned at 0) that each source has in the range; empty buckets are absent. */
  buckets(
    sources: readonly string[],
    range: Range,
    width: number,
  ): Promise<ReadonlyMap<string, readonly Bucket[]>>
  /**
   * Blocks of the ranges that one of `sources` has and another lacks, ascending. Blocks that only the source `weak` has
   * prove nothing and are not returned.
   */
  disagreeing(
    sources: readonly string[],
    weak: readonly string[],
    ranges: readonly Range[],
  ): Promise<readonly number[]>
  /** The first block at or beyond `block`, in that order, that has a row in each source; sources without one are absent. */
  nextRows(
    sources: readonly string[],
    block: number,
    order: 'oldest' | 'newest',
  ): Promise<ReadonlyMap<string, number>>
  /** The networks that have rows in one of the sources: a look through one column of each. */
  networks(sources: readonly string[]): Promise<readonly string[]>
  /** Whether some thousand blocks of the chain have 20 transactions a block, as far as the source tells. */
  isBusy(): Promise<boolean>
  /** As in parts.ts. */
  parts(sources: readonly string[]): Promise<readonly SourcePart[] | undefined>
  /** The contents of each source in the range; includes sources without a row. */
  fingerprint(sources: readonly string[], range: Range): Promise<ReadonlyMap<string, SourceFacts>>
  /** Whether `newest` is a time (rows) rather than a version (files), which has no order. */
  readonly hasTimes: boolean
}

/** The source tables of one network, in the connection's database. Counts are of rows before merging: estimates. */
export function openSource(place: SourcePlace): SourcePort {
  const { server, network, columnsOf } = place
  const asking = (doing: string) => server.during(doing)
  const missing = (sources: readonly string[]) => (error: unknown) => {
    if (!isMissing(error)) throw error
    // The server quotes the SELECT that it cannot read, unless the whole database is missing.
    const source = sources.find((name) => String(originOf(error)).includes(`.${name} `))
    const { database } = server.connection
    const what =
      source === undefined ? `the source tables in ${database}` : `the source table ${database}.${source}`
    throw usageError(`${what} cannot be read: ${messageOf(error)}`, MISSING_HINT)
  }
  const within = (source: string, range: Range) =>
    rowsIn(place, { source, range, during: asking('reading the sources') })

  /** The network is the key's first column and the block its second: both ends come from the primary index. */
  const edge = (source: string, order: 'asc' | 'desc', beyond?: number) => {
    const db = asking('looking for the first and last block of the sources')
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

  async function nextRows(sources: readonly string[], block: number, order: 'oldest' | 'newest') {
    const [first, ...edges] = sources.map((source) =>
      edge(source, order === 'oldest' ? 'asc' : 'desc', block),
    )
    if (first === undefined) return new Map<string, number>()
    const rows = await edges.reduce((all, next) => all.unionAll(next), first).execute()
    return new Map(rows.map((row) => [row.source, row.block_number]))
  }

  async function disagreeing(
    sources: readonly string[],
    weak: readonly string[],
    ranges: readonly Range[],
  ): Promise<readonly number[]> {
    if (sources.length < 2 || ranges.length === 0) return []
    const touching = touchesSome(ranges, 'block_number')
    const hull = { from: ranges[0]!.from, to: ranges.at(-1)!.to }
    const [first, ...others] = sources.map((source) =>
      within(source, hull)
        .select(['block_number', sql<string>`${source}`.as('source')])
        .where(touching)
        .distinct(),
    )
    const rows = await asking('comparing the blocks of the sources')
      .selectFrom(others.reduce((all, next) => all.unionAll(next), first!).as('present'))
      .select('block_number')
      .groupBy('block_number')
      .having(sql<boolean>`uniqExact(source) < ${sources.length}`)
      .having(sql<boolean>`countIf(NOT has(${typed([...weak], 'Array(String)')}, source)) > 0`)
      .orderBy('block_number')
      .execute()
    return rows.map((row) => row.block_number)
  }

  return {
    assertReadable: (sources) =>
      assertReadable(server, new Map(sources.map((name) => [name, probedColumns(columnsOf(name))]))),
    policies: (sources) => rowPolicies(server, sources),

    async extents(sources) {
      const [first, ...edges] = sources.flatMap((source) => [edge(source, 'asc'), edge(source, 'desc')])
      if (first === undefined) return new Map()
      // One query for all of them, because each query has a fixed cost.
      const rows = await asking('looking for the first and last block of the sources')
        .selectFrom(edges.reduce((all, next) => all.unionAll(next), first).as('edges'))
        .select(({ fn }) => [
          'source',
          fn.min<number>('block_number').as('from'),
          fn.max<number>('block_number').as('to'),
        ])
        .groupBy('source')
        .execute()
        .catch(missing(sources))
      const found = rows.map(async ({ source, from, to }) => {
        if (to <= MAX_BLOCK) return [[source, { from, to }] as const]
        const highest = (await nextRows([source], MAX_BLOCK, 'newest')).get(source)
        return highest === undefined ? [] : [[source, { from, to: highest, stray: true }] as const]
      })
      return new Map((await Promise.all(found)).flat())
    },

    nextRows,
    parts: (sources) => readParts(place, sources),

    async buckets(sources, range, width) {
      const db = asking(`probing ${range.from}-${range.to}`)
      // Grouped twice: by block, because duplicates and several rows per block must not change the hash; then by bucket.
      const [first, ...others] = sources.map((source) =>
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
      )
      if (first === undefined) return new Map()
      const rows = await others.reduce((all, next) => all.unionAll(next), first).execute()
      const ascending = rows.toSorted((a, b) => a.first - b.first)
      return Map.groupBy(ascending, (row) => row.source) satisfies Map<string, Bucket[]>
    },

    networks: (sources) => networksIn(place, sources).catch(missing(sources)),

    isBusy: () => isBusy({ server, network }),

    disagreeing,

    async fingerprint(sources, range) {
      const [first, ...others] = sources.map((source) =>
        within(source, range).select([sql<string>`${source}`.as('source'), ...FACTS]),
      )
      if (first === undefined) return new Map()
      const rows = await asking(`reading the fingerprint of ${range.from}-${range.to}`)
        .selectFrom(others.reduce((all, next) => all.unionAll(next), first).as('sources'))
        .select(['source', 'blocks', 'newest'])
        .execute()
      return new Map(rows.map(({ source, blocks, newest }) => [source, { blocks, newest }]))
    },

    hasTimes: true,
  }
}

/** Higher blocks are mistakes (2^64 - 1 for -1), and cannot be counted with; rows of them are not read. */
export const MAX_BLOCK = 9_000_000_000_000_000

/** Merges change neither. */
export const FACTS = [
  sql<number>`uniqExact(block_number)`.as('blocks'),
  sql<number>`toUnixTimestamp(max(updated_date_time))`.as('newest'),
] as const
