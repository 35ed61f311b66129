// Owns the promise that `rebuild` exchanges a table on all nodes of a cluster, and that a killed one is finished by the next:
// on two shards of two replicas, read through nodes of both shards.
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { backfillHere, environmentFor, startBackfill } from '../../support/cli.ts'
import { editedFolder } from '../../support/edited-folder.ts'
import { type Kill, killHeld } from '../../support/held.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { type Held, type Seen, startProxy } from '../../support/proxy.ts'
import { MISSING_CLUSTER, type RealCluster, startRealCluster } from '../../support/real-cluster.ts'
import { intoTarget } from '../../support/requests.ts'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { post, rowsOf, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { addBlocks, createSourceTables, SLOT_SOURCES } from '../../support/small-chain.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const KEY = 'block_slots_stat'
const TABLE = `int_${KEY}`

const starts =
  (word: string) =>
  ({ statement }: Seen): boolean =>
    statement.startsWith(word)

describe.skipIf(MISSING_CLUSTER)('two shards of two replicas', () => {
  let cluster: RealCluster
  let source: string
  beforeAll(async () => {
    cluster = await startRealCluster({ replicas: 2 })
    source = uniqueDatabase('source')
    await createSourceTables(cluster.nodes[0]!, await readCatalogue(SQL_FOLDER), source, SLOT_SOURCES)
    await addBlocks(cluster.nodes[0]!, source, { from: 1, to: 12, tables: SLOT_SOURCES })
  })
  afterAll(() => cluster?.stop())

  /** A table that was built by the shipped SQL, and words that rebuild it by edited SQL. */
  async function scene(url = cluster.nodes[0]!.url) {
    const [first, other] = [cluster.nodes[0]!, cluster.nodes.at(-1)!]
    const places = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
    const env = {
      ...environmentFor({ ...first, url }, places),
      BACKFILL_CLUSTER: CLUSTER,
      BACKFILL_LAG: '0',
    }
    const sql = editedFolder(`transforms/${KEY}.sql`, (text) =>
      text.replace('toUInt32(countIf(is_set))', 'toUInt32(countIf(is_set) + 5)'),
    )
    const run = (words: readonly string[], more: Readonly<Record<string, string>> = {}) =>
      backfillHere(words, { env: { ...env, ...more } })
    expect(await run(['up', KEY, '--chunk', '4'])).toMatchObject({ code: 0 })
    const { target } = places
    const tables = async () => {
      const rows = await rowsOf<{ name: string }>(
        first,
        `SELECT DISTINCT name FROM clusterAllReplicas('${CLUSTER}', system.tables) WHERE database = {target:String} ORDER BY name`,
        { target },
      )
      return rows.map(({ name }) => name)
    }
    /** What a reader of this node sees: the new table has 60 more. */
    const sum = async (node = other) => {
      const [row] = await rowsOf<{ sum: number }>(
        node,
        `SELECT toUInt32(sum(slots_set)) AS sum FROM {target:Identifier}.${TABLE} FINAL`,
        { target },
      )
      return row!.sum
    }
    return { env, run, sql, places, tables, sum, first }
  }

  test('rebuild exchanges the table on all nodes, with its coverage; --drop-old drops the old one, local tables included', async () => {
    const { run, sql, tables, sum, first } = await scene()
    const before = await sum()
    const rebuilt = await run(['rebuild', KEY, '--chunk', '4'], { BACKFILL_SQL: sql })
    expect(rebuilt, rebuilt.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('exchanged') })
    expect(await sum()).toBe(before + 12 * 5)
    expect(await sum(first)).toBe(before + 12 * 5)
    const kept = expect.stringMatching(/^int_block_slots_stat__old_[0-9a-f]{8}$/) as string
    const local = expect.stringMatching(
      /^int_block_slots_stat__rebuild_[0-9a-f]{8}_[0-9a-f]{8}_local$/,
    ) as string
    expect(await tables()).toEqual([TABLE, kept, local, `${TABLE}_local`])
    expect(await run(['status', KEY, '--check'], { BACKFILL_SQL: sql })).toMatchObject({ code: 0 })
    const again = await run(['rebuild', KEY], { BACKFILL_SQL: sql })
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('is still kept') })

    expect(await run(['rebuild', KEY, '--drop-old', '--yes'], { BACKFILL_SQL: sql })).toMatchObject({
      code: 0,
    })
    expect(await tables()).toEqual([TABLE, local])
    // And back, to the shipped SQL.
    expect(await run(['rebuild', KEY, '--chunk', '4', '--drop-old', '--yes'])).toMatchObject({ code: 0 })
    expect(await sum()).toBe(before)
    expect(await tables()).toEqual([TABLE, local])
  })

  const KILLS: readonly Kill[] = [
    ['an INSERT executed and not answered', intoTarget(KEY, 5), 'answer'],
    ['RENAME on the way', starts('RENAME TABLE'), 'request'],
    ['EXCHANGE on the way', starts('EXCHANGE TABLES'), 'request'],
    ['EXCHANGE executed and not answered', starts('EXCHANGE TABLES'), 'answer'],
    ['the drop of the old table on the way', starts('DROP TABLE'), 'request'],
  ]

  test('a rebuild that is killed at each of its steps in turn is finished by the last call: rows, coverage, nothing left over', async () => {
    const proxy = await startProxy(cluster.nodes[0]!.url)
    onTestFinished(() => proxy.close())
    const { env, run, sql, tables, sum, first } = await scene(proxy.url)
    const before = await sum()
    const words = ['rebuild', KEY, '--chunk', '4', '--jobs', '1', '--drop-old', '--yes']
    const seen = new Set<number>()
    const reading = new AbortController()
    const readers = [first, undefined].map(async (node) => {
      while (!reading.signal.aborted) seen.add(await sum(node))
    })
    const late: Held[] = []
    for (const kill of KILLS)
      late.push(
        await killHeld(proxy, kill, () =>
          startBackfill(words, { env: { ...env, BACKFILL_SQL: sql }, cwd: temporaryDirectory() }),
        ),
      )
    expect(await run(words, { BACKFILL_SQL: sql })).toMatchObject({ code: 0 })
    // What was on the way arrives now, when all is done.
    for (const held of late) await held.release()
    reading.abort()
    await Promise.all(readers)
    expect(seen).toEqual(new Set([before, before + 12 * 5]))
    expect(await sum()).toBe(before + 12 * 5)
    expect(await sum(first)).toBe(before + 12 * 5)
    expect(await tables()).toEqual([
      TABLE,
      expect.stringMatching(/^int_block_slots_stat__rebuild_\w+_local$/),
    ])
    expect(await run(['up', KEY], { BACKFILL_SQL: sql })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to do'),
    })
  })

  test('an EXCHANGE of a dead rebuild that the queue still holds back is waited for: the next call finds the tables exchanged', async () => {
    const proxy = await startProxy(cluster.nodes[0]!.url)
    onTestFinished(() => proxy.close())
    const { env, run, sql, sum, first, tables } = await scene(proxy.url)
    const before = await sum()
    const words = ['rebuild', KEY, '--chunk', '4']
    const exchange = await killHeld(proxy, ['EXCHANGE', starts('EXCHANGE TABLES'), 'request'], () =>
      startBackfill(words, { env: { ...env, BACKFILL_SQL: sql }, cwd: temporaryDirectory() }),
    )
    const queue = await holdQueue(cluster.nodes)
    const exchanged = exchange.release()
    await queue.holds(2)
    const again = run(words, { BACKFILL_SQL: sql })
    await Promise.race([queue.holds(3), again])
    await queue.release()
    expect((await exchanged).status).toBe(200)
    expect(await again).toMatchObject({ code: 0, stdout: expect.stringContaining('finished') })
    expect(await sum()).toBe(before + 12 * 5)
    expect(await sum(first)).toBe(before + 12 * 5)
    expect(await tables()).toContainEqual(expect.stringMatching(/__old_[0-9a-f]{8}$/))
  })

  test('a rebuild waits for Keeper that is away when the tables are exchanged, and goes on', async () => {
    const proxy = await startProxy(cluster.nodes[0]!.url)
    onTestFinished(() => proxy.close())
    const { run, sql, sum, first } = await scene(proxy.url)
    const before = await sum()
    const rename = proxy.hold(starts('RENAME TABLE'))
    const rebuilt = run(['rebuild', KEY, '--chunk', '4'], { BACKFILL_SQL: sql })
    await rename.arrived
    await cluster.signal('zookeeper', 'STOP')
    const refused = await rename.release()
    await cluster.signal('zookeeper', 'CONT')
    expect(refused).toMatchObject({ status: 500, text: expect.stringContaining('KEEPER_EXCEPTION') })
    expect(await rebuilt).toMatchObject({ code: 0, stdout: expect.stringContaining('exchanged') })
    expect(await sum()).toBe(before + 12 * 5)
    expect(await sum(first)).toBe(before + 12 * 5)
  })

  test('while the nodes do not agree which table is which, nothing is exchanged', async () => {
    const { run, sql, places, sum } = await scene()
    const before = await sum()
    const names = `${places.target}.${TABLE}`
    // As a node that has not run the queue: another table under a name of the rebuild.
    await post(
      cluster.nodes[0]!,
      `CREATE TABLE ${names}__old_01234567 AS ${names} ENGINE = Distributed('${CLUSTER}', '${places.target}', '${TABLE}_local', block_number)`,
    )
    const refused = await run(['rebuild', KEY], { BACKFILL_SQL: sql })
    expect(refused).toMatchObject({
      code: 6,
      stderr: expect.stringMatching(/is missing on replica 2 of shard 1 .*, replica 2 of shard 2 /),
    })
    expect(await sum()).toBe(before)
  })
})

/** Holds back what is queued from now on, on all nodes, until it is released: a deletion that is waited for, and no merges. */
async function holdQueue(nodes: readonly TestServer[]) {
  const name = uniqueDatabase('held')
  const [node] = nodes
  const on = `ON CLUSTER '${CLUSTER}'`
  await post(node!, `CREATE DATABASE ${name} ${on}`)
  await post(node!, `CREATE TABLE ${name}.t ${on} (n UInt8) ENGINE = MergeTree ORDER BY n`)
  for (const each of nodes) {
    await post(each, `SYSTEM STOP MERGES ${name}.t`)
    await post(each, `INSERT INTO ${name}.t VALUES (1)`)
  }
  const held = post(node!, `ALTER TABLE ${name}.t ${on} DELETE WHERE n = 1 SETTINGS mutations_sync = 2`)
  /** Resolves when so many entries have not ended, the first included. */
  const holds = (count: number): Promise<void> =>
    vi.waitFor(
      async () => {
        const [open] = await rowsOf<{ count: number }>(
          node!,
          `SELECT toUInt32(uniqExact(entry)) AS count FROM system.distributed_ddl_queue WHERE status IN ('Inactive', 'Active', 'Unknown')`,
        )
        expect(open!.count).toBeGreaterThanOrEqual(count)
      },
      { timeout: 50_000, interval: 100 },
    )
  await holds(1)
  const release = async () => {
    for (const each of nodes) await post(each, `SYSTEM START MERGES ${name}.t`)
    await held
  }
  return { holds, release }
}
