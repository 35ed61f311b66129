// Owns reading digests of the events of the ledger.
import { type Kysely, sql } from 'kysely'
import type { Schema } from '../clickhouse/schema.ts'
import type { Range } from '../model/blocks.ts'
import type { Digest } from '../model/digest.ts'
import { ofEachTarget, POSITION, WROTE_ROWS } from './fold.ts'
import { type SameSince, sameSince } from './unchanged.ts'

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
  questions: readonly { readonly key: string; readonly uuid: string; readonly window: Range }[],
): Promise<ReadonlyMap<string, SameSince>> {
  if (questions.length === 0) return new Map()
  const windows = new Map(questions.map(({ key, window }) => [key, window]))
  const uuids = new Map(questions.map(({ key, uuid }) => [key, uuid]))
  const touches = (key: string) => {
    const { from, to } = windows.get(key)!
    return sql<boolean>`(range_from <= ${sql.lit(to)} AND range_to >= ${sql.lit(from)})`
  }
  const rows = await db
    .selectFrom('ledger')
    .select(['table_key as key', 'range_from as from', 'range_to as to', POSITION.as('position')])
    .select(DIGEST.as('digest'))
    .where('network', '=', network)
    .where(ofEachTarget(uuids, touches))
    .where('event', '!=', 'checkpoint')
    .where(WROTE_ROWS)
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
