// Owns a cluster of one shard with two replicas, and a small chain of the slots' sources on some of its nodes.
import { onTestFinished } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from './cli.ts'
import type { Outcome } from './processes.ts'
import { startRealCluster } from './real-cluster.ts'
import { type TestServer, uniqueDatabase } from './server.ts'
import { CLUSTER } from './shards.ts'
import { addBlocks, createSourceTables, SLOT_SOURCES } from './small-chain.ts'
import { SQL_FOLDER } from './workspace.ts'

/** It ends with the running test. */
export async function startSmallCluster(blocks: number) {
  const cluster = await startRealCluster({ shards: 1, replicas: 2 })
  onTestFinished(() => cluster.stop())
  const [first, second] = cluster.nodes as [TestServer, TestServer]
  const places = {
    source: uniqueDatabase('source'),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  async function addSources(node: TestServer): Promise<void> {
    await createSourceTables(node, await readCatalogue(SQL_FOLDER), places.source, SLOT_SOURCES)
    await addBlocks(node, places.source, { from: 1, to: blocks, tables: SLOT_SOURCES })
  }
  const run = (node: TestServer, words: string): Promise<Outcome> =>
    backfillHere(words.split(' '), {
      env: { ...environmentFor(node, places), BACKFILL_CLUSTER: CLUSTER, BACKFILL_LAG: '0' },
    })
  return { cluster, first, second, places, addSources, run }
}
