// Owns the refusal to write where a shard has more replicas than another: an INSERT would count before all of them have its rows.
import { describe, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { doctor } from '../../support/doctor.ts'
import { MISSING_CLUSTER, startRealCluster } from '../../support/real-cluster.ts'
import { type TestServer, uniqueDatabase } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { addBlocks, createSourceTables, SLOT_SOURCES } from '../../support/small-chain.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

describe.skipIf(MISSING_CLUSTER)('shards with two replicas and with one', () => {
  test('nothing is written, `doctor` says why, and `status` answers', async () => {
    const cluster = await startRealCluster({ replicas: 2, isUneven: true })
    onTestFinished(() => cluster.stop())
    const node = cluster.nodes[0] as TestServer
    const source = uniqueDatabase('source')
    await createSourceTables(node, await readCatalogue(SQL_FOLDER), source, SLOT_SOURCES)
    await addBlocks(node, source, { from: 1, to: 20, tables: SLOT_SOURCES })
    const places = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
    const env = { ...environmentFor(node, places), BACKFILL_CLUSTER: CLUSTER, BACKFILL_LAG: '0' }
    const said = `shard 1 of the cluster '${CLUSTER}' has 2 replicas, and shard 2 has 1`
    for (const words of ['up', 'create-tables'])
      expect(await backfillHere([words, '--tables', 'block_slots_stat'], { env })).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(said),
      })
    expect(await backfillHere(['status', '--tables', 'block_slots_stat'], { env })).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect((await doctor(env, ['--tables', 'block_slots_stat'])).of('nodes')).toMatchObject([
      {
        status: 'fail',
        finding: '2 shards, 3 nodes, with 1 to 2 replicas a shard',
      },
    ])
  })
})
