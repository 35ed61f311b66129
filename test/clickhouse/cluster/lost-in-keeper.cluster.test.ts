// Owns what `up` says where Keeper keeps the replica of a table that was dropped, or has lost the locks: what its hint says makes the next one work.
import { describe, expect, test } from 'vitest'
import { MISSING_CLUSTER } from '../../support/real-cluster.ts'
import { post } from '../../support/server.ts'
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
})
