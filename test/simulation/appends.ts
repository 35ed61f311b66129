// Owns what an INSERT into the ledger does.
import { assertFence, type Sent, type Statement } from './sent.ts'
import { EPOCH_DIGITS, lockName } from '../../src/lock/fence.ts'
import { fold } from './fold.ts'
import type { LedgerRow, World } from './world.ts'

/** Of the columns that an INSERT does not name. */
const DEFAULTS: Partial<LedgerRow> = {
  range_from: 0,
  range_to: 0,
  sql_hash: '',
  source_fingerprint: '',
  forks: '',
  inputs: '',
  digest_rows: null,
  digest_sum: null,
  digest_columns: '',
  query_id: '',
  rows_expected: 0,
  rows_written: 0,
  elapsed_ms: 0,
  peak_memory: 0,
  error: '',
  forced: false,
}

/** The rows that are sent as data behind an INSERT into the ledger. */
function eventRows({ text }: Sent): readonly LedgerRow[] {
  const lines = text
    .slice(text.indexOf(DATA) + DATA.length)
    .trim()
    .split('\n')
  return lines.map((line) => ({ ...DEFAULTS, islands: [], ...(JSON.parse(line) as object) }) as LedgerRow)
}

const DATA = 'FORMAT JSONEachRow'

/** The rows of checkpoints: a run's, with a mark for each table. */
function checkpointRows(world: World, sent: Sent): readonly LedgerRow[] {
  const { text, params } = sent
  const [, list] = /arrayJoin\(\s*arrayZip\(([^)]*(?:\([^)]*\)[^)]*)*)\)\s*\) AS mark/.exec(text)!
  const [keys, epochs, seqs, uuids] = [...list!.matchAll(/\{(\w+):/g)].map(
    ([, name]) => params[name!] as (string | number)[],
  )
  const newest = sent.all<string[]>(`splitByChar('@', word)[1], `)[0]
  const versions =
    newest &&
    new Map(
      newest.map((name, index) => [
        name,
        (params[/splitByChar\('@', word\)\[1\], \{\w+:[^}]*\}, \{(\w+):/.exec(text)![1]!] as string[])[
          index
        ]!,
      ]),
    )
  const [, run] = /\{(\w+):String\} as `run_id`/.exec(text)!
  return keys!.map((key, index) => {
    const own = { table_key: String(key), target_uuid: String(uuids![index]) }
    const { table_key, target_uuid } = own
    return {
      ...DEFAULTS,
      ...own,
      event: 'checkpoint',
      run_id: String(params[run!]),
      epoch: Number(epochs![index]),
      seq: Number(seqs![index]),
      digest_rows: world
        .tail(table_key, target_uuid)
        .reduce((sum, { digest_rows: rows }) => sum + (rows ?? 0), 0),
      islands: fold(world.layers(table_key, target_uuid, versions)).map(
        ({ from, to, state, hash: of, forks, inputs }) => [from, to, state, of, forks, inputs] as const,
      ),
    } as LedgerRow
  })
}

function record(world: World, rows: readonly LedgerRow[]): readonly unknown[] {
  world.ledger.push(...rows)
  for (const { table_key, epoch, event } of rows) {
    const highest = world.locksLike(lockName({ network: 'mainnet', key: table_key, epoch })).at(-1)!
    if (Number(highest.slice(-EPOCH_DIGITS)) > epoch)
      world.broken.push(`'${event}' of ${table_key} comes under epoch ${epoch}, when there is ${highest}`)
  }
  return []
}

/** The same name for both: a reader of a history sees events. */
const NAME = 'append to the ledger'

export const APPENDS: readonly Statement[] = [
  {
    name: NAME,
    words: ['insert into `led`.`ledger`'],
    run(world, sent) {
      assertFence(world, sent)
      return record(world, checkpointRows(world, sent))
    },
  },
  {
    name: NAME,
    words: ['INSERT INTO {ledger:Identifier}.ledger ('],
    run(world, sent) {
      assertFence(world, sent)
      return record(world, eventRows(sent))
    },
  },
]
