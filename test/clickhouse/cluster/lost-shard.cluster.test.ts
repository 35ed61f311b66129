// Owns that a table with a row per key which lost the rows of a shard is not up to date.
import { describe, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { MISSING_CLUSTER, startRealCluster } from '../../support/real-cluster.ts'
import { post, rowsOf, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const KEY = 'address_last_access'

describe.skipIf(MISSING_CLUSTER)('a table with a row per key on two shards', () => {
  test('is emptied in part where one of them lost its rows, also partly, and is up to date while parts merge and a node is away', async () => {
    const cluster = await startRealCluster({ shards: 2, replicas: 2 })
    onTestFinished(() => cluster.stop())
    const [first] = cluster.nodes as [TestServer]
    const places = {
      source: uniqueDatabase('source'),
      target: uniqueDatabase('target'),
      ledger: uniqueDatabase('ledger'),
    }
    await createSourceTables(first, await readCatalogue(SQL_FOLDER), places.source)
    await addBlocks(first, places.source, { from: 1, to: 30 })
    const run = (words: string) =>
      backfillHere(words.split(' '), {
        env: { ...environmentFor(first, places), BACKFILL_CLUSTER: CLUSTER, BACKFILL_LAG: '0' },
      })
    const status = async () => {
      const { stdout } = await run(`status --tables ${KEY} --json`)
      return (JSON.parse(stdout) as { tables: readonly [{ state: string }] }).tables[0].state
    }
    expect((await run(`up --tables ${KEY} --to 20`)).code).toBe(0)
    expect((await run(`up --tables ${KEY}`)).code).toBe(0)
    const local = `${places.target}.int_${KEY}_local`
    await post(first, `OPTIMIZE TABLE ${local} ON CLUSTER '${CLUSTER}' FINAL`)
    expect(await status()).toBe('up to date')

    await cluster.signal('s2r2', 'KILL')
    expect(await status()).toBe('up to date')
    await cluster.restart('s2r2')

    const other = cluster.nodes[2]!
    const [{ id } = { id: '' }] = await rowsOf<{ id: string }>(
      other,
      `SELECT partition_id AS id FROM system.parts WHERE active AND concat(database, '.', table) = '${local}' LIMIT 1`,
    )
    await post(other, `ALTER TABLE ${local} DROP PARTITION ID '${id}'`)
    expect(await status()).toBe('emptied in part')
    await post(other, `TRUNCATE TABLE ${local}`)
    expect(await status()).toBe('emptied in part')
    expect((await run(`up --tables ${KEY}`)).stderr).toContain(`\`backfill rebuild ${KEY}\``)
    expect((await run(`rebuild ${KEY} --drop-old --yes`)).code).toBe(0)
    expect(await status()).toBe('up to date')
    expect((await run(`verify ${KEY}`)).code).toBe(0)
  })
})
