// Owns what is wrong with a table's form for a cluster, derived or written.
import { expect, test } from 'vitest'
import { distributedEngine, shardingProblem } from '../../../src/sql-syntax/distributed.ts'
import { lintClusterDdl } from '../../../src/commands/check/lint-cluster-ddl.ts'
import { splitStatements } from '../../../src/sql-syntax/statements.ts'
import { catalogue } from '../../support/clickhouse.ts'

const table = catalogue.tables.find(({ key }) => key === 'address_first_access')!

/** The statements derived for it, as a file that stands in their place. */
const override = splitStatements(
  'cluster/address_first_access.sql',
  table.clusterDdl.map(({ text }) => text).join(';\n'),
)

/** What is said of a file in which `was` is `is`, in both statements or in the one of that number. */
function findings(was: string, is: string, only?: number): readonly string[] {
  const broken = override.map((statement, index) =>
    only === undefined || only === index
      ? { ...statement, text: statement.text.replace(was, is) }
      : statement,
  )
  expect(broken.filter(({ text }, index) => text !== override[index]!.text)).not.toEqual([])
  return [...lintClusterDdl(table.ddl, broken)].map(({ message }) => message)
}

function read(engine: string) {
  const found = distributedEngine(engine)
  return found && [found.cluster, found.database, found.table, found.key?.names]
}

function problem(key: string, sortKey: readonly string[]): string | undefined {
  return shardingProblem(distributedEngine(`Distributed('c', 'd', 'x', ${key})`)!, sortKey)
}

test('what is derived for a cluster is sound for every shipped table, and as a file of its own', () => {
  for (const { clusterDdl, ddl, key } of catalogue.tables) {
    expect(clusterDdl, key).toHaveLength(2)
    expect([...lintClusterDdl(ddl, clusterDdl)], key).toEqual([])
  }
  expect([...lintClusterDdl(table.ddl, override)]).toEqual([])
})

test('a file with other columns, codecs, defaults, comments or keys is found, with its line', () => {
  expect(findings('UInt32', 'UInt64')).toEqual([
    expect.stringMatching(
      /cluster\/address_first_access\.sql:4: 'block_number' is UInt64 NOT NULL here and UInt32/,
    ),
    expect.stringMatching(/:14: 'block_number' is UInt64/),
  ])
  expect(findings('CODEC ( DoubleDelta , ZSTD ( 1 ) )', 'CODEC ( ZSTD ( 1 ) )', 0)).toHaveLength(1)
  expect(findings('4294967295', '4294967296', 1)).toHaveLength(1)
  expect(findings("COMMENT 'Address, lower case'", '', 0)).toHaveLength(1)
  expect(findings("'{replica}', version", "'{replica}'", 0)).toEqual([
    expect.stringContaining('the engine is ReplacingMergeTree() here and ReplacingMergeTree(version)'),
  ])
  expect(findings('ORDER BY address', 'ORDER BY (address, block_number)')).toHaveLength(1)
  expect(findings('% 16', '% 32', 0)).toHaveLength(1)
  expect(findings('First block in which', 'Block in which', 0)).toHaveLength(1)
})

test('a file that is not on the cluster, not Replicated, not over its own local table or badly sharded is found', () => {
  expect(findings(" ON CLUSTER '{cluster}'", '', 1)).toEqual([expect.stringContaining('without ON CLUSTER')])
  expect(findings('ReplicatedReplacing', 'Replacing')).toEqual([
    expect.stringContaining('the local table is not Replicated'),
  ])
  expect(findings("'int_address_first_access_local'", "'other_local'")).toEqual([
    expect.stringContaining("Distributed over '{cluster}' and int_address_first_access_local"),
  ])
  expect(findings(', cityHash64(address))\nCOMMENT', ', rand())\nCOMMENT')).toEqual([
    expect.stringContaining('rand() sends a row to another shard each time'),
  ])
  expect([...lintClusterDdl(table.ddl, override.slice(0, 1))]).toHaveLength(1)
})

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
