// Owns the promises about rows that are on another shard than their key says: a few among many are found, and none is looked for in a table that a shard lacks.
import { describe, expect, test } from 'vitest'
import { misplacedRows } from '../../../src/clickhouse/cluster/placement.ts'
import { distributedEngine } from '../../../src/sql-syntax/ddl-clauses.ts'
import { connect } from '../../support/clickhouse.ts'
import { MISSING_CLUSTER } from '../../support/real-cluster.ts'
import { post } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { useTwoShards } from '../../support/two-shards.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const PER_KEY = 'address_storage_slot_last_access'
const PER_BLOCK = 'block_slots_stat'

describe.skipIf(MISSING_CLUSTER)('a table with a row per key on two shards', () => {
  const scene = useTwoShards()
  const { run } = scene

  test('rows on other shards are found however many there are of the connected one', async () => {
    expect(await run(`up --tables ${PER_KEY} --to 12`)).toMatchObject({ code: 0 })
    // All of the first shard are in their place, and more than are looked at.
    const local = `${scene.places.target}.int_${PER_KEY}_local`
    const many = (slot: number, rows: number) =>
      `INSERT INTO ${local} (address, slot_key) SELECT concat('0x', toString(number)) AS address, toString(number) FROM numbers(${rows * 2})
       WHERE cityHash64(address, toString(number)) % 2 = ${slot}`
    await post(scene.first, many(0, 15_000))
    await post(scene.second, many(0, 30))
    expect(await run(`up --tables ${PER_KEY}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has rows on other shards than'),
    })
  })

  test('a partition that was moved to another shard is found among many rows that are in their place', async () => {
    expect(await run(`up --tables ${PER_KEY} --to 12`)).toMatchObject({ code: 0 })
    const local = `${scene.places.target}.int_${PER_KEY}_local`
    const many = (slot: number, where: string) =>
      `INSERT INTO ${local} (address, slot_key) SELECT concat('0x', toString(number)) AS address, toString(number) FROM numbers(120000)
       WHERE cityHash64(address, toString(number)) % 2 = ${slot} AND cityHash64(address) % 16 ${where}`
    await post(scene.second, many(1, '!= 15'))
    expect(await run(`up --tables ${PER_KEY} --to 15`)).toMatchObject({ code: 0 })
    await post(scene.second, many(0, '= 15'))
    expect(await run(`up --tables ${PER_KEY}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has rows on other shards than'),
    })
  })

  test('a table with a row per key that a shard has lost is named by status, which shows the others', async () => {
    const tables = `--tables ${PER_KEY},${PER_BLOCK}`
    expect(await run(`up ${tables}`)).toMatchObject({ code: 0 })
    await post(scene.second, `DROP TABLE ${scene.places.target}.int_${PER_KEY}_local SYNC`)
    expect(await run(`status ${tables}`)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/does not exist on every node: replica 1 of shard 2/),
    })
  })

  test('rows on a shard without weight are on another one than their key says', async () => {
    expect(await run(`up --tables ${PER_KEY} --to 12`)).toMatchObject({ code: 0 })
    const server = await connect(scene.first)
    const sharding = distributedEngine(
      `Distributed('${CLUSTER}', '${scene.places.target}', 'int_${PER_KEY}_local', cityHash64(address, slot_key))`,
    )!
    expect(await misplacedRows(server, sharding, { slots: [1, 2] })).toBe(0)
    expect(await misplacedRows(server, sharding, { slots: [1] })).toBeGreaterThan(0)
    await server.close()
  })
})
