// Owns what happens after a node has died while it made a table ON CLUSTER: Keeper knows its replica, and the node no table.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MISSING_CLUSTER } from '../../support/real-cluster.ts'
import { post } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { startSmallCluster } from '../../support/small-cluster.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

describe.skipIf(MISSING_CLUSTER)('a cluster of two replicas', () => {
  test('a table of which a node has only the replica in Keeper stops `up`, whose hint is what makes the next one work, and one that was renamed is named', async () => {
    const { first: node, places, addSources, run } = await startSmallCluster(5)
    await addSources(node)
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

    const words = 'up --tables block_slots_stat'
    const refused = await run(node, words)
    expect(refused.code).toBe(1)
    const [, typed] = /type (SYSTEM DROP REPLICA .*) on another node/.exec(refused.stderr) ?? []
    expect(typed).toBe(
      `SYSTEM DROP REPLICA '1-r2' FROM ZKPATH '/clickhouse/main/${CLUSTER}/tables/backfill/${places.ledger}/sql_versions'`,
    )
    await post(node, typed!)
    expect((await run(node, words)).code).toBe(0)

    await post(node, `RENAME DATABASE ${places.target} TO elsewhere_too ON CLUSTER '${CLUSTER}'`)
    const renamed = await run(node, words)
    expect(renamed.stderr).toMatch(
      /elsewhere_too\.int_block_slots_stat_local has this path on replica 1 of shard 1 \(.*\), replica 2 of shard 1 .* DROP TABLE elsewhere_too\.int_block_slots_stat_local ON CLUSTER/,
    )
    expect(renamed.stderr).not.toContain('SYSTEM DROP REPLICA')
    await post(node, `DROP DATABASE ${places.target} ON CLUSTER '${CLUSTER}' SYNC`)
    await post(node, `RENAME DATABASE elsewhere_too TO ${places.target} ON CLUSTER '${CLUSTER}'`)
    expect((await run(node, words)).code).toBe(0)
  })
})
