// Owns `--cluster` on a cluster with Keeper: tables, ledger and locks on all nodes, and either node, or a load balancer
// in front of all, is as good as the other. On loopback with one replica and with two; in containers by npm run test:servers.
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import type { Catalogue } from '../../../src/model/model.ts'
import { startBalancer } from '../../support/balancer.ts'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { startContainerCluster } from '../../support/container-cluster.ts'
import { edited } from '../../support/edited.ts'
import { loadExpected, loadRealSource, MISSING_REAL_DATA } from '../../support/real-data.ts'
import { MISSING_CLUSTER, startRealCluster } from '../../support/real-cluster.ts'
import { post, rowsOf, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { oddities } from '../../support/verifying.ts'
import { differences, openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../../support/workspace.ts'

const image = process.env['BACKFILL_TEST_IMAGE'] ?? ''
const missing = image === '' ? MISSING_CLUSTER : undefined
if (missing) console.warn(missing)

const TABLE = 'address_diffs'
const TARGET = `int_${TABLE}`

describe.skipIf(missing).each(image === '' ? [1, 2] : [1])(
  'a cluster with Keeper, replicas: %i',
  (replicas) => {
    let catalogue: Catalogue
    let cluster: { readonly nodes: readonly TestServer[]; stop(): Promise<void> }
    /** Of another shard, and another replica of it. */
    let first: TestServer
    let other: TestServer
    let source: string
    let expected: string
    let places: { readonly source: string; readonly target: string; readonly ledger: string }
    beforeAll(async () => {
      catalogue = await readCatalogue(SQL_FOLDER)
      cluster = image === '' ? await startRealCluster({ replicas }) : await startContainerCluster(image)
      first = cluster.nodes[0]!
      other = cluster.nodes.at(-1)!
      source = uniqueDatabase('source')
      // Sources of one node are read through that node, those of the cluster through any: each has its own.
      for (const node of cluster.nodes) {
        await createSourceTables(node, catalogue, source)
        await addBlocks(node, source, { from: 1, to: 60 })
      }
      const one = await openTestWorkspace({ server: first, source })
      await one.up()
      expected = one.target
      await one.close()
    })
    afterAll(() => cluster?.stop())
    beforeEach(() => {
      places = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
    })

    async function open(
      url = first.url,
      changes: Partial<Parameters<typeof openTestWorkspace>[0]> = {},
    ): Promise<TestWorkspace> {
      const server = { ...first, url }
      const workspace = await openTestWorkspace({ server, ...places, cluster: CLUSTER, ...changes })
      onTestFinished(() => workspace.close())
      return workspace
    }

    const run = (words: readonly string[], url = first.url) =>
      backfillHere([...words, '--lag', '0', '--cluster', CLUSTER], {
        env: environmentFor({ ...first, url }, places),
      })

    const targets = () => catalogue.tables.map(({ target }) => target)

    const expectExact = async (tables: readonly string[] = targets(), content = expected) =>
      expect(await differences(first, tables, { actual: places.target, expected: content })).toEqual([])

    test('`up` creates all tables on all nodes, fills them as one server would, and has nothing to do on another node', async () => {
      const workspace = await open()
      expect((await workspace.up({ chunk: 30 })).failed).toEqual([])
      await expectExact()
      expect(await oddities(workspace)).toEqual([])
      for (const node of cluster.nodes) {
        const [made] = await rowsOf(
          node,
          `SELECT countIf(database = {target:String} AND engine = 'Distributed') AS distributed,
          countIf(endsWith(engine, 'MergeTree')) AS kept, countIf(startsWith(engine, 'Replicated')) AS replicated, countIf(engine = 'KeeperMap') AS locks
          FROM system.tables WHERE database IN ({target:String}, {ledger:String}, {locks:String})`,
          { target: places.target, ledger: places.ledger, locks: `${places.ledger}_locks` },
        )
        expect(made).toEqual({ distributed: 11, kept: 17, replicated: 17, locks: 1 })
      }
      expect(await (await open(other.url)).up()).toMatchObject({ chunks: 0, rowsWritten: 0, failed: [] })
    })

    test('through a load balancer, in small chunks, tables are as on one server', async () => {
      const balancer = await startBalancer(cluster.nodes.map(({ url }) => url))
      onTestFinished(() => balancer.close())
      const keys = [TABLE, 'block_slots_stat', 'address_storage_slot_last_access']
      const workspace = await open(balancer.url, { tables: keys })
      expect((await workspace.up({ chunk: 11, jobs: 4, tableJobs: 2 })).failed).toEqual([])
      await expectExact(keys.map((key) => `int_${key}`))
      expect(await workspace.up()).toMatchObject({ chunks: 0, failed: [] })
    })

    test('a lock that one node gave is held on the other', async () => {
      const one = await open(undefined, { tables: [TABLE] })
      await one.up({ to: 1 })
      const lock = await one.workspace.ports.locks.acquire(TABLE, () => {})
      const { code, stderr } = await run(['up', '--tables', TABLE], other.url)
      expect(stderr).toContain(`${TABLE} is locked by process ${process.pid}`)
      expect(code).toBe(5)
      await lock.release()
      expect((await run(['up', '--tables', TABLE], other.url)).code).toBe(0)
    })

    test('`redo` deletes on all shards and builds again', async () => {
      await (await open(undefined, { tables: [TABLE] })).up()
      const before = await rowsOf(first, `SELECT count() AS rows FROM ${places.target}.${TARGET} FINAL`)
      await post(
        first,
        `INSERT INTO ${places.target}.${TARGET} (address, block_number) SETTINGS distributed_foreground_insert = 1
        SELECT concat('stray', toString(number)), 3 FROM numbers(10)`,
      )
      const { code, stderr } = await run(['redo', TABLE, '--from', '3', '--to', '20', '--cascade', '--yes'])
      expect(stderr).not.toContain('failed')
      expect(code).toBe(0)
      // Also that blocks which were there before are not left out as duplicates.
      await expectExact([TARGET])
      expect(await rowsOf(first, `SELECT count() AS rows FROM ${places.target}.${TARGET} FINAL`)).toEqual(
        before,
      )
    })

    test('half-written blocks of other SQL are deleted on all shards', async () => {
      const workspace = await open(undefined, { tables: [TABLE] })
      await workspace.up()
      const { locks, ledger, target } = workspace.workspace.ports
      const lock = await locks.acquire(TABLE, () => {})
      const { uuid } = (await target.tables([TARGET])).get(TARGET)!
      const range = { from: 3, to: 4 }
      const started = {
        event: 'started',
        range,
        targetUuid: uuid,
        runId: 'dead',
        queryId: 'dead',
      } as const
      await ledger.append(lock, { ...started, sqlHash: 'other SQL' })
      await lock.release()
      expect((await workspace.up()).failed).toEqual([])
      expect(JSON.stringify(workspace.events)).toContain('has deleted the half-written blocks 3-4')
      await expectExact([TARGET])
    })

    test('a table that was dropped on all shards is built again', async () => {
      const workspace = await open(undefined, { tables: [TABLE] })
      await workspace.up()
      await post(other, `DROP TABLE ${places.target}.${TARGET}_local ON CLUSTER '{cluster}' SYNC`)
      await post(other, `DROP TABLE ${places.target}.${TARGET} ON CLUSTER '{cluster}' SYNC`)
      const summary = await workspace.up()
      expect(summary.failed).toEqual([])
      expect(summary.chunks).toBeGreaterThan(0)
      await expectExact([TARGET])
    })

    test('a table that was built in another database takes its coverage along when the Distributed tables are exchanged', async () => {
      const { text } = catalogue.tables.find(({ key }) => key === TABLE)!.transform
      const wrong = edited(catalogue, TABLE, { sql: text.replace('max(tx)', 'min(tx)') })
      await (await open(undefined, { catalogue: wrong, tables: [TABLE] })).up()
      const next = await open(undefined, { target: uniqueDatabase('next'), tables: [TABLE] })
      expect((await next.up()).failed).toEqual([])
      const tables = `${places.target}.${TARGET} AND ${next.target}.${TARGET}`
      await post(other, `EXCHANGE TABLES ${tables} ON CLUSTER '{cluster}'`)
      await expectExact([TARGET])
      for (const { url } of [first, other]) {
        const { code, stdout } = await run(['status', '--tables', TABLE, '--check'], url)
        expect(stdout).toContain('100.0 %')
        expect(code).toBe(0)
        expect((await run(['up', '--tables', TABLE], url)).stdout).not.toContain('done')
      }
      expect(await (await open(undefined, { tables: [TABLE] })).up()).toMatchObject({ chunks: 0, failed: [] })
    })

    test('a statement that runs on another node is killed', async () => {
      const queryId = uniqueDatabase('query')
      const running = fetch(`${other.url}/?query_id=${queryId}`, {
        method: 'POST',
        body: 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 0',
        headers: { 'X-ClickHouse-User': other.username, 'X-ClickHouse-Key': other.password },
      }).then((response) => response.text())
      while (
        (await rowsOf(other, 'SELECT 1 FROM system.processes WHERE query_id = {queryId:String}', { queryId }))
          .length === 0
      );
      await (await open()).workspace.ports.queries.end([queryId])
      expect(await running).toContain('QUERY_WAS_CANCELLED')
    })

    test('a table that other SQL has built is stale, and exact after `redo --stale`', async () => {
      const { text } = catalogue.tables.find(({ key }) => key === TABLE)!.transform
      const wrong = edited(catalogue, TABLE, { sql: text.replace('max(tx)', 'min(tx)') })
      await (await open(undefined, { catalogue: wrong, tables: [TABLE] })).up()
      expect((await run(['redo', TABLE, '--stale', '--yes'], other.url)).code).toBe(0)
      await expectExact([TARGET])
    })

    const isLargest = image !== '' || replicas === 2
    test.skipIf(MISSING_REAL_DATA ?? !isLargest)('real blocks are exact in Replicated tables', async () => {
      const [real, content] = [uniqueDatabase('real'), uniqueDatabase('expected')]
      await loadRealSource(first, catalogue, real)
      await loadExpected(first, catalogue, content)
      const workspace = await open(undefined, { source: real })
      expect((await workspace.up({ chunk: 3 })).failed).toEqual([])
      await expectExact(targets(), content)
    })
  },
)
