// Owns what the statements of a rebuild do and answer: they list, rename, exchange and drop tables, and compare a range.
import { nothing, Refusal, type Sent, type Statement, targetNamed, within } from './sent.ts'
import { rowsOfSource } from './of-tables.ts'
import type { World } from './world.ts'

const unknown = (name: string) => new Refusal(60, `Table tgt.${name} does not exist. (UNKNOWN_TABLE)`)

/** The table keeps its UUID, its rows and what writes into it. */
function rename(world: World, from: string, to: string): void {
  const target = world.targets.get(from)
  if (target === undefined) throw unknown(from)
  if (world.targets.has(to)) throw new Refusal(57, `Table tgt.${to} already exists. (TABLE_ALREADY_EXISTS)`)
  world.targets.delete(from)
  world.targets.set(to, target)
  target.name = to
}

export const OF_REBUILD: readonly Statement[] = [
  {
    name: 'tables of a rebuild',
    words: ['AS databaseEngine'],
    run: (world, { params }) =>
      [...world.targets.values()]
        .filter(({ name }) => name.startsWith(String(params['prefix'])))
        .toSorted((one, other) => (one.name < other.name ? -1 : 1))
        .map(({ name, key, uuid, rows, masked }) => ({
          name,
          uuid,
          engine: key === 'plain' ? 'MergeTree' : 'ReplacingMergeTree',
          rows: rows.length + masked,
          bytes: 1,
          views: [],
          databaseEngine: 'Atomic',
        })),
  },
  {
    name: 'rename a table',
    words: ['RENAME TABLE'],
    run: (world, { params }) => (rename(world, String(params['one']), String(params['other'])), []),
  },
  {
    name: 'exchange tables',
    words: ['EXCHANGE TABLES'],
    run(world, { params }) {
      const [one, other] = [String(params['one']), String(params['other'])]
      const [first, second] = [one, other].map((name) => {
        const found = world.targets.get(name)
        if (found === undefined) throw unknown(name)
        return found
      })
      for (const [name, target] of [
        [one, second!],
        [other, first!],
      ] as const) {
        target.name = name
        world.targets.set(name, target)
      }
      world.replaced.add(first!.uuid)
      if (world.replaced.has(second!.uuid)) world.broken.push(`the old table is in the place of ${one} again`)
      return []
    },
  },
  {
    name: 'facts of segments',
    words: ['toUInt64(roundDown(block_number, '],
    run(world, sent) {
      const starts = sent.one<number[]>('toUInt64(roundDown(block_number, ')
      const segments = Map.groupBy(rowsOfSource(world, sent), ({ block }) =>
        starts.findLast((start) => start <= block)!,
      )
      return [...segments].map(([from, rows]) => ({
        source: 'events',
        from,
        blocks: rows.length,
        newest: Math.max(...rows.map(({ written }) => written)),
      }))
    },
  },
  {
    name: 'comparison of a range',
    words: ['AS differences,', 'AS Array(Tuple(kind String, key String))'],
    run: (world, sent) => [compared(world, sent)],
  },
  { name: 'deterministic functions', words: ['FROM system.functions'], run: nothing },
  {
    name: 'examples of differences',
    words: ['SELECT hex(backfill_key) AS key, any(backfill_values)'],
    run: nothing,
  },
  {
    name: 'drop a table',
    words: ['DROP TABLE IF EXISTS {database:Identifier}.{one:Identifier} SYNC'],
    run: (world, { params }) => (world.targets.delete(String(params['one'])), []),
  },
]

const sums = (rows: number, keys: number) => ({ rows, keys, hash: '0' })

/** The rows of a range, computed again, against those that are stored: keys by kind of difference. */
function compared(world: World, { params }: Sent) {
  const target = targetNamed(world, String(params['backfill_table']))
  const range = { from: Number(params['from_block']), to: Number(params['to_block']) }
  const isLast = target.key === 'last'
  const isInRange = ({ block }: { readonly block: number }) => within(range)(block)
  const ours = new Map(world.transform(target.key, range, target).map((row) => [row.key, row]))
  const stored = world.shown(target).filter((row) => isLast || isInRange(row))
  const theirs = Map.groupBy(stored, ({ key }) => key)
  const kinds = { missing: 0, unexpected: 0, different: 0, behind: 0 }
  for (const key of ours.keys()) if (!theirs.has(key)) kinds.missing++
  for (const [key, rows] of theirs) {
    const [mine, row] = [ours.get(key), rows[0]!]
    const isSame = rows.length === 1 && mine?.value === row.value
    if (isLast) {
      if (isInRange(row) && row.block > (mine?.block ?? 0)) kinds.unexpected++
      else if (mine !== undefined && row.block < mine.block) kinds.behind++
      else if (row.block === mine?.block && !isSame) kinds.different++
    } else if (mine === undefined) kinds.unexpected++
    else if (!isSame) kinds.different++
  }
  return {
    recomputed: sums(ours.size, ours.size),
    stored: sums(stored.length, theirs.size),
    differences: kinds,
    keys: [],
  }
}
