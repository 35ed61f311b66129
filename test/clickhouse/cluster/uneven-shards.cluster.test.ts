// Owns the refusal to write where a shard has more replicas than another, a server is in no list, or a profile keeps a quorum: an INSERT would count before all have its rows.
import { describe, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { doctor } from '../../support/doctor.ts'
import { MISSING_CLUSTER, startRealCluster } from '../../support/real-cluster.ts'
import { post, rowsOf, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { addBlocks, createSourceTables, SLOT_SOURCES } from '../../support/small-chain.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const TABLE = 'block_slots_stat'

async function scene(node: TestServer) {
  const places = {
    source: uniqueDatabase('source'),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  await createSourceTables(node, await readCatalogue(SQL_FOLDER), places.source, SLOT_SOURCES)
  await addBlocks(node, places.source, { from: 1, to: 20, tables: SLOT_SOURCES })
  return { places, env: { ...environmentFor(node, places), BACKFILL_CLUSTER: CLUSTER, BACKFILL_LAG: '0' } }
}

describe.skipIf(MISSING_CLUSTER)('lists of unequal shards, or without some servers', () => {
  test('nothing is written, `doctor` says why, and `status` answers', async () => {
    const cluster = await startRealCluster({ replicas: 2, isUneven: true })
    onTestFinished(() => cluster.stop())
    const node = cluster.nodes[0] as TestServer
    const { env } = await scene(node)
    const said = `shard 1 of the cluster '${CLUSTER}' has 2 replicas, and shard 2 has 1`
    for (const words of ['up', 'create-tables'])
      expect(await backfillHere([words, '--tables', TABLE], { env })).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(said),
      })
    expect(await backfillHere(['status', '--tables', TABLE], { env })).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect((await doctor(env, ['--tables', TABLE])).of('nodes')).toMatchObject([
      {
        status: 'fail',
        finding: '2 shards, 3 nodes, with 1 to 2 replicas a shard',
      },
    ])
  })

  test('nor where a server with the ledger is in no list: it would count for a write in the place of one that is', async () => {
    const cluster = await startRealCluster({ shards: 1, replicas: 2, isUneven: true })
    onTestFinished(() => cluster.stop())
    const [node, stranger] = cluster.nodes as [TestServer, TestServer]
    const { env, places } = await scene(node)
    const up = (...words: string[]) => backfillHere(['up', '--tables', TABLE, ...words], { env })
    expect(await up('--to', '10')).toMatchObject({ code: 0 })
    const [made] = await rowsOf<{ text: string }>(
      node,
      `SELECT create_table_query AS text FROM system.tables WHERE database = '${places.ledger}' AND name = 'ledger'`,
    )
    await post(stranger, `CREATE DATABASE ${places.ledger}`)
    await post(stranger, made!.text)
    const said = `2 servers have ${places.ledger}.ledger, and the cluster '${CLUSTER}' lists 1`
    expect(await up()).toMatchObject({ code: 6, stderr: expect.stringContaining(said) })
    expect(await backfillHere(['status', '--tables', TABLE], { env })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(said),
    })
    await cluster.signal('s1r2', 'KILL')
    await expect.poll(async () => (await up()).code, { timeout: 60_000 }).toBe(0)
  })

  test('nor where such a server has only the local tables of a target, of which the listed replicas are several', async () => {
    const cluster = await startRealCluster({ shards: 1, replicas: 3, isUneven: true })
    onTestFinished(() => cluster.stop())
    const [node, , stranger] = cluster.nodes as [TestServer, TestServer, TestServer]
    const { env, places } = await scene(node)
    const up = (...words: string[]) => backfillHere(['up', '--tables', TABLE, ...words], { env })
    expect(await up('--to', '10')).toMatchObject({ code: 0 })
    const local = `${places.target}.int_${TABLE}_local`
    const [made] = await rowsOf<{ text: string }>(
      node,
      `SELECT create_table_query AS text FROM system.tables WHERE concat(database, '.', name) = '${local}'`,
    )
    await post(stranger, `CREATE DATABASE ${places.target}`)
    await post(stranger, made!.text)
    const refused = await up()
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('3 active replicas in shard 1, of which the cluster lists 2'),
    })
    const [, typed] = /type (DROP TABLE .* SYNC) on it/.exec(refused.stderr) ?? []
    await post(stranger, typed!)
    await expect.poll(async () => (await up()).code, { timeout: 30_000 }).toBe(0)
  })

  test('nor where a profile, of whichever node, keeps another quorum: an INSERT would count before all replicas have its rows', async () => {
    const cluster = await startRealCluster({ shards: 1, replicas: 2 })
    onTestFinished(() => cluster.stop())
    const [node, second] = cluster.nodes as [TestServer, TestServer]
    const { env, places } = await scene(node)
    const up = (to: number, at = env) =>
      backfillHere(['up', '--tables', TABLE, '--to', String(to)], { env: at })
    expect(await up(5)).toMatchObject({ code: 0 })
    await cluster.signal('s1r2', 'KILL')
    await cluster.restart('s1r2', {
      settings: '<constraints><insert_quorum><max>1</max></insert_quorum></constraints>',
    })
    const kept = 'keeps insert_quorum = 1, in place of the 2 that is sent'
    expect(await up(10)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(`on replica 2 of shard 1 .* ${kept}`),
    })
    expect(await backfillHere(['status', '--tables', TABLE], { env })).toMatchObject({ code: 0 })
    const { of } = await doctor(env, ['--tables', TABLE])
    expect(of('cluster')).toMatchObject([{ status: 'fail', finding: expect.stringContaining(kept) }])
    const there = { ...env, ...environmentFor(second, places) }
    expect(await up(10, there)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('keeps another insert_quorum, in place of the 2 that is sent'),
    })
    await cluster.signal('s1r2', 'KILL')
    await cluster.restart('s1r2', {})
    expect(await up(10)).toMatchObject({ code: 0 })
  })
})
