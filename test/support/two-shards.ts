// Owns a cluster of two shards of one replica, with the same sources on both nodes.
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { startRealCluster } from './real-cluster.ts'
import type { TestServer } from './server.ts'
import { addBlocks, createSourceTables } from './small-chain.ts'
import { SQL_FOLDER } from './workspace.ts'

/** Blocks 1 to 20 in the database `source`. @param users elements of `users` */
export async function startTwoShards(source: string, users = '') {
  const cluster = await startRealCluster({ shards: 2, replicas: 1, users })
  const [first, second] = cluster.nodes as [TestServer, TestServer]
  const catalogue = await readCatalogue(SQL_FOLDER)
  for (const node of [first, second]) {
    await createSourceTables(node, catalogue, source)
    await addBlocks(node, source, { from: 1, to: 20 })
  }
  return { cluster, first, second }
}
