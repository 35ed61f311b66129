// Owns what happens when the sources are a cluster and the targets another one: any node of the source is read, and one dies.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Catalogue } from '../../../src/model/model.ts'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, startBackfill } from '../../support/cli.ts'
import { startFront } from '../../support/front.ts'
import { outcome } from '../../support/processes.ts'
import { MISSING_CLUSTER, type RealCluster, startRealCluster } from '../../support/real-cluster.ts'
import { post, rowsOf, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { startThrottle } from '../../support/throttle.ts'
import { openTestWorkspace, SQL_FOLDER } from '../../support/workspace.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const TABLES = ['address_diffs', 'pre_6780_accounts_destructs', 'accounts_alive']
const CHOICE = [...TABLES, 'post_6780_accounts_destructs'].join()
/** So many that their rows do not fit into what the kernel keeps of a connection. */
const BLOCKS = 160_000

/** Rows and hash of each table, as FINAL shows them. */
async function content(node: TestServer, database: string): Promise<readonly object[]> {
  const rows = TABLES.map((key) =>
    rowsOf<object>(
      node,
      `SELECT count() AS rows, toString(sum(cityHash64(tuple(*)))) AS hash FROM ${database}.int_${key} FINAL`,
    ),
  )
  return (await Promise.all(rows)).flat()
}

describe.skipIf(MISSING_CLUSTER)('two clusters', () => {
  let catalogue: Catalogue
  let from: RealCluster
  let to: RealCluster
  const source = uniqueDatabase('source')
  let expected: readonly object[]

  beforeAll(async () => {
    catalogue = await readCatalogue(SQL_FOLDER)
    ;[from, to] = await Promise.all([
      startRealCluster({ replicas: 2 }),
      startRealCluster({ shards: 1, replicas: 2 }),
    ])
    await fillSources(from.nodes[0]!)
    const one = await openTestWorkspace({ server: from.nodes[0]!, source, tables: CHOICE.split(',') })
    await one.up({ jobs: 1 })
    expected = await content(from.nodes[0]!, one.target)
    await one.close()
  })
  afterAll(async () => {
    await Promise.all([from?.stop(), to?.stop()])
  })

  /** Each source is Distributed over Replicated tables, sharded by transactions as Xatu's are. */
  async function fillSources(node: TestServer): Promise<void> {
    const plain = uniqueDatabase('plain')
    await createSourceTables(node, catalogue, plain)
    await addBlocks(node, plain, { from: 1, to: BLOCKS })
    await post(node, `CREATE DATABASE ${source} ON CLUSTER '{cluster}'`)
    for (const { table, ddl } of catalogue.sources) {
      const local = ddl.text
        .replace(`{source:Identifier}.${table}`, `${source}.${table}_local ON CLUSTER '{cluster}'`)
        .replace(
          'ENGINE = ReplacingMergeTree(',
          `ENGINE = ReplicatedReplacingMergeTree('/clickhouse/{installation}/{cluster}/tables/{shard}/{database}/{table}', '{replica}', `,
        )
      await post(node, local)
      await post(
        node,
        `CREATE TABLE ${source}.${table} ON CLUSTER '{cluster}' AS ${source}.${table}_local
          ENGINE = Distributed('${CLUSTER}', ${source}, ${table}_local, cityHash64(block_number, transaction_hash))`,
      )
      await post(
        node,
        `INSERT INTO ${source}.${table} SELECT * FROM ${plain}.${table}
          SETTINGS distributed_foreground_insert = 1, insert_quorum = 2, insert_quorum_timeout = 60000`,
      )
    }
  }

  /** On each node of the target, whose two replicas are one shard. */
  async function expectExact(target: string): Promise<void> {
    expect(expected[0]).toMatchObject({ rows: 2 * BLOCKS })
    for (const node of to.nodes) {
      for (const key of TABLES) await post(node, `SYSTEM SYNC REPLICA ${target}.int_${key}_local`)
      expect(await content(node, target)).toEqual(expected)
    }
  }

  function environment(sourceUrl: string, target: string): Record<string, string> {
    const [reader, writer] = [from.nodes[0]!, to.nodes[0]!]
    return {
      SOURCE_CLICKHOUSE_URL: sourceUrl,
      SOURCE_CLICKHOUSE_USERNAME: reader.username,
      SOURCE_CLICKHOUSE_PASSWORD: reader.password,
      SOURCE_CLICKHOUSE_DATABASE: source,
      TARGET_CLICKHOUSE_URL: writer.url,
      TARGET_CLICKHOUSE_USERNAME: writer.username,
      TARGET_CLICKHOUSE_PASSWORD: writer.password,
      TARGET_CLICKHOUSE_DATABASE: target,
      BACKFILL_LEDGER_DATABASE: uniqueDatabase('ledger'),
      BACKFILL_CLUSTER: CLUSTER,
      BACKFILL_LAG: '0',
    }
  }

  test('rows stream from any node of a cluster behind a load balancer into another cluster, and both replicas there have them', async () => {
    // Reads take turns of their own: whichever connections a run has open, each node gets its share of them.
    const turns = { read: 0, other: 0 }
    const balancer = await startFront((parameters) => {
      const turn = turns[parameters.get('query_id')?.endsWith('-read') ? 'read' : 'other']++
      return from.nodes[turn % from.nodes.length]!.url
    })
    const target = uniqueDatabase('target')
    const env = environment(balancer.url, target)
    const ran = await backfillHere(['up', '--tables', CHOICE, '--chunk', '30000', '--jobs', '2'], { env })
    expect(ran.stderr).not.toMatch(/failed|stopped|wait:/)
    expect(ran.code).toBe(0)
    await expectExact(target)
    const readOn = await Promise.all(
      from.nodes.map(async (node) => {
        await post(node, 'SYSTEM FLUSH LOGS query_log')
        const query = `SELECT 1 FROM system.query_log WHERE is_initial_query AND query_id LIKE '%-read' AND has(databases, '${source}') LIMIT 1`
        return (await rowsOf(node, query)).length
      }),
    )
    expect(readOn.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(1)
    expect((await backfillHere(['status', '--tables', CHOICE, '--check'], { env })).code).toBe(0)
    const checked = await backfillHere(['check', ...CHOICE.split(',')], { env })
    expect([checked.code, checked.stdout], 'Replicated, and a key lives on one shard').toEqual([
      0,
      expect.not.stringContaining('W082'),
    ])
    await balancer.close()
  })

  test('a node of the source that dies in mid-stream leaves nothing half written: another node is read, and the rows are exact', async () => {
    const line = await startThrottle(from.nodes[0]!.url, 4e6)
    const target = uniqueDatabase('target')
    const env = environment(line.url, target)
    const words = ['up', '--tables', CHOICE, '--chunk', String(BLOCKS), '--compression', 'none']
    const running = outcome(startBackfill(words, { env }))
    // However long the kill takes, the stream has not ended by then.
    const held = await line.heldAt(4e5)
    await from.signal('s1r1', 'KILL')
    line.retarget(from.nodes[1]!.url)
    held.release()
    const { code, stderr } = await running
    await from.restart('s1r1')
    await line.close()
    expect(stderr).toMatch(/cannot reach ClickHouse \(source .* while reading blocks 1-/)
    expect(code).toBe(0)
    await expectExact(target)
  })

  // The last, because the source has other rows then.
  test('a replica of a source that lacks rows is not read, whichever node is asked', async () => {
    const [whole, late] = from.nodes as [TestServer, TestServer]
    const table = 'address_diffs'
    const { sources } = catalogue.tables.find(({ key }) => key === table)!
    const locals = sources.map((name) => `${source}.${name}_local`)
    for (const name of locals) await post(late, `SYSTEM STOP FETCHES ${name}`)
    const plain = uniqueDatabase('plain')
    await createSourceTables(whole, catalogue, plain)
    await addBlocks(whole, plain, { from: BLOCKS + 1, to: BLOCKS + 20 })
    for (const name of sources)
      await post(
        whole,
        `INSERT INTO ${source}.${name} SELECT * FROM ${plain}.${name} SETTINGS distributed_foreground_insert = 1`,
      )
    const delays = `SELECT countIf(absolute_delay > 30) > 0 AS old FROM system.replicas WHERE database = '${source}'`
    await expect.poll(() => rowsOf(late, delays), { timeout: 120_000, interval: 1000 }).toEqual([{ old: 1 }])
    const target = uniqueDatabase('target')
    const words = ['up', '--tables', table, '--from', String(BLOCKS + 1)]
    const { code, stderr } = await backfillHere(words, { env: environment(late.url, target) })
    expect(code, stderr).toBe(0)
    const count = `SELECT count() AS rows FROM ${target}.int_${table} FINAL`
    expect(await rowsOf(to.nodes[0]!, count)).toEqual([{ rows: 40 }])
    for (const name of locals) await post(late, `SYSTEM START FETCHES ${name}`)
  })
})
