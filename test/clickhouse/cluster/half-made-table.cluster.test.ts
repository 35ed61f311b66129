// Owns what happens after a node has died while it made a table ON CLUSTER: Keeper knows its replica, and the node no table.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { MISSING_CLUSTER, startRealCluster } from '../../support/real-cluster.ts'
import { post, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { addBlocks, createSourceTables, SLOT_SOURCES } from '../../support/small-chain.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

describe.skipIf(MISSING_CLUSTER)('a cluster of two replicas', () => {
  test('a table of which a node has only the replica in Keeper stops `up`, whose hint is what makes the next one work', async () => {
    const cluster = await startRealCluster({ shards: 1, replicas: 2 })
    onTestFinished(() => cluster.stop())
    const [node] = cluster.nodes as [(typeof cluster.nodes)[0]]
    const places = {
      source: uniqueDatabase('source'),
      target: uniqueDatabase('target'),
      ledger: uniqueDatabase('ledger'),
    }
    await createSourceTables(node, await readCatalogue(SQL_FOLDER), places.source, SLOT_SOURCES)
    await addBlocks(node, places.source, { from: 1, to: 5, tables: SLOT_SOURCES })
    // What Keeper has of the second node then: its replica, which nobody serves.
    const ddl = readFileSync(join(SQL_FOLDER, 'ledger/cluster/03-sql-versions.sql'), 'utf8')
    await post(node, `CREATE DATABASE elsewhere`)
    await post(
      node,
      ddl
        .replace(`{ledger:Identifier}.sql_versions ON CLUSTER '{cluster}'`, 'elsewhere.sql_versions')
        .replace('{database}/{table}', `${places.ledger}/sql_versions`)
        .replace('{shard}-{replica}', '1-r2'),
    )
    await post(node, 'DETACH TABLE elsewhere.sql_versions')

    const env = { ...environmentFor(node, places), BACKFILL_CLUSTER: CLUSTER, BACKFILL_LAG: '0' }
    const words = ['up', '--tables', 'block_slots_stat']
    const refused = await backfillHere(words, { env })
    expect(refused.code).toBe(1)
    const [, typed] = /type (SYSTEM DROP REPLICA .*) on another node/.exec(refused.stderr) ?? []
    expect(typed).toBe(
      `SYSTEM DROP REPLICA '1-r2' FROM ZKPATH '/clickhouse/main/${CLUSTER}/tables/backfill/${places.ledger}/sql_versions'`,
    )
    await post(node, typed!)
    expect((await backfillHere(words, { env })).code).toBe(0)
  })
})
