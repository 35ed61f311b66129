// Owns reading a Distributed table's definition, and which sharding keeps the rows of a key together.
import { expect, test } from 'vitest'
import { distributedEngine, shardingProblem } from '../../src/sql-syntax/ddl-clauses.ts'

function read(engine: string) {
  const found = distributedEngine(engine)
  return found && [found.cluster, found.database, found.table, found.key?.names]
}

function problem(key: string, sortKey: readonly string[]): string | undefined {
  return shardingProblem(distributedEngine(`Distributed('c', 'd', 'x', ${key})`)!, sortKey)
}

test('a Distributed definition is read as the server writes it', () => {
  expect(read("Distributed('{cluster}', 'd', 'x_local', cityHash64(address, slot_key))")).toEqual([
    '{cluster}',
    'd',
    'x_local',
    ['address', 'slot_key'],
  ])
  expect(
    read("Distributed('c', 'd', 'it\\'s', block_number, 'policy') SETTINGS fsync_after_insert = 1"),
  ).toEqual(['c', 'd', "it's", ['block_number']])
  expect(read("Distributed('c', 'd', 'x')")).toEqual(['c', 'd', 'x', undefined])
  expect(read('ReplacingMergeTree ORDER BY a')).toBeUndefined()
})

test('a sharding key is sound where the key of a row decides on its shard', () => {
  expect(problem('cityHash64(address)', ['address', 'block_number'])).toBeUndefined()
  expect(problem('block_number', ['address', 'block_number'])).toBeUndefined()
  expect(problem('block_number', ['address'])).toContain('block_number is not among')
  expect(problem('rand()', ['address'])).toContain('rand()')
  expect(problem('cityHash64(address) + rand32()', ['address'])).toContain('another shard each time')
  expect(problem('1', ['address'])).toContain('1 is no column')
})
