// Owns the promises of src/clickhouse/cluster/shard-problem.ts: what would make rows double, or differ, is refused.
import { expect, test } from 'vitest'
import { shardProblem } from '../../../src/clickhouse/cluster/shard-problem.ts'
import { distributedEngine } from '../../../src/sql-syntax/ddl-clauses.ts'

/** A target over local tables of this engine, one on each node; `shards` has the shard of each node. */
function problemOf({
  shards = [1, 2],
  engine = 'ReplacingMergeTree',
  sortedBy = 'block_number',
  engines = shards.map(() => engine),
  clauses = engines.map((one) => `${one} ORDER BY ${sortedBy}`),
  paths = shards.map(() => ''),
  active = 0,
  columns = '`block_number` UInt32',
  others = columns,
}: {
  readonly shards?: readonly number[]
  readonly engine?: string
  readonly engines?: readonly string[]
  readonly clauses?: readonly string[]
  readonly paths?: readonly string[]
  readonly active?: number
  readonly sortedBy?: string
  readonly columns?: string
  readonly others?: string
}): string | undefined {
  const of = distributedEngine(`Distributed('shards', 'db', 'local', cityHash64(block_number))`)
  const found = engines.map((one, index) => ({
    node: index + 1,
    engine: one,
    sorting_key: sortedBy,
    keeper_path: paths[index]!,
    active,
    create_table_query: `CREATE TABLE db.local (${index === 0 ? columns : others}) ENGINE = ${clauses[index]}`,
  }))
  return shardProblem(
    { name: 'shards', nodes: shards, places: shards.map(String), unreachable: [] },
    { engine: 'Distributed', of, found, isRandom: false },
  )?.sentence
}

test('local tables that are alike, replace rows by their key and are sharded by it may be written to', () => {
  expect(problemOf({})).toBeUndefined()
  expect(problemOf({ shards: [1, 1, 2, 2], engine: 'ReplicatedReplacingMergeTree' })).toBeUndefined()
  expect(problemOf({ shards: [1, 1], engine: 'SharedReplacingMergeTree' })).toBeUndefined()
})

test('plain local tables on a shard with several replicas are not written to', () => {
  const words = /not Replicated, on shards with several replicas/
  expect(problemOf({ shards: [1, 1] })).toMatch(words)
  expect(problemOf({ shards: [1, 2, 2] })).toMatch(words)
})

test('local tables that keep every row, differ, are absent from a node or sharded by another column are not written to', () => {
  expect(problemOf({ engine: 'MergeTree' })).toMatch(/keep every row \(MergeTree\)/)
  expect(problemOf({ engines: ['ReplacingMergeTree', 'MergeTree'] })).toMatch(/differ/)
  expect(problemOf({ engines: ['ReplacingMergeTree'] })).toMatch(/on every node: 2 lacks it/)
  expect(problemOf({ sortedBy: 'address' })).toMatch(/rows of one key on several shards/)
})

test('local tables with other columns are not written to, and one that only one of them has is named with its node', () => {
  const [few, more] = ['`block_number` UInt32', '`block_number` UInt32, `more` String']
  expect(problemOf({ columns: more, others: few })).toMatch(/that differ: 1 has more String, and 2 does not/)
  expect(problemOf({ columns: few, others: more })).toMatch(/that differ: 2 has more String, and 1 does not/)
  expect(problemOf({ columns: more, others: more })).toBeUndefined()
})

test('local tables that differ in version column, partition or TTL are not written to; path, replica and settings may differ', () => {
  const engine = 'ReplicatedReplacingMergeTree'
  const clause = (path: string, more = '') => `${engine}('/tables/${path}', '{replica}'${more}) ORDER BY key`
  const of = (...clauses: readonly string[]) => problemOf({ engine, clauses })
  expect(of(clause('1'), clause(`it\\'s, 2`))).toBeUndefined()
  expect(
    of(clause('1', ', written'), `${clause('2', ', written')} SETTINGS index_granularity = 1`),
  ).toBeUndefined()
  expect(of(`${engine} ORDER BY key`, `${engine}() ORDER BY key`)).toBeUndefined()
  expect(of(clause('1', ', written'), clause('2'))).toMatch(
    /differ: the engine is ReplacingMergeTree\(written\) on 1, and ReplacingMergeTree\(\) on 2/,
  )
  expect(of(clause('1'), clause('2').replace('ORDER', 'PARTITION BY month ORDER'))).toMatch(
    /the rows are partitioned by nothing on 1, and month on 2/,
  )
  expect(of(clause('1'), `${clause('2')} TTL toDateTime(block_number) + toIntervalDay(1)`)).toMatch(
    /the rows have TTL nothing on 1, and toDateTime\(block_number\) .* on 2/,
  )
})

test('local tables of one shard that are no replicas of each other, or replicas on several shards, are not written to', () => {
  const [shards, engine] = [[1, 1, 2, 2], 'ReplicatedReplacingMergeTree']
  const of = (paths: readonly string[]) => problemOf({ shards, engine, paths })
  expect(of(['/a', '/a', '/b', '/b'])).toBeUndefined()
  expect(of(['', '', '', ''])).toBeUndefined()
  expect(of(['/a', '/b', '/a', '/b'])).toMatch(/no replicas of each other on 1 and 1: \/a and \/b in Keeper/)
  expect(of(['/a', '/a', '/a', '/a'])).toMatch(/are replicas of each other on 1 and 2: \/a in Keeper/)
})

test('local tables with an active replica in no list are not written to where a write waits for several', () => {
  const engine = 'ReplicatedReplacingMergeTree'
  expect(problemOf({ shards: [1, 1, 2, 2], engine, active: 2 })).toBeUndefined()
  expect(problemOf({ shards: [1, 1, 2, 2], engine, active: 3 })).toMatch(
    /3 active replicas in shard 1, of which the cluster lists 2/,
  )
  expect(problemOf({ shards: [1, 2], engine, active: 2 })).toBeUndefined()
})
