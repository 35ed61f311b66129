// Owns a cluster of one shard with two replicas, and a small chain on some of its nodes.
import { onTestFinished } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from './cli.ts'
import type { Outcome } from './processes.ts'
import { startRealCluster } from './real-cluster.ts'
import { type TestServer, uniqueDatabase } from './server.ts'
import { CLUSTER } from './shards.ts'
import { addBlocks, createSourceTables, SLOT_SOURCES } from './small-chain.ts'
import { SQL_FOLDER } from './workspace.ts'

/** It ends with the running test. Sources: those of the slots, or all. */
export async function startSmallCluster(blocks: number, sources: 'slots' | 'all' = 'slots') {
  const cluster = await startRealCluster({ shards: 1, replicas: 2 })
  onTestFinished(() => cluster.stop())
  const [first, second] = cluster.nodes as [TestServer, TestServer]
  const places = {
    source: uniqueDatabase('source'),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  async function addSources(node: TestServer): Promise<void> {
    const tables = sources === 'slots' ? SLOT_SOURCES : undefined
    await createSourceTables(node, await readCatalogue(SQL_FOLDER), places.source, tables)
    await addBlocks(node, places.source, { from: 1, to: blocks, ...(tables && { tables }) })
  }
  const run = (node: TestServer, words: string): Promise<Outcome> =>
    backfillHere(words.split(' '), {
      env: { ...environmentFor(node, places), BACKFILL_CLUSTER: CLUSTER, BACKFILL_LAG: '0' },
    })
  return { cluster, first, second, places, addSources, run }
}
