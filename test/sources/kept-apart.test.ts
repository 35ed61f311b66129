// Owns which tables behind a source are warned of, because FINAL would not make one row of all rows of a key, or a row would count again.
import { expect, test } from 'vitest'
import type { TableBehind } from '../../src/clickhouse/tables-behind.ts'
import { apartProblems } from '../../src/sources/kept-apart.ts'

type Clusters = Parameters<typeof apartProblems>[2]
const TWO: Clusters = [{ name: 'c', shards: 2, nodes: 2 }]
const ONE: Clusters = [{ name: 'c', shards: 1, nodes: 1 }]

/** `reads`: what stands behind it, on the same server. */
const table = (name: string, engine: string, reads: readonly string[] = []): TableBehind => ({
  source: 's',
  reader: '',
  variants: 1,
  cluster: '',
  database: 'd',
  name,
  engine,
  engineFull: engine,
  definition: 'CREATE TABLE d.t (n UInt64) ENGINE = ReplacingMergeTree ORDER BY n',
  behind: reads.map((read) => ({ cluster: '', database: 'd', name: read })),
})
const stored = (name: string, engine = 'ReplicatedReplacingMergeTree') => table(name, engine)
const over = (name: string, read: string, key = ', n'): TableBehind => ({
  ...table(name, 'Distributed', [read]),
  engineFull: `Distributed('c', 'd', '${read}'${key})`,
})

/** The tables that are warned of, with the beginning of what is said. */
function warned(all: readonly TableBehind[], clusters = TWO): readonly string[] {
  return all.flatMap((one) =>
    apartProblems(one, all, clusters).map(({ sentence }) => `${one.name}: ${sentence.split(':')[0]}`),
  )
}

const merges = (name: string, ...tables: readonly string[]) =>
  `${name}: FINAL merges rows inside of ${tables.join(', ')}, not across them`

test('a Merge is warned of that reads collapsing tables on several ways', () => {
  const [a, b] = [stored('a'), stored('b')]
  expect(warned([table('m', 'Merge', ['a', 'b']), a, b])).toEqual([merges('m', 'a', 'b')])
  expect(warned([table('m', 'Merge', ['x', 'y']), over('x', 'a'), over('y', 'b'), a, b])).toEqual([
    merges('m', 'x', 'y'),
  ])
  expect(warned([table('m', 'Merge', ['x', 'a']), over('x', 'a'), a])).toEqual([merges('m', 'x', 'a')])
  expect(
    warned([table('m', 'Merge', ['v', 'w']), table('v', 'View', ['a']), table('w', 'View', ['b']), a, b]),
  ).toEqual([merges('m', 'v', 'w')])
})

test('a Merge of one way is not, whatever else it reads', () => {
  const plain = stored('plain', 'ReplicatedMergeTree')
  expect(warned([table('m', 'Merge', ['x']), over('x', 'a'), stored('a')])).toEqual([])
  // Its pattern matches its own name, too.
  expect(warned([table('m', 'Merge', ['a', 'm', 'plain']), stored('a'), plain])).toEqual([])
  // Tables of another source are none of its own.
  expect(warned([table('m', 'Merge', ['a', 'b']), stored('a'), { ...stored('b'), source: 'other' }])).toEqual(
    [],
  )
})

test('a Distributed table over another one is warned of, unless there is one shard', () => {
  const all = [over('outer', 'v'), table('v', 'View', ['inner']), over('inner', 'a'), stored('a')]
  expect(warned(all)).toEqual(['outer: each of its 2 shards reads all of inner, which is Distributed, too'])
  expect(warned(all, ONE)).toEqual([])
  expect(warned(all, []), 'the clusters are not to be seen').toEqual([])
})

test('the sharding key of a Distributed table is judged by the collapsing tables behind it, through others', () => {
  const all = (key: string, ...more: readonly TableBehind[]) => [
    over('front', 'v', key),
    table('v', 'View', ['a', 'look_up']),
    stored('a'),
    ...more,
  ]
  const problem = 'front: FINAL merges rows on each of 2 shards by itself'
  expect(warned(all(', n'))).toEqual([])
  expect(warned(all(', rand()'))).toEqual([problem])
  expect(warned(all(''))).toEqual([problem])
  expect(warned(all(''), ONE)).toEqual([])
  const other = {
    ...stored('look_up'),
    definition: 'CREATE TABLE d.t (k UInt64) ENGINE = ReplacingMergeTree ORDER BY k',
  }
  for (const tables of [all(', n', other), all(', n', other).toReversed()])
    expect(warned(tables), 'a look-up has another key').toEqual([])
  expect(warned(all(', x', other))).toEqual([problem])
  expect(warned([over('front', 'a', ''), stored('a', 'ReplicatedMergeTree')]), 'FINAL does nothing').toEqual(
    [],
  )
})

const seenOf = (engine: string) => [over('front', 'v'), table('v', 'View', ['a']), stored('a', engine)]

test('tables that are not Replicated are warned of on shards with replicas', () => {
  const replicas: Clusters = [{ name: 'c', shards: 1, nodes: 2 }]
  const problem = 'front: a is not Replicated, on shards with several replicas'
  expect(warned(seenOf('ReplacingMergeTree'), replicas)).toEqual([problem])
  expect(warned(seenOf('MergeTree'), replicas)).toEqual([problem])
  expect(warned(seenOf('MergeTree'), TWO)).toEqual([])
  for (const engine of ['ReplicatedMergeTree', 'SharedReplacingMergeTree', 'Memory'])
    expect(warned(seenOf(engine), replicas)).toEqual([])
  // What an inner one reads is its own: this one's cluster has no replicas.
  const inner = { ...over('inner', 'a'), engineFull: `Distributed('other', 'd', 'a', n)` }
  expect(warned([over('front', 'inner'), inner, stored('a', 'ReplacingMergeTree')], replicas)).toEqual([])
})

test('a table may have two problems', () => {
  const all = [over('front', 'a', ''), stored('a', 'ReplacingMergeTree')]
  expect(warned(all, [{ name: 'c', shards: 2, nodes: 3 }])).toHaveLength(2)
})
