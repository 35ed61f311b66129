// Owns sources with two gaps and three incomplete blocks, a table that a run has filled from them, and who watches what is probed.
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Workspace } from '../../src/runner/workspace.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from './server.ts'
import { addBlocks, createSourceTables } from './small-chain.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspace } from './workspace.ts'

/** Reads traces and transaction, which both have every block. */
export const TABLE = 'pre_6780_accounts_destructs'
export const TABLES = ['traces', 'transaction']
export const GAPS = [
  { from: 31, to: 2_000_000 },
  { from: 2_000_034, to: 4_899_999 },
]
export const INCOMPLETE = [{ from: 2_000_031, to: 2_000_033 }]

type Scene = {
  server: TestServer
  source: string
  place: TestWorkspace
  /** `{source:Identifier}` is the sources' database. */
  readonly sql: (statement: string) => Promise<string>
  readonly add: (from: number, to: number, tables?: readonly string[]) => Promise<void>
  readonly keptRows: () => Promise<readonly { rows: number }[]>
}

/** Anew for each test, on one server. */
export function useGappedSources(): Scene {
  const asks: Omit<Scene, 'server' | 'source' | 'place'> = {
    sql: (statement) => post(scene.server, statement, { source: scene.source }),
    add: (from, to, tables = TABLES) => addBlocks(scene.server, scene.source, { from, to, tables }),
    keptRows: () =>
      rowsOf<{ rows: number }>(scene.server, 'SELECT count() AS rows FROM {ledger:Identifier}.source_probe', {
        ledger: scene.place.ledger,
      }),
  }
  const scene = asks as Scene
  beforeAll(async () => {
    scene.server = await startTestServer()
  })
  afterAll(() => scene.server?.stop())
  beforeEach(async () => {
    scene.source = uniqueDatabase('source')
    const { server, source, sql, add } = scene
    await createSourceTables(server, await readCatalogue(SQL_FOLDER), source, TABLES)
    // A merge of parts far away from each other would have to be looked at from end to end.
    for (const table of TABLES)
      await sql(`SYSTEM STOP MERGES {source:Identifier}.canonical_execution_${table}`)
    await add(1, 30)
    await add(2_000_001, 2_000_030)
    await add(2_000_031, 2_000_033, ['transaction'])
    await add(4_900_000, 4_900_030)
    scene.place = await openTestWorkspace({ server, source, tables: [TABLE] })
    await scene.place.up()
  })
  afterEach(() => scene.place.close())
  return scene
}

/** The source, and the ends of what was probed in it. */
export function watchedSource({ source: port }: Workspace['ports']) {
  const probed: number[] = []
  const buckets: typeof port.buckets = (...question) => {
    probed.push(question[1].from, question[1].to)
    return port.buckets(...question)
  }
  return { source: { ...port, buckets }, probed }
}
