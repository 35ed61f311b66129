// Owns what happens on a cluster of two shards with two replicas each when nodes or Keeper are unreachable, or stand still.
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import type { Catalogue } from '../../../src/model/model.ts'
import { backfill, backfillHere, environmentFor, startBackfill } from '../../support/cli.ts'
import { doctor } from '../../support/doctor.ts'
import { outcome } from '../../support/processes.ts'
import { MISSING_CLUSTER, type RealCluster, startRealCluster } from '../../support/real-cluster.ts'
import { post, rowsOf, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { differences, openTestWorkspace, SQL_FOLDER } from '../../support/workspace.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const TABLE = 'address_diffs'
const TARGET = `int_${TABLE}`
/** The node that is killed, and what people read of it. */
const AWAY = 's2r2'
/** The only other node of its shard. */
const OTHER_AWAY = 's2r1'
const PLACE = /replica 2 of shard 2 \(127\.0\.0\.1:\d+\)/

const up = (...words: readonly string[]) => ['up', '--tables', TABLE, ...words]

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 100))
}

describe.skipIf(MISSING_CLUSTER)('a cluster with Keeper, of two shards with two replicas', () => {
  let catalogue: Catalogue
  let cluster: RealCluster
  let node: TestServer
  let source: string
  let expected: string
  let places: { readonly source: string; readonly target: string; readonly ledger: string }
  beforeAll(async () => {
    catalogue = await readCatalogue(SQL_FOLDER)
    cluster = await startRealCluster({ replicas: 2 })
    node = cluster.nodes[0]!
    source = uniqueDatabase('source')
    await createSourceTables(node, catalogue, source)
    await addBlocks(node, source, { from: 1, to: 60 })
    const one = await openTestWorkspace({ server: node, source })
    await one.up()
    expected = one.target
    await one.close()
  })
  afterAll(() => cluster?.stop())
  beforeEach(() => {
    places = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  })

  const env = () => ({ ...environmentFor(node, places), BACKFILL_CLUSTER: CLUSTER, BACKFILL_LAG: '0' })
  const run = (...words: readonly string[]) => backfillHere(words, { env: env() })

  /** Every replica by itself has the rows of one server. */
  async function expectExact(tables: readonly string[] = [TARGET]): Promise<void> {
    expect(await differences(node, tables, { actual: places.target, expected })).toEqual([])
    const rows = `SELECT count() AS rows, sum(cityHash64(*)) AS hash FROM ${places.target}.${TARGET}_local FINAL`
    const each = await Promise.all(
      cluster.nodes.map(async (one) => {
        await post(one, `SYSTEM SYNC REPLICA ${places.target}.${TARGET}_local`)
        return (await rowsOf(one, rows))[0]
      }),
    )
    expect(each[1]).toEqual(each[0])
    expect(each[3]).toEqual(each[2])
  }

  test('`redo` holds up no statement ON CLUSTER, though a replica does not delete and dies meanwhile', async () => {
    expect((await run(...up())).code).toBe(0)
    const local = `${places.target}.${TARGET}_local`
    await post(cluster.nodes[3]!, `SYSTEM STOP MERGES ${local}`)
    const redone = outcome(
      startBackfill(['redo', TABLE, '--from', '3', '--to', '20', '--yes'], { env: env() }),
    )
    const mutations = async (at: TestServer) =>
      (await rowsOf(at, 'SELECT 1 FROM system.mutations WHERE database = {target:String}', places)).length
    await until(
      async () => (await mutations(cluster.nodes[0]!)) > 0 && (await mutations(cluster.nodes[3]!)) > 0,
    )
    await cluster.signal(AWAY, 'KILL')
    const other = uniqueDatabase('other')
    const queued = `CREATE DATABASE ${other} ON CLUSTER '{cluster}' SETTINGS distributed_ddl_task_timeout = 0`
    await post(node, queued)
    for (const alive of cluster.nodes.slice(0, 3))
      await until(
        async () =>
          (await rowsOf(alive, `SELECT 1 FROM system.databases WHERE name = '${other}'`)).length > 0,
      )
    await cluster.restart(AWAY) // it merges again
    const { code, stderr } = await redone
    expect(stderr).not.toMatch(/failed|stopped/)
    expect(code).toBe(0)
    await expectExact()
  })

  test('without a node nothing is written, what is read comes from the others, and both name it; without a whole shard nothing is read', async () => {
    expect((await run(...up('--to', '20'))).code).toBe(0)
    await cluster.signal(AWAY, 'KILL')
    onTestFinished(() => cluster.restart(AWAY))
    for (const words of [up(), ['rebuild', TABLE], ['pause'], ['resume', '--tables', TABLE]]) {
      const refused = await run(...words)
      expect(refused.stderr, words[0]).toMatch(
        new RegExp(`${PLACE.source} of the cluster of .* is unreachable, and every write`),
      )
      expect(refused.stderr).not.toContain('_URL')
      expect(refused.code).toBe(6)
    }
    for (const words of [
      ['log'],
      ['status', '--tables', TABLE],
      ['plan', '--tables', TABLE],
      ['verify', TABLE],
    ]) {
      const { code, stderr, stdout } = await run(...words)
      expect(stderr, words[0]).toMatch(new RegExp(`warning: ${PLACE.source} of the cluster is unreachable`))
      expect(stdout, words[0]).toContain(TABLE)
      expect(code, words[0]).toBe(0)
    }
    // Of the local tables of half a cluster nobody can tell whether the table is the one of the ledger.
    await cluster.signal(OTHER_AWAY, 'KILL')
    onTestFinished(() => cluster.restart(OTHER_AWAY))
    for (const words of [['status'], ['verify', TABLE]]) {
      const { code, stderr } = await run(...words)
      expect(stderr, words[0]).toContain('no node of shard 2 of the cluster')
      expect(code, words[0]).toBe(6)
    }
  })

  test('a node that stands still holds up neither `doctor`, which names it once, nor a rebuild, which is refused', async () => {
    expect((await run(...up('--to', '20'))).code).toBe(0)
    await cluster.signal(AWAY, 'STOP')
    onTestFinished(() => cluster.signal(AWAY, 'CONT'))
    const began = new Date().toISOString()
    const { unwell, said } = await doctor(env(), ['--tables', TABLE])
    expect(unwell).toEqual([`fail nodes ${CLUSTER}`])
    expect(said('nodes')).toMatch(new RegExp(`of which 3 answer; not ${PLACE.source};`))
    // One question that does not leave it out waits for half a minute.
    await post(node, 'SYSTEM FLUSH LOGS')
    const waiting = `SELECT DISTINCT query FROM system.query_log WHERE is_initial_query AND query ILIKE '%clusterAllReplicas(%'
      AND Settings['skip_unavailable_shards'] != '1' AND query_start_time_microseconds >= parseDateTime64BestEffort({began:String}, 3)`
    expect(await rowsOf(node, waiting, { began })).toEqual([])
    expect(await run('rebuild', TABLE)).toMatchObject({ code: 6, stderr: expect.stringMatching(PLACE) })
  })

  test('of a shard that stands still `doctor` and `status` name all nodes, though the server had connections to them', async () => {
    expect((await run(...up('--to', '20'))).code).toBe(0)
    for (const name of [AWAY, OTHER_AWAY]) {
      await cluster.signal(name, 'STOP')
      onTestFinished(() => cluster.signal(name, 'CONT'))
    }
    const { code, stderr } = await run('status', '--tables', TABLE)
    expect(stderr).toMatch(/warning: replica 1 of shard 2 .*\nwarning: replica 2 of shard 2 /)
    expect(stderr).toContain('no node of shard 2 of the cluster')
    expect(code).toBe(6)
    const { unwell } = await doctor(env(), ['--tables', TABLE])
    expect(unwell.filter((line) => line.startsWith('fail'))).toEqual([`fail nodes ${CLUSTER}`])
  })

  test('`redo` waits no longer than --give-up for a replica that dies before it has deleted, and `up` does the rest', async () => {
    expect((await run(...up())).code).toBe(0)
    await post(cluster.nodes[3]!, `SYSTEM STOP MERGES ${places.target}.${TARGET}_local`)
    const words = ['redo', TABLE, '--from', '3', '--to', '20', '--yes', '--give-up', '5s']
    const redone = outcome(startBackfill(words, { env: env() }))
    const queued = `SELECT 1 FROM system.mutations WHERE database = '${places.target}'`
    await until(async () => (await rowsOf(cluster.nodes[3]!, queued)).length > 0)
    await cluster.signal(AWAY, 'KILL')
    const { code, stderr } = await redone
    await cluster.restart(AWAY)
    expect(stderr).toMatch(new RegExp(`${PLACE.source} of the cluster of .* is unreachable`))
    expect(code).toBe(6)
    expect((await run(...up())).code).toBe(0)
    await expectExact()
  })

  test.for([
    [AWAY, 'KILL', PLACE],
    [AWAY, 'STOP', PLACE],
    ['zookeeper', 'KILL', /"server":"Keeper"/],
    ['zookeeper', 'STOP', /"server":"Keeper"/],
  ] as const)(
    'a run waits for %s that gets %s, says so, and goes on when it is back',
    async ([name, signal, said]) => {
      expect((await run('create-tables', '--tables', TABLE)).code).toBe(0)
      const words = up('--chunk', '5', '--jobs', '1', '--json', '--give-up', '5m')
      const child = startBackfill(words, { env: env() })
      let printed = ''
      child.stdout!.setEncoding('utf8').on('data', (text: string) => void (printed += text))
      const ended = outcome(child)
      await until(() => Promise.resolve(printed.includes('"chunk-done"')))
      await cluster.signal(name, signal)
      await until(() => Promise.resolve(said.test(printed)))
      await (signal === 'STOP' ? cluster.signal(name, 'CONT') : cluster.restart(name))
      const { code } = await ended
      expect(printed).not.toContain('"table-failed"')
      expect(code).toBe(0)
      await expectExact()
    },
  )

  test('without Keeper `doctor` and `status` have one failure, and end soon', async () => {
    await cluster.signal('zookeeper', 'KILL')
    onTestFinished(() => cluster.restart('zookeeper'))
    const { code, unwell, said } = await doctor(env(), ['--tables', TABLE])
    expect(unwell).toEqual([`fail cluster ${CLUSTER}`])
    expect(said('cluster')).toContain('Keeper of the cluster')
    expect(code).toBe(1)
    const { stderr, code: other } = await backfill(['status'], { env: env() })
    expect(stderr).toContain('Keeper of the cluster')
    expect(other).toBe(6)
  })

  test('a database of ENGINE = Replicated is refused before anything is written', async () => {
    await post(
      node,
      `CREATE DATABASE ${places.target} ENGINE = Replicated('/clickhouse/databases/${places.target}', '{shard}', '{replica}')`,
    )
    const { code, stderr } = await run(...up())
    expect(stderr).toContain(`the database ${places.target} has the engine Replicated`)
    expect(code).toBe(2)
    const made = `SELECT name FROM system.databases WHERE name = '${places.ledger}'`
    expect(await rowsOf(node, made)).toEqual([])
  })
})
