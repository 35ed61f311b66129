// Owns locks and fences in Keeper: rows of a KeeperMap table, which all nodes of a cluster see.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openExecutor } from '../../src/runner/executor.ts'
import { lockName } from '../../src/lock/lock-name.ts'
import { commentLiteral } from '../../src/lock/comment.ts'
import type { Names } from '../../src/clickhouse/own-databases.ts'
import type { Server } from '../../src/clickhouse/server.ts'
import { deletionOnShards } from '../../src/targets/delete-ranges.ts'
import { openTarget } from '../../src/targets/target.ts'
import { findNetwork } from '../../src/project/sql-folder.ts'
import { catalogue, connect, createLedger } from '../support/clickhouse.ts'
import { appendUnder, KEY, locked, NETWORK, openRunner, silent } from '../support/locks.ts'
import { post, rowsOf, uniqueDatabase } from '../support/server.ts'
import {
  CLUSTER,
  everywhere,
  shardTargets,
  type Shards,
  startShards,
  withoutKeeper,
} from '../support/shards.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { MISSING_ZOOKEEPER, startZookeeper, type Zookeeper } from '../support/zookeeper.ts'

if (MISSING_ZOOKEEPER) console.warn(MISSING_ZOOKEEPER)

describe.skipIf(MISSING_ZOOKEEPER)('locks in Keeper', () => {
  let zookeeper: Zookeeper
  let shards: Shards
  /** Each as a node of the cluster. */
  let nodes: readonly Server[]
  beforeAll(async () => {
    zookeeper = await startZookeeper()
    shards = await startShards(
      (shard) => `<zookeeper>
        <node><host>127.0.0.1</host><port>${zookeeper.port}</port></node>
        <sessions_path>/sessions/${shard}</sessions_path>
      </zookeeper>
      <keeper_map_path_prefix>/keeper_map</keeper_map_path_prefix>`,
    )
    const cluster = { name: CLUSTER, nodes: [1, 2], keeper: true, balanced: true }
    nodes = (await Promise.all(shards.map(connect))).map((server) => ({ ...server, cluster }))
  })
  afterAll(async () => {
    await Promise.all((nodes ?? []).map((node) => node.close()))
    await Promise.all((shards ?? []).map((server) => server.stop()))
    await zookeeper?.stop()
  })

  /** A ledger on each node, since Replicated tables are not to be had here, and locks for both. */
  async function createNames(): Promise<Names> {
    const [first, second] = nodes.map((node) => ({ ...node, cluster: undefined }))
    const names = await createLedger(first!)
    await openTarget({ server: second!, names }).prepare(catalogue.ledger)
    const ddl = catalogue.clusterLedger.find(({ text }) => text.includes('KeeperMap'))!
    await everywhere(shards, withoutKeeper(ddl.text), {
      locks: names.locks,
      keeper_path: `/backfill/${CLUSTER}/${names.locks}`,
    })
    return { ...names, inKeeper: true }
  }

  const lockRows = async (names: Names) =>
    (await rowsOf<{ name: string }>(shards[1], `SELECT name FROM ${names.locks}.locks ORDER BY name`)).map(
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
    const read = () => rowsOf<{ comment: string }>(shards[1], `SELECT comment FROM ${names.locks}.locks`)
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
    await post(shards[0], `INSERT INTO ${names.locks}.locks SELECT '${name}', ${commentLiteral(comment)}`)
    const { locks } = await openRunner(nodes[0]!, names)
    expect((await locks.holders()).get(KEY)).toMatchObject({ host: 'o?host', released: true, epoch: 4 })
    const lock = await locks.acquire(KEY, silent)
    expect(lock.epoch).toBe(5)
    await lock.release()
  })

  test('an INSERT over all shards runs under a lock in Keeper, and not when it is lost', async () => {
    const names = await createNames()
    const [source, target] = [uniqueDatabase('source'), uniqueDatabase('target')]
    await createSourceTables(shards[0], catalogue, source)
    await addBlocks(shards[0], source, { from: 1, to: 20 })
    await shardTargets(shards, catalogue, target)
    const node = nodes[0]!
    const executor = openExecutor({
      source: { ...node, connection: { ...node.connection, side: 'source', database: source } },
      target: { ...node, connection: { ...node.connection, database: target } },
      names,
      network: findNetwork(catalogue, NETWORK),
      compression: 'lz4',
    })
    const { locks } = await openRunner(node, names)
    const lock = await locks.acquire(KEY, silent)
    const table = catalogue.tables.find(({ key }) => key === KEY)!
    const job = () => ({ table, range: { from: 1, to: 20 }, queryId: randomUUID(), lock, progress: true })
    const { rowsWritten } = await executor.insert(job())
    expect(rowsWritten).toBeGreaterThan(0)
    await locks.takeOver(KEY)
    await expect(executor.insert(job())).rejects.toMatchObject(locked)
    const [{ rows } = { rows: 0 }] = await rowsOf<{ rows: number }>(
      shards[1],
      `SELECT count() AS rows FROM ${target}.${table.target}`,
    )
    expect(rows).toBe(rowsWritten)
    await lock.release()
  })

  test('rows are deleted on the shards by blocks and a fence that are written out, and not when the lock is lost', async () => {
    const names = await createNames()
    const target = uniqueDatabase('target')
    await shardTargets(shards, catalogue, target)
    await post(
      shards[0],
      `INSERT INTO ${target}.int_${KEY} (address, block_number) SELECT toString(number), number FROM numbers(100) SETTINGS distributed_foreground_insert = 1`,
    )
    const server = { ...nodes[0]!, connection: { ...nodes[0]!.connection, database: target } }
    const table = catalogue.tables.find(({ key }) => key === KEY)!
    const { locks } = await openRunner(server, names)
    const lock = await locks.acquire(KEY, silent)
    const ranges = [
      { from: 10, to: 19 },
      { from: 50, to: 50 },
    ]
    const job = { table, ranges, lock, asked: false }
    const { query } = await deletionOnShards(server, names, job)
    expect(query).toContain(`DELETE FROM \`${target}\`.\`int_${KEY}_local\` ON CLUSTER '{cluster}' WHERE`)
    await everywhere(shards, withoutKeeper(query))
    const [left] = await rowsOf<{ left: number; between: number }>(
      shards[0],
      `SELECT count() AS left, countIf(block_number BETWEEN 10 AND 19 OR block_number = 50) AS between FROM ${target}.int_${KEY}`,
    )
    expect(left).toEqual({ left: 89, between: 0 })
    const more = await deletionOnShards(server, names, { ...job, ranges: [{ from: 0, to: 9 }] })
    await locks.takeOver(KEY)
    await expect(everywhere(shards, withoutKeeper(more.query))).rejects.toThrow('lock lost')
    await lock.release()
  })

  test('every statement for a cluster is understood with ON CLUSTER, and makes its table without', async () => {
    const [target, ledger, locks] = ['target', 'ledger', 'locks'].map(uniqueDatabase) as [
      string,
      string,
      string,
    ]
    const params = { target, ledger, locks, keeper_path: `/backfill/${locks}` }
    await post(shards[0], 'CREATE DATABASE {target:Identifier}', params)
    const statements = [
      ...catalogue.clusterLedger,
      ...catalogue.tables.flatMap(({ clusterDdl }) => clusterDdl),
    ]
    for (const { text } of statements) {
      expect(text).toContain(" ON CLUSTER '{cluster}'")
      // As far as it goes where servers have Keeper, but no queue.
      await expect(post(shards[0], text, params)).rejects.toThrow('Replicated DDL queries are disabled')
      await post(shards[0], text.replace(" ON CLUSTER '{cluster}'", ''), params)
    }
    const [made] = await rowsOf(
      shards[0],
      `SELECT countIf(startsWith(engine, 'Replicated')) AS replicated, countIf(engine = 'Distributed') AS distributed, countIf(engine = 'KeeperMap') AS locks
        FROM system.tables WHERE database IN ({target:String}, {ledger:String}, {locks:String})`,
      params,
    )
    expect(made).toEqual({ replicated: 15, distributed: 11, locks: 1 })
  })
})
