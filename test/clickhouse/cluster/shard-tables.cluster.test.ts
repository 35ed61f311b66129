// Owns by what a table of a cluster is known to the ledger.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Names, Server } from '../../../src/clickhouse/server.ts'
import { shardTables } from '../../../src/clickhouse/cluster/shard-tables.ts'
import { viewProblems } from '../../../src/clickhouse/source-views.ts'
import { tablesBehind } from '../../../src/clickhouse/tables-behind.ts'
import { uuidOfShards } from '../../../src/targets/shards-uuid.ts'
import { connect, createLedger, ledgerEvent } from '../../support/clickhouse.ts'
import { KEY, openRunner, silent } from '../../support/locks.ts'
import { post, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER, everywhere, REPLICAS, type Shards, startShards } from '../../support/shards.ts'

const target = uniqueDatabase('target')

let shards: Shards
let server: Server
let names: Names
beforeAll(async () => {
  shards = await startShards()
  server = await connect(shards[0])
  names = await createLedger(server)
})
afterAll(async () => {
  await server?.close()
  await Promise.all(shards?.map((one) => one.stop()) ?? [])
})

/** UUID by which a table over `here` is known, after `here` was created with these on the servers. */
async function uuidOf(uuids: readonly string[], cluster: Pick<Cluster, 'name' | 'nodes'>): Promise<string> {
  await everywhere(shards, `CREATE DATABASE IF NOT EXISTS ${target}`)
  for (const [index, uuid] of uuids.entries()) {
    await post(shards[index]!, `DROP TABLE IF EXISTS ${target}.here SYNC`)
    await post(
      shards[index]!,
      `CREATE TABLE ${target}.here UUID '${uuid}' (a UInt8) ENGINE = ReplacingMergeTree ORDER BY a`,
    )
  }
  const { node, table } = await readHere(cluster)
  return await uuidOfShards(node, names, table)
}

/** The table over `here`, as it is read. */
async function readHere(cluster: Pick<Cluster, 'name' | 'nodes'>) {
  const definition = {
    name: 'there',
    engine: 'Distributed',
    engine_full: `Distributed('${cluster.name}', '${target}', 'here', a)`,
  }
  const places = ['the first', 'the second']
  const node = {
    ...server,
    cluster: {
      ...cluster,
      places,
      slots: [],
      unreachable: [],
      names: { ledger: '', locks: '' },
      keeper: false,
      balanced: false,
    },
  }
  const tables = await shardTables(node, [definition])
  return { node, table: tables.get('there')! }
}

describe('what a table is known by', () => {
  const two = { name: CLUSTER, nodes: [1, 2] }
  const one = { name: REPLICAS, nodes: [1, 1] }

  test('the UUID of its local tables, where all have the same', async () => {
    const uuid = randomUUID()
    const known = await uuidOf([uuid, uuid], two)
    expect(await uuidOf([uuid, uuid], two)).toBe(known)
    // A cluster that lost a shard has another table.
    expect(await uuidOf([uuid], { name: CLUSTER, nodes: [1] })).not.toBe(known)
  })

  test('another one as soon as the local table of any shard is another', async () => {
    const [first, second] = [randomUUID(), randomUUID()]
    const before = await uuidOf([first, second], two)
    expect(before).not.toBe(first)
    expect(await uuidOf([first, second], two)).toBe(before)
    expect(await uuidOf([first, randomUUID()], two)).not.toBe(before)
    expect(await uuidOf([randomUUID(), second], two)).not.toBe(before)
  })

  test('no table at all that may be written to, where one shard has a column that the others lack', async () => {
    const uuid = randomUUID()
    await uuidOf([uuid, uuid], two)
    expect((await readHere(two)).table.problem).toBeUndefined()
    await post(shards[1], `ALTER TABLE ${target}.here ADD COLUMN more String`)
    expect((await readHere(two)).table.problem?.sentence).toMatch(
      /that differ: the second has more String, and the first does not/,
    )
  })

  test('the same, by the word of the ledger, when a replica comes that has a local table of its own', async () => {
    const { locks, ledger } = await openRunner(server, names)
    for (const [old, come] of [
      ['00000000-0000-4000-8000-000000000001', 'ffffffff-ffff-4fff-bfff-ffffffffffff'],
      ['ffffffff-ffff-4fff-bfff-fffffffffff0', '00000000-0000-4000-8000-000000000002'],
    ] as const) {
      const lock = await locks.acquire(KEY, silent)
      await ledger.append(lock, ledgerEvent({ range: { from: 1, to: 1 }, targetUuid: old }))
      await lock.release()
      expect(await uuidOf([old, come], one)).toBe(old)
      expect(await uuidOf([come, old], one)).toBe(old)
    }
  })
})

test('a view without FINAL is found behind a Distributed table, on its shards', async () => {
  await everywhere(shards, `CREATE DATABASE IF NOT EXISTS ${target}`)
  await everywhere(shards, `CREATE TABLE ${target}.stored (a UInt8) ENGINE = ReplacingMergeTree ORDER BY a`)
  await everywhere(shards, `CREATE VIEW ${target}.plain AS SELECT * FROM ${target}.stored`)
  for (const name of ['plain', 'stored'])
    await post(
      shards[0],
      `CREATE TABLE ${target}.over_${name} (a UInt8) ENGINE = Distributed('{cluster}', '${target}', '${name}')`,
    )
  const reader = { ...server, connection: { ...server.connection, database: target } }
  const problems = viewProblems(reader, await tablesBehind(reader, ['over_plain', 'over_stored']))
  expect(problems.map(({ sentence }) => sentence)).toEqual([
    expect.stringContaining(
      `the source ${target}.over_plain reads ${target}.plain, a view that reads without FINAL`,
    ),
  ])
})
