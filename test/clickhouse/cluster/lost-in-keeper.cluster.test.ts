// Owns what `up` says where Keeper keeps the replica of a table that was dropped, or has lost the locks: what its hint says makes the next one work.
import { describe, expect, test } from 'vitest'
import { MISSING_CLUSTER } from '../../support/real-cluster.ts'
import { post, rowsOf } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { startSmallCluster } from '../../support/small-cluster.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const TABLE = 'block_slots_stat'

describe.skipIf(MISSING_CLUSTER)('a cluster of two replicas', () => {
  test('locks that Keeper has lost are made anew by what the hint says, and a table that was dropped without SYNC is waited for', async () => {
    const { cluster, first: node, places, addSources, run } = await startSmallCluster(5)
    await addSources(node)
    const up = () => run(node, `up --tables ${TABLE}`)
    expect((await up()).code).toBe(0)

    await cluster.loseInKeeper(`/keeper_map/backfill/${CLUSTER}/${places.ledger}_locks`)
    const redo = `redo ${TABLE} --from 1 --to 5 --yes`
    const lost = await run(node, redo)
    const [, typed] = /type (DROP DATABASE .* SYNC), and/.exec(lost.stderr) ?? []
    await post(node, typed ?? '')
    expect((await up()).code).toBe(0)
    expect((await run(node, redo)).code).toBe(0)

    const local = `${places.target}.int_${TABLE}_local`
    for (const name of [local, `${places.target}.int_${TABLE}`])
      await post(node, `DROP TABLE ${name} ON CLUSTER '${CLUSTER}'`)
    const refused = await up()
    expect(refused.code).toBe(1)
    expect(refused.stderr).not.toContain('type SYSTEM DROP REPLICA')
    const [, until] =
      new RegExp(`${local} was dropped without SYNC, .* until (.*) UTC: run`).exec(refused.stderr) ?? []
    expect(Math.abs(Date.parse(`${until}Z`) - Date.now() - 480_000)).toBeLessThan(120_000)
  })

  test('a table that was truncated on all nodes is built again after the statements of the hint', async () => {
    const { first: node, places, addSources, run } = await startSmallCluster(5)
    await addSources(node)
    const up = () => run(node, `up --tables ${TABLE}`)
    expect((await up()).code).toBe(0)
    const own = `${places.target}.int_${TABLE}`
    await post(node, `TRUNCATE TABLE ${own}_local ON CLUSTER '${CLUSTER}' SYNC`)
    const { stdout } = await run(node, `status --tables ${TABLE}`)
    const typed = stdout.match(/DROP TABLE [^;,]*/g)
    const drops = [own, `IF EXISTS ${own}_local`].map(
      (one) => `DROP TABLE ${one} ON CLUSTER '${CLUSTER}' SYNC`,
    )
    expect([...new Set(typed)]).toEqual(drops)
    for (const statement of drops) await post(node, statement)
    expect((await up()).code).toBe(0)
    expect(await rowsOf(node, `SELECT count() AS rows FROM ${own}`)).toEqual([{ rows: 5 }])
  })

  test('a ledger that Keeper has lost is made whole by what the hint says', async () => {
    const { cluster, first: node, second, places, addSources, run } = await startSmallCluster(9)
    await addSources(node)
    expect((await run(node, `up --tables ${TABLE} --to 5`)).code).toBe(0)
    const [kept] = await rowsOf<{ path: string }>(
      node,
      `SELECT zookeeper_path AS path FROM system.replicas WHERE database = '${places.ledger}' AND table = 'ledger'`,
    )
    await cluster.loseInKeeper(kept!.path)
    const { code, stderr } = await run(node, `up --tables ${TABLE} --give-up 1s`)
    expect({ code, stderr }).toEqual({
      code: 6,
      stderr: expect.stringMatching(
        /replica \d of shard 1 .* where \S+\.ledger is read-only: its metadata in Keeper is lost/,
      ),
    })
    const typed = [...stderr.matchAll(/SYSTEM (?:RESTART|RESTORE) REPLICA \S+\.ledger/g)].map(
      ([statement]) => statement,
    )
    expect(typed).toHaveLength(2)
    for (const one of [node, second]) for (const statement of typed) await post(one, statement)
    expect(await run(node, `up --tables ${TABLE}`)).toMatchObject({ code: 0 })
    expect(await run(node, `verify ${TABLE}`)).toMatchObject({ code: 0 })
  })

  test('right after Keeper has started again, when replicas are read-only for seconds, a run waits and ends well', async () => {
    const { cluster, first: node, addSources, run } = await startSmallCluster(9)
    await addSources(node)
    expect((await run(node, `up --tables ${TABLE} --to 5`)).code).toBe(0)
    await cluster.signal('zookeeper', 'KILL')
    const apart = 'SELECT count() AS n FROM system.replicas WHERE is_readonly AND is_session_expired'
    while ((await rowsOf<{ n: number }>(node, apart))[0]!.n === 0)
      await new Promise((resolve) => setTimeout(resolve, 200))
    await cluster.restart('zookeeper')
    expect(await run(node, `up --tables ${TABLE}`)).toMatchObject({ code: 0 })
    expect(await run(node, `verify ${TABLE}`)).toMatchObject({ code: 0 })
  })

  test('a node whose macros give the ledger another path in Keeper is named with both paths, and nothing is said to be restored', async () => {
    const { cluster, first: node, places, addSources, run } = await startSmallCluster(9)
    await addSources(node)
    expect((await run(node, `up --tables ${TABLE} --to 5`)).code).toBe(0)
    const restart = async (installation: string) => {
      await cluster.signal('s1r2', 'KILL')
      await cluster.restart('s1r2', { installation })
    }
    await restart('other')
    const { code, stderr } = await run(node, `up --tables ${TABLE} --give-up 1s`)
    const path = (installation: string) =>
      `/clickhouse/${installation}/${CLUSTER}/tables/backfill/${places.ledger}/`
    expect(code).toBe(6)
    expect(stderr).toMatch(
      /replica 2 of shard 1 .* has another path in Keeper, .*, than on replica 1 of shard 1/,
    )
    for (const one of ['main', 'other']) expect(stderr).toContain(path(one))
    expect(stderr).not.toContain('SYSTEM')
    await restart('main')
    expect((await run(node, `up --tables ${TABLE}`)).code).toBe(0)
  })

  test('`doctor` minds no locks before the first `up`; later nothing is written where a node has no table of them, and the node is named', async () => {
    const { first: node, second, places, addSources, run } = await startSmallCluster(9)
    await addSources(node)
    expect(await run(node, `status --tables ${TABLE}`)).toMatchObject({ code: 0, stderr: '' })
    expect((await run(node, 'doctor')).stdout).toMatch(/ok +locks-in-keeper .* there are no locks yet/)
    expect((await run(node, `up --tables ${TABLE} --to 5`)).code).toBe(0)
    await post(second, `DETACH TABLE ${places.ledger}_locks.locks`)
    const said = new RegExp(
      `replica 2 of shard 1 .* has no table of locks ${places.ledger}_locks\\.locks, and others have it`,
    )
    expect(await run(node, `up --tables ${TABLE}`)).toMatchObject({
      code: 6,
      stderr: expect.stringMatching(said),
    })
    expect((await run(node, 'doctor')).stdout).toMatch(said)
    await post(second, `ATTACH TABLE ${places.ledger}_locks.locks`)
    expect((await run(node, `up --tables ${TABLE}`)).code).toBe(0)
  })
})
