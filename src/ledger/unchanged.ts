// Owns the search for rows that were written again and are the same: digests before and after are equal.
import { blockSet, type BlockSet, type Range } from '../model/blocks.ts'
import { addDigests, type Digest, isSameDigest } from '../model/digest.ts'
import { isLater, type Position } from './events.ts'
import { type Kysely, sql } from 'kysely'
import type { Schema } from '../clickhouse/schema.ts'
import { POSITION, rowEvents, type RowsQuestion, TELLS_OF_ROWS } from './fold.ts'

/** An event that may have changed rows, or that says their digest; `digest`: of the range after it, if it is `done` and the digest is known. */
export type RowEvent = {
  readonly range: Range
  readonly position: Position
  readonly digest: Digest | undefined
}

/** The blocks whose rows are now as they were right after the event at a position. */
export type SameSince = (position: Position) => BlockSet

/** @param events in the order of positions: all events over the blocks that are asked about */
export function sameSince(events: readonly RowEvent[]): SameSince {
  const now = tilesOf(events)
  const known = new Map<number, BlockSet>()
  return (position) => {
    const count = events.findLastIndex((event) => !isLater(event.position, position)) + 1
    const same = known.get(count) ?? commonRanges(tilesOf(events.slice(0, count)), now)
    known.set(count, same)
    return same
  }
}

type Tile = Range & { readonly digest: Digest }

/** The ranges with a digest over which no later event lies, by block. */
function tilesOf(events: readonly RowEvent[]): readonly Tile[] {
  const ends = new Set(events.flatMap(({ range }) => [range.from, range.to + 1]))
  const segmentAt = new Map([...ends].toSorted((a, b) => a - b).map((block, index) => [block, index]))
  const segmentsOf = ({ from, to }: Range) => [segmentAt.get(from)!, segmentAt.get(to + 1)!] as const
  /** Index of the latest event over each segment between the ends. */
  const latest = new Int32Array(segmentAt.size)
  for (const [index, { range }] of events.entries()) latest.fill(index, ...segmentsOf(range))
  return events
    .flatMap(({ range, digest }, index) => {
      const isWhole = latest.subarray(...segmentsOf(range)).every((one) => one === index)
      return digest !== undefined && isWhole ? [{ ...range, digest }] : []
    })
    .toSorted((a, b) => a.from - b.from)
}

/** The smallest ranges that both lists of tiles cover without a gap, as far as the digests over them are the same. */
function commonRanges(before: readonly Tile[], now: readonly Tile[]): BlockSet {
  const same: Range[] = []
  let [first, other] = [0, 0]
  while (first < before.length && other < now.length) {
    const { from } = before[first]!
    const ends = now[other]!.from === from ? commonEnd(before, first, now, other) : undefined
    if (ends !== undefined) {
      const [one, two] = [before.slice(first, ends[0] + 1), now.slice(other, ends[1] + 1)]
      const digests = [one, two].map((tiles) => addDigests(tiles.map(({ digest }) => digest)))
      if (isSameDigest(digests[0], digests[1])) same.push({ from, to: one.at(-1)!.to })
      ;[first, other] = [ends[0] + 1, ends[1] + 1]
    } else if (from <= now[other]!.from) first++
    else other++
  }
  return blockSet(same)
}

/** Where two rows of tiles that begin together first end together; undefined if one of them has a gap before. */
function commonEnd(
  before: readonly Tile[],
  first: number,
  now: readonly Tile[],
  other: number,
): readonly [number, number] | undefined {
  let [one, two] = [first, other]
  for (;;) {
    const [a, b] = [before[one]!, now[two]!]
    if (a.to === b.to) return [one, two]
    if (a.to < b.to) one++
    else two++
    const [tiles, at, { to }] = a.to < b.to ? [before, one, a] : [now, two, b]
    if (tiles[at]?.from !== to + 1) return undefined
  }
}

/** `[rows, sum, columns]`; no columns: unknown. Sums are above 2^53, so they travel as text. */
type DigestTuple = readonly [rows: number, sum: string, columns: string]

export const DIGEST = sql<DigestTuple>`(ifNull(digest_rows, 0), toString(ifNull(digest_sum, 0)),
  if(event = 'done', toString(digest_columns), ''))`

function readDigest([rows, sum, columns]: DigestTuple): Digest | undefined {
  return columns === '' ? undefined : { rows, sum, columns }
}

/** Of one table, to compare digests: more would take long to read. */
const MOST_EVENTS = 20_000

/** Which blocks hold the rows that they held before, by the digests. Tables with very many events are absent. @throws BackfillError `server` */
export async function readSameSince(
  db: Kysely<Schema>,
  network: string,
  questions: readonly Omit<RowsQuestion, 'since'>[],
): Promise<ReadonlyMap<string, SameSince>> {
  if (questions.length === 0) return new Map()
  // Also those before `since`, which a question may have.
  const all = questions.map(({ key, uuid, window }) => ({ key, uuid, window }))
  const rows = await rowEvents(db, network, all)
    .select(['table_key as key', 'range_from as from', 'range_to as to', POSITION.as('position')])
    .select(DIGEST.as('digest'))
    .where(TELLS_OF_ROWS)
    .orderBy('table_key')
    .orderBy('epoch')
    .orderBy('seq')
    .modifyEnd(sql`LIMIT ${MOST_EVENTS + 1} BY table_key`)
    .execute()
  const events = [...Map.groupBy(rows, ({ key }) => key)].filter(([, { length }]) => length <= MOST_EVENTS)
  return new Map(
    events.map(([key, some]) => [
      key,
      sameSince(
        some.map(({ from, to, position, digest }) => ({
          position,
          range: { from, to },
          digest: readDigest(digest),
        })),
      ),
    ]),
  )
}
