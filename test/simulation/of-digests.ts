// Owns what questions about digests answer: those that the ledger has, and those of rows that stand in a target.
import { fold } from './fold.ts'
import { eventsOf, named, newestFirst, touching, wroteRows } from './of-ledger.ts'
import { hash, rangesIn, type Sent, type Statement, targetNamed, within } from './sent.ts'
import type { LedgerRow, World } from './world.ts'

const digestOf = (row: LedgerRow) => [
  row.digest_rows ?? 0,
  row.digest_sum ?? '0',
  row.event === 'done' ? row.digest_columns : '',
]

/** The rows whose digests are those of the whole range over which they are the latest, by block. */
function digested(world: World, sent: Sent): readonly LedgerRow[] {
  const [from, to] = [sent.one<number>('`range_to` >= '), sent.one<number>('`range_from` <= ')]
  const rows = eventsOf(world, sent)
    .filter(wroteRows(sent))
    .filter((row) => row.range_from <= to && row.range_to >= from)
  const layers = rows.map(({ epoch, seq, range_from: first, range_to: last, event }, index) => ({
    at: [epoch, seq] as const,
    from: Math.max(from, first),
    to: Math.min(to, last),
    state: event as string,
    hash: String(index),
    forks: '',
    inputs: '',
  }))
  return fold(layers).flatMap(({ hash: index, ...range }) => {
    const row = rows[Number(index)]!
    const isWhole = range.from === row.range_from && range.to === row.range_to
    return isWhole && row.event === 'done' && row.digest_columns !== '' ? [row] : []
  })
}

export const OF_DIGESTS: readonly Statement[] = [
  {
    name: 'digests of inputs',
    words: ['(epoch, seq) as `position`, (ifNull(digest_rows, 0)'],
    run: (world, sent) =>
      named(sent).flatMap(({ key, uuid, rest }) =>
        newestFirst(
          world.ledger.filter(
            (row) => row.table_key === key && row.target_uuid === uuid && touching(rest)(row),
          ),
        )
          .toReversed()
          .filter(wroteRows(sent))
          .map((row) => ({
            key,
            from: row.range_from,
            to: row.range_to,
            position: [row.epoch, row.seq],
            digest: digestOf(row),
          })),
      ),
  },
  {
    name: 'rows that digests say',
    words: ['select sum(digest_rows) as `rows`'],
    run: (world, sent) => [
      { rows: digested(world, sent).reduce((sum, { digest_rows: rows }) => sum + (rows ?? 0), 0) },
    ],
  },
  {
    name: 'digests of ranges',
    words: ['toString(digest_sum) as `sum`'],
    run(world, sent) {
      const ranges = rangesIn(sent, '`seen`.`from`', '`seen`.`to`')
      return digested(world, sent)
        .filter((row) => ranges.some(({ from, to }) => row.range_from <= to && row.range_to >= from))
        .map((row) => ({
          from: row.range_from,
          to: row.range_to,
          rows: row.digest_rows,
          sum: row.digest_sum,
          columns: row.digest_columns,
        }))
    },
  },
  {
    name: 'ends of the events of blocks',
    words: ['select min(`range_from`) as `from`, max(`range_to`) as `to`'],
    run(world, sent) {
      const [from, to] = [sent.one<number>('`range_to` >= '), sent.one<number>('`range_from` <= ')]
      const rows = eventsOf(world, sent)
        .filter(({ event }) => event !== 'checkpoint')
        .filter((row) => row.range_from <= to && row.range_to >= from)
      return [
        {
          from: Math.min(...rows.map((row) => row.range_from)),
          to: Math.max(...rows.map((row) => row.range_to)),
        },
      ]
    },
  },
  {
    name: 'digests of stored ranges',
    words: ['FROM (SELECT arrayJoin({starts:Array(UInt64)}) AS start) AS ranges'],
    run(world, { text, params }) {
      const [, name] = /FROM `tgt`\.`(\w+)`/.exec(text)!
      const [starts, steps] = [params['starts'] as number[], params['steps'] as number[]]
      return starts.map((from) => {
        const to = (steps.toSorted((a, b) => a - b).find((step) => step > from) ?? Infinity) - 1
        return digest(world, name!, { from, to })
      })
    },
  },
]

/** Of the rows of a range, as `done` records it. */
export function digest(world: World, name: string, range: { readonly from: number; readonly to: number }) {
  const rows = world.shown(targetNamed(world, name)).filter(({ block }) => within(range)(block))
  const sum = rows.reduce(
    (all, { block, value }) => (all + BigInt(hash(`${block} ${value}`))) % 2n ** 64n,
    0n,
  )
  return { rows: rows.length, sum: String(sum), columns: 'columns' }
}
