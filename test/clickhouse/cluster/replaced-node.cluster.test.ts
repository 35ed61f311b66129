// Owns the replacement of a node that has lost its disk, by the statements of docs/how-to/clusters.md: coverage stays.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { repository } from '../../support/processes.ts'
import { MISSING_CLUSTER, startRealCluster } from '../../support/real-cluster.ts'
import { post, rowsOf, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { addBlocks, createSourceTables, SLOT_SOURCES } from '../../support/small-chain.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const FORGOTTEN = { timeout: 120_000, interval: 1000 }

const TABLE = 'block_slots_stat'

/** The statements of the how-to: the replica that is forgotten, and the DDL that is asked for. */
function statements(): readonly [forget: string, ddl: string] {
  const page = readFileSync(join(repository, 'docs/how-to/clusters.md'), 'utf8')
  const section = page.split('**A node that has lost its disk**')[1]!
  return [...section.matchAll(/```sql\n(.*?)```/gs)].slice(0, 2).map(([, text]) => text!) as [string, string]
}

describe.skipIf(MISSING_CLUSTER)('nodes that have lost their disks', () => {
  test('replaced one after the other as the docs say, the tables have their rows, and nothing is computed again', async () => {
    const cluster = await startRealCluster({ shards: 1, replicas: 2 })
    onTestFinished(() => cluster.stop())
    const places = {
      source: uniqueDatabase('source'),
      target: uniqueDatabase('target'),
      ledger: uniqueDatabase('ledger'),
    }
    const addSources = async (node: TestServer) => {
      await createSourceTables(node, await readCatalogue(SQL_FOLDER), places.source, SLOT_SOURCES)
      await addBlocks(node, places.source, { from: 1, to: 20, tables: SLOT_SOURCES })
    }
    const on = (node: TestServer, words: string) =>
      backfillHere(words.split(' '), {
        env: { ...environmentFor(node, places), BACKFILL_CLUSTER: CLUSTER, BACKFILL_LAG: '0' },
      })
    for (const node of cluster.nodes) await addSources(node)
    expect((await on(cluster.nodes[0]!, `up --tables ${TABLE}`)).code).toBe(0)

    const [forget, ddl] = statements()
    const named = (text: string) =>
      text
        .replaceAll("'mainnet'", `'${places.target}'`)
        .replaceAll("'backfill'", `'${places.ledger}'`)
        .replaceAll("'backfill_locks'", `'${places.ledger}_locks'`)
    for (const [replica, lost, other] of [
      ['r2', cluster.nodes[1]!, cluster.nodes[0]!],
      ['r1', cluster.nodes[0]!, cluster.nodes[1]!],
    ] as const) {
      const name = `s1${replica}`
      await cluster.loseDisk(name)
      await cluster.restart(name)
      await addSources(lost)
      expect(await on(lost, 'status')).toMatchObject({
        code: 6,
        stderr: expect.stringContaining('docs/how-to/clusters.md'),
      })

      for (const [statement] of forget.replaceAll('r2', replica).matchAll(/^SYSTEM [^;]+/gm))
        // Keeper takes a node for alive for some seconds after its death.
        await expect.poll(() => post(other, statement).catch(String), FORGOTTEN).toBe('')
      const made = await rowsOf<{ statement: string }>(other, named(ddl).replace(';', ''))
      for (const { statement } of made) await post(lost, statement)
      const replicas = 'SELECT database, table FROM system.replicas'
      for (const { database, table } of await rowsOf<{ database: string; table: string }>(lost, replicas))
        await post(lost, `SYSTEM SYNC REPLICA ${database}.${table}`)

      const { stdout } = await on(lost, `status --tables ${TABLE} --json`)
      expect(JSON.parse(stdout)).toMatchObject({ tables: [{ state: 'up to date', done_blocks: 20 }] })
      expect((await on(lost, `up --tables ${TABLE}`)).stdout).toContain('Nothing to do')
      expect((await on(lost, `verify ${TABLE} --stored`)).code).toBe(0)
    }
  })
})
