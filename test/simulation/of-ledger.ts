// Owns what questions about the ledger answer.
import { DIGEST_ONLY } from '../../src/ledger/events.ts'
import { nothing, rangesIn, valuesIn, type Sent, type Statement } from './sent.ts'
import { comparePositions, fold } from './fold.ts'
import type { LedgerRow, World } from './world.ts'

/** Rows of the tables' present UUIDs, for which a question names key and UUID as literals. */
export function named(
  sent: Sent,
): readonly { readonly key: string; readonly uuid: string; readonly rest: string }[] {
  return [
    ...sent.text.matchAll(
      /\(table_key = '(\w+)' AND target_uuid = '([\w-]+)' AND (.*?)(?=\) OR \(table_key|\) and |\)+$)/g,
    ),
  ].map(([, key, uuid, rest]) => ({ key: key!, uuid: uuid!, rest: rest! }))
}

/** The literals of a condition on events of one table, in the order in which the program writes them. */
export function touching(rest: string): (row: LedgerRow) => boolean {
  const [, to] = /range_from <= (\d+)/.exec(rest) ?? []
  const [, from] = /range_to >= (\d+)/.exec(rest) ?? []
  const [, epoch, seq] = /epoch > (\d+) OR \(epoch = \d+ AND seq > (\d+)/.exec(rest) ?? []
  return (row) =>
    (to === undefined || row.range_from <= Number(to)) &&
    (from === undefined || row.range_to >= Number(from)) &&
    (epoch === undefined || comparePositions(row, { epoch: Number(epoch), seq: Number(seq) }) > 0)
}

/** Leaves out checkpoints, and marks and digests where the statement does. */
export function wroteRows(sent: Sent): (row: LedgerRow) => boolean {
  const marks = sent.all<string>('startsWith(sql_hash, ')
  const withDigests = !/NOT \(error = |NOT \(\(startsWith/.test(sent.text)
  return ({ event, error, sql_hash: own }) =>
    event !== 'checkpoint' &&
    (error === DIGEST_ONLY ? withDigests : !marks.some((mark) => own.startsWith(mark)))
}

export const eventsOf = (world: World, sent: Sent) =>
  world.ledger.filter(
    (row) => row.table_key === sent.one('`table_key` = ') && row.target_uuid === sent.one('`target_uuid` = '),
  )

export const newestFirst = (rows: readonly LedgerRow[]) =>
  rows.toSorted((one, other) => comparePositions(other, one))

const pairsOf = (sent: Sent): ReadonlyMap<string, string> => {
  const [keys, uuids] = [
    ...sent.text.matchAll(/arrayZip\(\{(\w+):Array\(String\)\}, \{(\w+):Array\(UUID\)\}/g),
  ].flatMap(([, one, other]) => [sent.params[one!] as string[], sent.params[other!] as string[]])
  return new Map(keys!.map((key, index) => [key, uuids![index]!]))
}

const positionOf = ({ epoch, seq }: Pick<LedgerRow, 'epoch' | 'seq'>) => [epoch, seq]

export const OF_LEDGER: readonly Statement[] = [
  {
    name: 'tails of the ledger',
    words: ["countIf(event != 'checkpoint')"],
    run: (world, sent) =>
      [...pairsOf(sent)].flatMap(([key, uuid]) => {
        const rows = world.tail(key, uuid)
        if (rows.length === 0) return []
        const checkpoint = newestFirst(rows).find(({ event }) => event === 'checkpoint')
        return [
          {
            table_key: key,
            last: positionOf(newestFirst(rows)[0]!),
            tail: rows.filter(({ event }) => event !== 'checkpoint').length,
            digest_rows: rows.reduce((sum, row) => sum + (row.digest_rows ?? 0), 0),
            oldest_parts: [],
            last_run: '2030-01-01T00:00:00Z',
            islands: checkpoint?.islands ?? [],
          },
        ]
      }),
  },
  {
    name: 'fold of the ledger',
    words: ['with `painters` as (', '`sqlHash`'],
    run: (world, sent) =>
      [...pairsOf(sent)].flatMap(([key, uuid]) =>
        fold(world.layers(key, uuid)).map(({ hash: sqlHash, ...island }) => ({
          table_key: key,
          ...island,
          sqlHash,
        })),
      ),
  },
  { name: 'owner of a table', words: ['select `network`, toString(target_uuid) as `uuid`'], run: nothing },
  { name: 'costs', words: ['`rows_expected` as `expected`'], run: nothing },
  {
    name: 'highest epochs of the ledger',
    words: ['select `table_key`, max(`epoch`) as `epoch`'],
    run: (world, sent) =>
      valuesIn(sent, '`table_key` in (').flatMap((key) => {
        const rows = world.ledger.filter((row) => row.table_key === key)
        return rows.length === 0
          ? []
          : [{ table_key: key, epoch: Math.max(...rows.map(({ epoch }) => epoch)) }]
      }),
  },
  {
    name: 'last positions',
    words: ['select * from (select `table_key`, `epoch`, `seq`'],
    run(world, sent) {
      const [keys, uuids] = [sent.all<string>('`table_key` = '), sent.all<string>('`target_uuid` = ')]
      return keys.flatMap((key, index) => {
        const rows = world.ledger.filter((row) => row.table_key === key && row.target_uuid === uuids[index])
        return newestFirst(rows.filter(wroteRows(sent)))
          .slice(0, 1)
          .map(({ table_key, epoch, seq }) => ({ table_key, epoch, seq }))
      })
    },
  },
  {
    name: 'changes of inputs',
    words: ['max((epoch, seq)) as `position`', 'group by `table_key`, `range_from`, `range_to`'],
    run: (world, sent) =>
      named(sent).flatMap(({ key, uuid, rest }) => {
        const rows = world.ledger.filter(
          (row) => row.table_key === key && row.target_uuid === uuid && touching(rest)(row),
        )
        return [
          ...Map.groupBy(rows.filter(wroteRows(sent)), (row) => `${row.range_from}-${row.range_to}`).values(),
        ].map((same) => {
          const [row] = newestFirst(same) as [LedgerRow]
          return { key, from: row.range_from, to: row.range_to, last: row.event, position: positionOf(row) }
        })
      }),
  },
  {
    name: 'rows ever written',
    words: ['select sum(`rows_written`) as `rows`, maxIf(range_to, NOT forced) as `last`'],
    run(world, sent) {
      const rows = eventsOf(world, sent).filter(({ event }) => event === 'done')
      return [
        {
          rows: rows.reduce((sum, row) => sum + row.rows_written, 0),
          last: Math.max(0, ...rows.filter(({ forced }) => !forced).map(({ range_to: to }) => to)),
        },
      ]
    },
  },
  {
    name: 'deleted blocks',
    words: ['select distinct `range_from` as `from`, `range_to` as `to`', '`error` = '],
    run: (world, sent) =>
      eventsOf(world, sent)
        .filter(({ event, error }) => event === 'cleaned' && error === '')
        .map(({ range_from: from, range_to: to }) => ({ from, to })),
  },
  {
    name: 'versions of inputs',
    words: ['color.4 as `inputs`, min(`low`) as `from`'],
    run: (world, sent) =>
      [...pairsOf(sent)].flatMap(([key, uuid]) => {
        const read = world.layers(key, uuid).filter(({ state, inputs }) => state === 'done' && inputs !== '')
        return [...Map.groupBy(read, ({ inputs }) => inputs)].map(([inputs, same]) => ({
          key,
          inputs,
          from: Math.min(...same.map(({ from }) => from)),
          to: Math.max(...same.map(({ to }) => to)),
        }))
      }),
  },
  {
    name: 'the last error',
    words: ['`range_to` as `to`, `error`, formatDateTime(event_time'],
    run: (world, sent) => {
      const ranges = rangesIn(sent, '`range_from`', '`range_to`')
      const rows = eventsOf(world, sent)
        .filter(({ event, error }) => event === 'failed' && error !== '')
        .filter((row) => ranges.some(({ from, to }) => row.range_from <= to && row.range_to >= from))
      return newestFirst(rows)
        .slice(0, 1)
        .map(({ range_from: from, range_to: to, error }) => ({ from, to, error, at: '2026-01-01T00:00:00Z' }))
    },
  },
  {
    name: 'attempts',
    words: ['`range_from` as `from`, `range_to` as `to`, `user`, `query_id` as `queryId`'],
    run: (world, sent) => {
      const ranges = rangesIn(sent, '`range_from`', '`range_to`')
      const rows = eventsOf(world, sent)
        .filter(wroteRows(sent))
        .filter((row) => ranges.some(({ from, to }) => row.range_from <= to && row.range_to >= from))
      return newestFirst(rows).map((row) => ({
        event: row.event,
        from: row.range_from,
        to: row.range_to,
        user: 'default',
        queryId: row.query_id,
        sqlHash: row.sql_hash,
        sourceFingerprint: row.source_fingerprint,
        forks: row.forks,
        inputs: row.inputs,
        epoch: row.epoch,
      }))
    },
  },
]
