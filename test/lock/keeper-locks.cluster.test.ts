// Owns locks and fences in Keeper: rows of a KeeperMap table, which all nodes of a cluster see.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openExecutor } from '../../src/runner/executor.ts'
import { lockName } from '../../src/lock/fence.ts'
import { commentLiteral } from '../../src/lock/comment.ts'
import { type Names, type Server, serverAs } from '../../src/clickhouse/server.ts'
import { namesFor } from '../../src/clickhouse/connection.ts'
import { openDeletions } from '../../src/targets/delete-ranges.ts'
import { openTarget } from '../../src/targets/target.ts'
import { findNetwork } from '../../src/project/sql-folder.ts'
import { catalogue, connect } from '../support/clickhouse.ts'
import { appendUnder, KEY, locked, NETWORK, openRunner, silent } from '../support/locks.ts'
import { MISSING_CLUSTER, type RealCluster, startRealCluster } from '../support/real-cluster.ts'
import { post, rowsOf, type TestServer, uniqueDatabase } from '../support/server.ts'
import { recordSleeps } from '../support/sleeps.ts'
import { CLUSTER } from '../support/shards.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const table = () => catalogue.tables.find(({ key }) => key === KEY)!

describe.skipIf(MISSING_CLUSTER)('locks in Keeper', () => {
  let cluster: RealCluster
  let node1: TestServer
  let node2: TestServer
  /** Each as a node of the cluster. */
  let nodes: readonly Server[]
  beforeAll(async () => {
    cluster = await startRealCluster()
    ;[node1, node2] = cluster.nodes as [TestServer, TestServer]
    const places = ['one', 'two']
    const joined = {
      name: CLUSTER,
      nodes: [1, 2],
      places,
      slots: [1, 2],
      unreachable: [],
      names: { ledger: 'ledger', locks: 'locks' },
      keeper: true,
      balanced: true,
    }
    nodes = (await Promise.all(cluster.nodes.map(connect))).map((server) => ({ ...server, cluster: joined }))
  })
  afterAll(async () => {
    await Promise.all((nodes ?? []).map((node) => node.close()))
    await cluster?.stop()
  })

  /** A ledger on both nodes, and locks for both. */
  async function createNames(): Promise<Names> {
    const names = { ...namesFor(uniqueDatabase('ledger')), inKeeper: true }
    await openTarget({ server: nodes[0]!, names }).prepare(catalogue.clusterLedger)
    return names
  }

  /** The tables of a database on all nodes, as a run creates them. */
  async function createTarget(target: string): Promise<Server> {
    const server = serverAs(nodes[0]!, { ...nodes[0]!.connection, database: target })
    const port = openTarget({ server, names: namesFor(uniqueDatabase('ledger')) })
    await port.prepare([])
    await port.create(table())
    return server
  }

  const lockRows = async (names: Names) =>
    (await rowsOf<{ name: string }>(node2, `SELECT name FROM ${names.locks}.locks ORDER BY name`)).map(
      ({ name }) => name,
    )

  test('of 20 takers on two nodes one wins, and both nodes see its lock', async () => {
    const names = await createNames()
    const runners = await Promise.all(
      Array.from({ length: 20 }, (_, index) => openRunner(nodes[index % 2]!, names)),
    )
    const takings = await Promise.allSettled(runners.map(({ locks }) => locks.acquire(KEY, silent)))
    const won = takings.flatMap((taking) => (taking.status === 'fulfilled' ? [taking.value] : []))
    expect(won).toHaveLength(1)
    expect(
      takings
        .filter(({ status }) => status === 'rejected')
        .map((one) => (one as PromiseRejectedResult).reason),
    ).toEqual(Array.from({ length: 19 }, () => expect.objectContaining(locked)))
    expect(await lockRows(names)).toEqual([won[0]!.name])
    await won[0]!.release()
  })

  test('a released lock is taken at once, each epoch is one higher, and lower ones are dropped', async () => {
    const names = await createNames()
    const { locks } = await openRunner(nodes[0]!, names)
    for (const epoch of [1, 2, 3]) {
      const lock = await locks.acquire(KEY, silent)
      expect(lock.epoch).toBe(epoch)
      expect(await lockRows(names)).toEqual([lockName({ network: NETWORK, key: KEY, epoch })])
      await lock.release()
    }
  })

  test('a held lock says that it lives, to every node, and is refused', async () => {
    const names = await createNames()
    const held = await (await openRunner(nodes[0]!, names)).locks.acquire(KEY, silent)
    const read = () => rowsOf<{ comment: string }>(node2, `SELECT comment FROM ${names.locks}.locks`)
    const before = await read()
    await sleep(6_000)
    expect(await read()).not.toEqual(before)
    const other = await openRunner(nodes[1]!, names)
    await expect(other.locks.acquire(KEY, silent)).rejects.toMatchObject(locked)
    expect((await other.locks.holders()).get(KEY)).toMatchObject({ released: false }) // as doctor looks
    await held.release()
    expect((await read())[0]!.comment).toContain('"released":true')
  })

  test('whoever has lost the lock can write no event on any node', async () => {
    const names = await createNames()
    const { locks } = await openRunner(nodes[0]!, names)
    const old = await locks.acquire(KEY, silent)
    const oldName = { name: old.name }
    await appendUnder(nodes[0]!, names, oldName)
    const taken = await locks.takeOver(KEY)
    expect(taken?.name).toBe(oldName.name)
    for (const node of nodes) await expect(appendUnder(node, names, oldName)).rejects.toMatchObject(locked)
    await old.release()
  })

  test('nobody takes a lock of which a node, whose locks are elsewhere in Keeper, has another row of the same name', async () => {
    const names = await createNames()
    const locks = `${names.locks}.locks`
    const [made] = await rowsOf<{ text: string }>(
      node2,
      `SELECT create_table_query AS text FROM system.tables WHERE database = '${names.locks}' AND name = 'locks'`,
    )
    await post(node2, `DETACH TABLE ${locks} PERMANENTLY`)
    await post(node2, `RENAME DATABASE ${names.locks} TO ${names.locks}_old`)
    await post(node2, `CREATE DATABASE ${names.locks}`)
    await post(node2, made!.text.replace(/KeeperMap\('/, "KeeperMap('/elsewhere"))
    const name = lockName({ network: NETWORK, key: KEY, epoch: 1 })
    await post(node2, `INSERT INTO ${locks} VALUES ('${name}', 'of another runner')`)
    const { locks: taking } = await openRunner(nodes[0]!, names)
    recordSleeps(30) // a minute is two seconds
    await expect(taking.acquire(KEY, silent)).rejects.toMatchObject({
      message: expect.stringContaining('1 of 2 nodes see the new lock'),
      hint: expect.stringContaining('<keeper_map_path_prefix>'),
    })
  })

  test('other networks and other tables are other locks', async () => {
    const names = await createNames()
    const one = await openRunner(nodes[0]!, names)
    const other = await openRunner(nodes[0]!, names, { network: 'sepolia' })
    const [first, second] = [await one.locks.acquire(KEY, silent), await other.locks.acquire(KEY, silent)]
    const third = await one.locks.acquire('address_reads', silent)
    await appendUnder(nodes[0]!, names, first)
    await Promise.all([first, second, third].map((lock) => lock.release()))
  })

  test('a comment can be anything that a host is called', async () => {
    const names = await createNames()
    const name = lockName({ network: NETWORK, key: KEY, epoch: 4 })
    const comment = {
      host: "o'host",
      pid: 1,
      pidNamespace: '',
      since: '',
      heartbeat: '',
      beats: 0,
      released: true,
    }
    await post(node1, `INSERT INTO ${names.locks}.locks SELECT '${name}', ${commentLiteral(comment)}`)
    const { locks } = await openRunner(nodes[0]!, names)
    expect((await locks.holders()).get(KEY)).toMatchObject({ host: 'o?host', released: true, epoch: 4 })
    const lock = await locks.acquire(KEY, silent)
    expect(lock.epoch).toBe(5)
    await lock.release()
  })

  test('an INSERT over all shards runs under a lock in Keeper, and not when it is lost', async () => {
    const names = await createNames()
    const [source, target] = [uniqueDatabase('source'), uniqueDatabase('target')]
    await createSourceTables(node1, catalogue, source)
    await addBlocks(node1, source, { from: 1, to: 20 })
    const node = await createTarget(target)
    const executor = openExecutor({
      source: { ...node, connection: { ...node.connection, side: 'source', database: source } },
      target: node,
      names,
      network: findNetwork(catalogue, NETWORK),
      compression: 'lz4',
    })
    const { locks } = await openRunner(node, names)
    const lock = await locks.acquire(KEY, silent)
    const job = () => ({
      table: table(),
      range: { from: 1, to: 20 },
      targetUuid: '',
      queryId: randomUUID(),
      lock,
      progress: true,
    })
    const { rowsWritten } = await executor.insert(job())
    expect(rowsWritten).toBeGreaterThan(0)
    await locks.takeOver(KEY)
    await expect(executor.insert(job())).rejects.toMatchObject(locked)
    const [{ rows } = { rows: 0 }] = await rowsOf<{ rows: number }>(
      node2,
      `SELECT count() AS rows FROM ${target}.${table().target}`,
    )
    expect(rows).toBe(rowsWritten)
    await lock.release()
  })

  test('rows are deleted on the shards by blocks and a fence that are written out, and not when the lock is lost', async () => {
    const names = await createNames()
    const target = uniqueDatabase('target')
    const server = await createTarget(target)
    await post(
      node1,
      `INSERT INTO ${target}.int_${KEY} (address, block_number) SELECT toString(number), number FROM numbers(100) SETTINGS distributed_foreground_insert = 1`,
    )
    const { locks } = await openRunner(server, names)
    const lock = await locks.acquire(KEY, silent)
    const ranges = [
      { from: 10, to: 19 },
      { from: 50, to: 50 },
    ]
    const deletions = openDeletions(server, names)
    const retryPolicy = { giveUpMs: 0, signal: new AbortController().signal }
    const job = { table: table(), ranges, targetUuid: '', lock, asked: false, retryPolicy }
    await deletions.clean(job)
    const [left] = await rowsOf<{ left: number; between: number }>(
      node1,
      `SELECT count() AS left, countIf(block_number BETWEEN 10 AND 19 OR block_number = 50) AS between FROM ${target}.int_${KEY}`,
    )
    expect(left).toEqual({ left: 89, between: 0 })
    await locks.takeOver(KEY)
    await expect(deletions.clean({ ...job, ranges: [{ from: 0, to: 9 }] })).rejects.toMatchObject(locked)
    await lock.release()
  })
})
