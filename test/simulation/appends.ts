// Owns what an INSERT into the ledger does.
import { assertFence, type Sent, type Statement } from './sent.ts'
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

/** The rows of an INSERT into the ledger: values that are one for all rows, and a mark for each row. */
function ledgerRows(world: World, sent: Sent): readonly LedgerRow[] {
  const { text, params } = sent
  const common: Record<string, unknown> = {}
  const marked: [column: string, mark: number][] = []
  for (const [, value, column] of text.matchAll(
    /(NULL|currentUser\(\)|now64\(6\)|toUInt64\(\{\w+:String\}\)|\{\w+:[^}]+\}|concat\(\{\w+:String\}, '-', toString\(mark\.2\)\)|mark\.\d) as `(\w+)`/g,
  )) {
    const [, mark] = /^mark\.(\d)$/.exec(value!) ?? []
    const [, name] = /\{(\w+):/.exec(value!) ?? []
    if (mark !== undefined) marked.push([column!, Number(mark) - 1])
    else common[column!] = value === 'NULL' ? null : name === undefined ? 'default' : params[name]
    if (value!.startsWith('concat(')) marked.push([column!, -1])
  }
  const [, list] = /arrayJoin\(\s*arrayZip\(([^)]*(?:\([^)]*\)[^)]*)*)\)\s*\) AS mark/.exec(text)!
  const arrays = [...list!.matchAll(/\{(\w+):/g)].map(([, name]) => params[name!] as (string | number)[])
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
  return arrays[0]!.map((_, index) => {
    const row = { ...DEFAULTS, ...common } as Record<string, unknown>
    for (const [column, mark] of marked)
      row[column] = mark === -1 ? `${String(common[column])}-${arrays[1]![index]}` : arrays[mark]![index]
    const made = row as unknown as LedgerRow
    if (made.event !== 'checkpoint') return { ...made, islands: [] }
    const islands = fold(world.layers(made.table_key, made.target_uuid, versions))
    const digests = world
      .tail(made.table_key, made.target_uuid)
      .reduce((sum, { digest_rows: rows }) => sum + (rows ?? 0), 0)
    return {
      ...made,
      digest_rows: digests,
      islands: islands.map(
        ({ from, to, state, hash: own, forks, inputs }) => [from, to, state, own, forks, inputs] as const,
      ),
    }
  })
}

export const APPENDS: readonly Statement[] = [
  {
    name: 'append to the ledger',
    words: ['insert into `led`.`ledger`'],
    run(world, sent) {
      assertFence(world, sent)
      world.ledger.push(...ledgerRows(world, sent))
      return []
    },
  },
]
