// Owns a cluster of two shards of one replica, with the same sources on both nodes, and databases of its own for each test.
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from './cli.ts'
import type { Outcome } from './processes.ts'
import { type RealCluster, startRealCluster } from './real-cluster.ts'
import { type TestServer, uniqueDatabase } from './server.ts'
import { CLUSTER } from './shards.ts'
import { addBlocks, createSourceTables } from './small-chain.ts'
import { SQL_FOLDER } from './workspace.ts'

type Scene = {
  cluster: RealCluster
  first: TestServer
  second: TestServer
  /** A test may write others. */
  places: { readonly source: string; readonly target: string; readonly ledger: string }
  /** By the first node, if none is named. */
  readonly run: (words: string, node?: TestServer) => Promise<Outcome>
}

/** Its sources have blocks 1 to 20. What it returns is filled before the first test. `options`: of the cluster. */
export function useTwoShards(options: { readonly users?: string; readonly twice?: string } = {}): Scene {
  const source = uniqueDatabase('source')
  const run = (words: string, node = scene.first) =>
    backfillHere(words.split(' '), {
      env: { ...environmentFor(node, scene.places), BACKFILL_CLUSTER: CLUSTER, BACKFILL_LAG: '0' },
    })
  const scene = { run } as Scene
  beforeAll(async () => {
    const cluster = await startRealCluster({ shards: 2, replicas: 1, ...options })
    const [first, second] = cluster.nodes as [TestServer, TestServer]
    Object.assign(scene, { cluster, first, second })
    const catalogue = await readCatalogue(SQL_FOLDER)
    for (const node of [first, second]) {
      await createSourceTables(node, catalogue, source)
      await addBlocks(node, source, { from: 1, to: 20 })
    }
  })
  afterAll(() => scene.cluster?.stop())
  beforeEach(() => {
    scene.places = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  })
  return scene
}
