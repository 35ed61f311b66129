// Owns what questions about single events of the ledger answer: those of rebuild, verify and status.
import { fold } from './fold.ts'
import { eventsOf, newestFirst, touching, wroteRows } from './of-ledger.ts'
import { nothing, type Sent, type Statement, valuesIn } from './sent.ts'
import type { World } from './world.ts'

export const OF_EVENTS: readonly Statement[] = [
  { name: 'pages of events', words: ['row_number() OVER (ORDER BY block) as `place`'], run: nothing },
  {
    name: 'latest events',
    words: ['paint.5 as `epoch`'],
    run(world, sent) {
      const [from, to] = [sent.one<number>('`range_to` >= '), sent.one<number>('`range_from` <= ')]
      const rows = eventsOf(world, sent)
        .filter(wroteRows(sent))
        .filter((row) => row.range_from <= to && row.range_to >= from)
      const layers = rows.map((row, index) => ({
        at: [row.epoch, row.seq] as const,
        from: Math.max(from, row.range_from),
        to: Math.min(to, row.range_to),
        state: 'latest',
        hash: String(index),
        forks: '',
        inputs: '',
      }))
      return fold(layers).map(({ hash: index, ...range }) => {
        const row = rows[Number(index)]!
        return {
          table_key: row.table_key,
          from: range.from,
          to: range.to,
          event: row.event,
          event_from: row.range_from,
          event_to: row.range_to,
          sql_hash: row.sql_hash,
          epoch: row.epoch,
          seq: row.seq,
          rows: row.rows_expected,
        }
      })
    },
  },
  {
    name: 'fingerprints of events',
    words: ['select `epoch`, `seq`, `source_fingerprint`'],
    run(world, sent) {
      const epochs = sent.one<number[]>('arrayJoin(arrayZip(')
      const [, name] = /arrayZip\(\{\w+:[^}]*\}, \{(\w+):/.exec(sent.text)!
      const seqs = sent.params[name!] as number[]
      return world.ledger
        .filter((row) => row.table_key === sent.one('`table_key` = ') && row.event !== 'checkpoint')
        .filter((row) => epochs.some((epoch, index) => row.epoch === epoch && row.seq === seqs[index]))
        .map(({ epoch, seq, source_fingerprint }) => ({ epoch, seq, source_fingerprint }))
    },
  },
  {
    name: 'last event',
    words: ['select `epoch`, `seq` from', 'order by `epoch` desc, `seq` desc limit'],
    run: (world, sent) =>
      newestFirst(eventsOf(world, sent).filter(({ event }) => event !== 'checkpoint'))
        .slice(0, 1)
        .map(({ epoch, seq }) => ({ epoch, seq })),
  },
  {
    name: 'blocks touched since',
    words: ['select distinct `range_from` as `from`, `range_to` as `to`', ' and (epoch > '],
    run(world, sent) {
      const [from, to] = [sent.one<number>('`range_to` >= '), sent.one<number>('`range_from` <= ')]
      return eventsOf(world, sent)
        .filter(({ event }) => event !== 'checkpoint')
        .filter((row) => row.range_from <= to && row.range_to >= from && touching(sent.text)(row))
        .map((row) => ({ from: row.range_from, to: row.range_to }))
    },
  },
  {
    name: 'when ranges were built',
    words: ['select count() as `events`, formatDateTime(min(event_time)'],
    run: (world, sent) => [
      { events: built(world, sent), from: '2030-01-01T00:00:00Z', to: '2030-01-01T00:00:00Z' },
    ],
  },
]

/** `done` events of an INSERT with one of these versions of the SQL, in blocks. */
function built(world: World, sent: Sent): number {
  const [from, to] = [sent.one<number>('`range_to` >= '), sent.one<number>('`range_from` <= ')]
  const hashes = valuesIn(sent, '`sql_hash` in (')
  return eventsOf(world, sent)
    .filter(({ event, query_id: id, sql_hash: of }) => event === 'done' && id !== '' && hashes.includes(of))
    .filter((row) => row.range_from <= to && row.range_to >= from).length
}
