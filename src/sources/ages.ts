// Owns the questions how old source rows are, by `updated_date_time` and the clock of their server.
import { sql } from 'kysely'
import { touchesSome, unionOf } from '../clickhouse/dialect.ts'
import { rowsIn, rowsOf, type SourcePlace } from './rows.ts'
import type { BlockSet } from '../model/blocks.ts'

export type Ages = ReturnType<typeof openAges>

/** All functions throw BackfillError `server`. */
export function openAges(place: SourcePlace) {
  const { server, columnsOf } = place
  const during = server.during('looking how old the source rows are')
  const isDated = (source: string) => columnsOf(source).written !== undefined

  return {
    /**
     * The oldest of the blocks whose newest row in any of the sources is older than `seconds`; the first block if no
     * source has a row of them; undefined if all are younger. Only the first 1,000 blocks are looked at. A time that lies in the future, by
     * more than clocks differ, says nothing of a row's age: it counts as older, else nobody would hear of it until then.
     */
    async firstOlder(sources: readonly string[], blocks: BlockSet, seconds: number) {
      const some = firstOf(blocks)
      const [low, high] = [some[0], some.at(-1)]
      if (low === undefined || high === undefined) return undefined
      const hull = { from: low.from, to: high.to }
      const arrived = unionOf(
        sources.filter(isDated).map((source) =>
          rowsIn(place, source, hull, during)
            .select(['block_number', WRITTEN.as('written')])
            .where(touchesSome(some, 'block_number')),
        ),
      )
      if (arrived === undefined) return undefined
      const row = await during
        .selectFrom(
          during
            .selectFrom(arrived.as('arrived'))
            .select([
              'block_number',
              sql<boolean>`max(written) NOT BETWEEN ${NOW} - ${seconds} AND ${NOW} + ${AHEAD_SECONDS}`.as(
                'is_old',
              ),
            ])
            .groupBy('block_number')
            .as('blocks'),
        )
        .select([
          sql<number | null>`minOrNullIf(block_number, is_old)`.as('oldest'),
          sql<number>`count()`.as('blocks'),
        ])
        .executeTakeFirstOrThrow()
      return row.blocks === 0 ? low.from : (row.oldest ?? undefined)
    },

    /**
     * Age in seconds of the newest row among the newest 100 blocks of each source, up to `heads`; a source without rows is absent.
     * Rows that are dated in the future say nothing of it; where all are, it is negative.
     */
    async newest(heads: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, number>> {
      const dated = [...heads].filter(([source]) => isDated(source))
      const all = unionOf(
        dated.map(([source, head]) =>
          rowsOf(place, source, during)
            .select([
              sql<string>`${source}`.as('source'),
              sql<number>`if(countIf(${WRITTEN} <= ${NOW} + ${AHEAD_SECONDS}) = 0, ${NOW} - min(${WRITTEN}),
                greatest(0, ${NOW} - maxIf(${WRITTEN}, ${WRITTEN} <= ${NOW} + ${AHEAD_SECONDS})))`.as('age'),
            ])
            .where('block_number', '>', head - NEWEST_BLOCKS)
            .having(sql<boolean>`count() > 0`),
        ),
      )
      return new Map((await all?.execute())?.map(({ source, age }) => [source, age]))
    },
  }
}

/** A source may keep the time as a number or a text: read as a fingerprint reads it. */
const WRITTEN = sql<number>`toUnixTimestamp(updated_date_time)`
const NOW = sql`toUnixTimestamp(now())`

const NEWEST_BLOCKS = 100

const AHEAD_SECONDS = 3600

/** A thousand blocks say whether a run is late, however many are missing. */
function firstOf(blocks: BlockSet): BlockSet {
  let left = 1000
  return blocks.flatMap(({ from, to }) => {
    const last = Math.min(to, from + left - 1)
    left -= Math.max(0, last - from + 1)
    return last >= from ? [{ from, to: last }] : []
  })
}
