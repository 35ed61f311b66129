// Owns what happens to deletions after a node has died in an INSERT: ClickHouse's replicas wait for its part for ever.
import { describe, expect, test } from 'vitest'
import { MISSING_CLUSTER } from '../../support/real-cluster.ts'
import { post, rowsOf } from '../../support/server.ts'
import { startSmallCluster } from '../../support/small-cluster.ts'
import { useTwoShards } from '../../support/two-shards.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const TABLE = 'block_slots_stat'
const SOON = { timeout: 120_000, interval: 500 }

describe.skipIf(MISSING_CLUSTER)('a cluster of two replicas', () => {
  test('`redo` names the replica that waits for a part which no replica has, `doctor` too, and what they say to type lets it end', async () => {
    const { cluster, first: dies, second: stays, places, addSources, run: on } = await startSmallCluster(20)
    await addSources(stays)
    const run = (words: string) => on(stays, words)
    expect((await run(`up --tables ${TABLE}`)).code).toBe(0)

    const local = `${places.target}.int_${TABLE}_local`
    await post(stays, `SYSTEM STOP FETCHES ${local}`)
    const insert = `INSERT INTO ${local} SELECT * FROM ${local} LIMIT 1 SETTINGS insert_quorum = 2, insert_quorum_parallel = 1, insert_deduplicate = 0`
    const inserted = post(dies, insert).catch(String)
    const queue = `SELECT 1 FROM system.replication_queue WHERE concat(database, '.', table) = '${local}' AND type = 'GET_PART'`
    await expect.poll(() => rowsOf(stays, queue), SOON).toHaveLength(1)
    await cluster.signal('s1r1', 'KILL')
    await inserted
    await post(stays, `SYSTEM START FETCHES ${local}`)
    await expect.poll(() => rowsOf(stays, queue), SOON).toHaveLength(0)
    await cluster.restart('s1r1')

    const redone = await run(`redo ${TABLE} --from 3 --to 20 --yes`)
    expect(redone.code, redone.stderr).toBe(1)
    const [, statement] =
      /which no replica has\n.*type (SYSTEM RESTART REPLICA \S+) on each node/.exec(redone.stderr) ?? []
    expect(statement, redone.stderr).toBe(`SYSTEM RESTART REPLICA ${local}`)
    expect((await run('doctor')).stdout).toMatch(/waits for part \S+, which no replica has/)
    for (const node of cluster.nodes) await post(node, statement!)
    expect(await run(`up --tables ${TABLE}`)).toMatchObject({ code: 0 })
    const { stdout } = await run(`status --tables ${TABLE} --json`)
    expect(JSON.parse(stdout)).toMatchObject({ tables: [{ state: 'up to date', done_blocks: 20 }] })
    expect((await run(`verify ${TABLE}`)).code).toBe(0)
  })

  test('and one that waits for a replica without its metadata in Keeper, with the statements that bring it back', async () => {
    const { cluster, first, second, places, addSources, run: on } = await startSmallCluster(20)
    await addSources(first)
    const run = (words: string) => on(first, words)
    expect((await run(`up --tables ${TABLE}`)).code).toBe(0)
    const local = `${places.target}.int_${TABLE}_local`
    const replica = `SELECT concat(zookeeper_path, '/replicas/', replica_name) AS path, is_readonly FROM system.replicas
      WHERE concat(database, '.', table) = '${local}'`
    const [{ path }] = (await rowsOf<{ path: string }>(second, replica)) as [{ path: string }]
    await cluster.loseInKeeper(path)
    await post(second, `SYSTEM RESTART REPLICA ${local}`)
    await expect.poll(() => rowsOf(second, replica), SOON).toMatchObject([{ is_readonly: 1 }])

    const redone = await run(`redo ${TABLE} --from 3 --to 20 --yes`)
    expect(redone.code, redone.stderr).toBe(1)
    expect(redone.stderr).toMatch(/is read-only on replica 2 of shard 1 .*\n.*SYSTEM RESTORE REPLICA/)
    expect((await run('doctor')).stdout).toContain(`SYSTEM RESTORE REPLICA \`${places.target}\``)
    for (const word of ['RESTART', 'RESTORE']) await post(second, `SYSTEM ${word} REPLICA ${local}`)
    expect(await run(`up --tables ${TABLE}`)).toMatchObject({ code: 0 })
    expect((await run(`verify ${TABLE}`)).code).toBe(0)
  })

  test('and one that waits behind the failing mutation of somebody else, which is named with its reason and the KILL MUTATION that ends it', async () => {
    const { first, places, addSources, run: on } = await startSmallCluster(20)
    await addSources(first)
    const run = (words: string) => on(first, words)
    expect((await run(`up --tables ${TABLE}`)).code).toBe(0)
    const local = `${places.target}.int_${TABLE}_local`
    const [column] = await rowsOf<{ name: string }>(
      first,
      `SELECT name FROM system.columns WHERE concat(database, '.', table) = '${local}' AND NOT is_in_primary_key AND NOT is_in_partition_key AND type LIKE 'UInt%' LIMIT 1`,
    )
    await post(
      first,
      `ALTER TABLE ${local} UPDATE ${column!.name} = throwIf(1) + 5 WHERE 1 SETTINGS mutations_sync = 0`,
    )
    const redone = await run(`redo ${TABLE} --from 3 --to 20 --yes`)
    expect(redone.code, redone.stderr).toBe(1)
    expect(redone.stderr).toMatch(
      /waits on replica \d of shard 1 \(.*\) behind mutation \d+ of .*throwIf.*, which fails: Value passed/,
    )
    const [, typed] = /Type (KILL MUTATION .*) on replica/.exec(redone.stderr) ?? []
    await post(first, typed!)
    const resumed = await run(`up --tables ${TABLE}`)
    expect(resumed.code, resumed.stderr).toBe(0)
    expect((await run(`verify ${TABLE}`)).code).toBe(0)
  })
})

describe.skipIf(MISSING_CLUSTER)('a deletion on two shards', () => {
  const scene = useTwoShards()

  test('that waits behind the failing mutation of somebody else names the id that it has on each shard', async () => {
    const { run } = scene
    expect((await run(`up --tables ${TABLE}`)).code).toBe(0)
    const local = `${scene.places.target}.int_${TABLE}_local`
    const update = (value: string, wait: number) =>
      `ALTER TABLE ${local} UPDATE slots_set = ${value} WHERE 1 SETTINGS mutations_sync = ${wait}`
    await post(scene.second, update('slots_set', 2))
    for (const node of [scene.first, scene.second]) await post(node, update('throwIf(1) + 5', 0))
    const { stderr } = await run(`redo ${TABLE} --from 3 --to 20 --yes`)
    const kills = [...stderr.matchAll(/(KILL MUTATION [^)]*?) on replica 1 of shard (\d)/g)]
    expect(kills.map(([, , shard]) => shard)).toEqual(['1', '2'])
    for (const [, statement, shard] of kills)
      await post(shard === '1' ? scene.first : scene.second, statement!)
    expect((await run(`up --tables ${TABLE}`)).code).toBe(0)
    expect((await run(`verify ${TABLE}`)).code).toBe(0)
  })
})
