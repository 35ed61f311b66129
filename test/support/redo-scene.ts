// Owns the set-up of the tests of `redo`: a small chain, a table over it, and the two tables that may read that one.
import { afterAll, afterEach, beforeAll, beforeEach, onTestFinished } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import type { RedoRequest } from '../../src/commands/redo/blocks.ts'
import { planRedo } from '../../src/commands/redo/plan.ts'
import { redo } from '../../src/commands/redo/redo.ts'
import type { RunSummary } from '../../src/runner/events.ts'
import { status } from '../../src/commands/status/status.ts'
import { addReaders, blocksWhere, edited } from './edited.ts'
import { startProxy } from './proxy.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from './server.ts'
import { addBlocks, createSourceTables } from './small-chain.ts'
import { openTestWorkspace, OPTIONS, SQL_FOLDER, type TestWorkspace } from './workspace.ts'

export const TABLE = 'block_slots_stat'
export const EVEN = blocksWhere('block_number % 2 = 0')
export const EVERY = blocksWhere('true')
export const READERS = [TABLE, 'slot_blocks', 'slot_parity']
export const STALE: RedoRequest = { kind: 'stale' }
export const range = (from: number, to: number): RedoRequest => ({ kind: 'range', range: { from, to } })

type WorkspaceOptions = {
  readonly tables?: readonly string[]
  readonly catalogue?: Catalogue
  readonly exclusive?: boolean
}
type Asked = { readonly cascade?: boolean; readonly lag?: number }

export const planOf = (
  workspace: TestWorkspace,
  request: RedoRequest,
  { cascade = false, lag = 0 }: Asked = {},
) =>
  planRedo(workspace.workspace, {
    request,
    dependants: cascade ? 'cascade' : 'refuse',
    lag,
    jobs: undefined,
  })

export const reportOf = async (workspace: TestWorkspace, key = TABLE) =>
  (await status(workspace.workspace, { lag: 0 })).tables.find(({ table }) => table === key)!

export const said = (workspace: TestWorkspace, type: 'note' | 'warning') =>
  workspace.events.flatMap((event) => (event.type === type ? [event.text] : []))

export async function redone(
  workspace: TestWorkspace,
  request: RedoRequest,
  asked: Asked = {},
): Promise<RunSummary> {
  const plan = await planOf(workspace, request, asked)
  workspace.events.length = 0
  const hooks = {
    report: (event: TestWorkspace['events'][number]) => void workspace.events.push(event),
    signal: new AbortController().signal,
  }
  return await redo(workspace.workspace, plan, { ...OPTIONS, lag: asked.lag ?? 0, chunk: 3 }, hooks)
}

/** Starts a server for the file, and databases for each test. To be called once, at the top of the file. */
export function redoScene() {
  let files: Catalogue
  let server: TestServer
  let source: string
  let target: string
  let ledger: string
  const open: TestWorkspace[] = []
  beforeAll(async () => {
    files = await readCatalogue(SQL_FOLDER)
    server = await startTestServer()
  })
  afterAll(() => server?.stop())
  beforeEach(async () => {
    source = uniqueDatabase('source')
    target = uniqueDatabase('target')
    ledger = uniqueDatabase('ledger')
    await createSourceTables(server, files, source)
    await addBlocks(server, source, { from: 1, to: 12 })
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((workspace) => workspace.close()))
  })

  async function connectWorkspace({
    tables = [TABLE],
    catalogue = withSql(EVERY),
    exclusive = true,
  }: WorkspaceOptions = {}) {
    const workspace = await openTestWorkspace({
      server,
      source,
      target,
      ledger,
      tables,
      catalogue,
      exclusive,
    })
    open.push(workspace)
    return workspace
  }

  /** The test's databases through a proxy that can hold a statement back; both end with the test. */
  async function behindProxy(tables: readonly string[], catalogue = withReaders(EVERY)) {
    const proxy = await startProxy(server.url)
    onTestFinished(() => proxy.close())
    const through = { ...server, url: proxy.url }
    const workspace = await openTestWorkspace({ server: through, source, target, ledger, catalogue, tables })
    onTestFinished(() => workspace.close())
    return { proxy, workspace }
  }

  const withSql = (sql: string) => edited(files, TABLE, { sql })

  /** With another engine, behind the columns. */
  function withEngine(engine: string, sql = EVERY): Catalogue {
    const catalogue = withSql(sql)
    const text = `CREATE TABLE IF NOT EXISTS {target:Identifier}.int_${TABLE} (block_number UInt32, slots_cleared UInt32, slots_set UInt32${engine}`
    const tables = catalogue.tables.map((table) =>
      table.key === TABLE ? { ...table, ddl: { ...table.ddl, text } } : table,
    )
    return { ...catalogue, tables }
  }

  const withReaders = (sql: string) => addReaders(withSql(sql))

  const query = (statement: string) => post(server, statement, { source, target, ledger })
  const blocksOf = async (table = 'int_block_slots_stat') =>
    (
      await rowsOf<{ block_number: number }>(
        server,
        `SELECT block_number FROM {target:Identifier}.${table} ORDER BY block_number`,
        { target },
      )
    ).map((row) => row.block_number)

  return {
    connectWorkspace,
    behindProxy,
    withSql,
    withEngine,
    withReaders,
    query,
    blocksOf,
    /** Of the running test. */
    databases: () => ({ server, source, target, ledger, files }),
  }
}
