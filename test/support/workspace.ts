// Owns a world for tests: unique databases on test servers, the real ports behind them, a short way to call `up`.
import { fileURLToPath } from 'node:url'
import { type ConnectedWorkspace, connectWorkspace } from '../../src/workspace/connect.ts'
import { chooseTables, findNetwork, readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue, Compression } from '../../src/model/model.ts'
import type { RunEvent, RunSummary } from '../../src/runner/events.ts'
import type { Workspace } from '../../src/runner/workspace.ts'
import type { UpOptions } from '../../src/planning/run-options.ts'
import { up } from '../../src/runner/up.ts'
import { rowsOf, type TestServer, uniqueDatabase } from './server.ts'

export const SQL_FOLDER = fileURLToPath(new URL('../../sql', import.meta.url))

export type TestWorkspace = {
  readonly workspace: Workspace
  readonly connected: ConnectedWorkspace['connected']
  /** Databases on the servers: source tables, derived tables, ledger. */
  readonly source: string
  readonly target: string
  readonly ledger: string
  /** Events of the last run. */
  readonly events: RunEvent[]
  up(options?: Partial<UpOptions>): Promise<RunSummary>
  close(): Promise<void>
}

export type TestWorkspaceOptions = {
  readonly server: Pick<TestServer, 'url' | 'username' | 'password'>
  /** Where the source tables are, if not on `server`. */
  readonly sourceServer?: Pick<TestServer, 'url' | 'username' | 'password'>
  readonly source: string
  readonly target?: string
  readonly ledger?: string
  readonly cluster?: string
  readonly network?: string
  readonly tables?: readonly string[]
  readonly catalogue?: Catalogue
  /** Takes locks whoever holds them, as on an embedded server. */
  readonly exclusive?: boolean
  /** How rows cross from `sourceServer`. */
  readonly compression?: Compression
}

export async function openTestWorkspace(options: TestWorkspaceOptions): Promise<TestWorkspace> {
  const {
    server,
    sourceServer = server,
    source,
    target = uniqueDatabase('target'),
    ledger = uniqueDatabase('ledger'),
  } = options
  const catalogue = options.catalogue ?? (await readCatalogue(SQL_FOLDER))
  const login = ({ url, username, password }: TestWorkspaceOptions['server']) => ({ url, username, password })
  const { workspace, connected, close } = await connectWorkspace({
    source: { side: 'source', ...login(sourceServer), database: source },
    target: { side: 'target', ...login(server), database: target },
    ledgerDatabase: ledger,
    cluster: options.cluster,
    network: findNetwork(catalogue, options.network ?? 'mainnet'),
    catalogue,
    chosen: chooseTables(catalogue, options.tables ?? []),
    exclusive: options.exclusive ?? false,
    toolVersion: 'test',
    ...(options.compression && { compression: options.compression }),
  })
  const events: RunEvent[] = []
  return {
    workspace,
    connected,
    source,
    target,
    ledger,
    events,
    close,
    up(changes = {}) {
      events.length = 0
      const hooks = {
        report: (event: RunEvent) => void events.push(event),
        signal: new AbortController().signal,
      }
      return up(workspace, { ...OPTIONS, ...changes }, hooks)
    },
  }
}

/** Of a run of `up` in a test. */
export const OPTIONS: UpOptions = {
  from: undefined,
  to: undefined,
  chunk: undefined,
  chunkRows: undefined,
  order: 'oldest',
  jobs: 2,
  tableJobs: 1,
  lag: 0,
  giveUpMs: 30_000,
  graceMs: 5_000,
  minFreeShare: 0,
  maxRuntimeMs: undefined,
  lockWaitMs: 0,
  lockSkip: false,
  noAudits: false,
  recompute: [],
  redoStale: false,
  newSource: false,
}

/** Names of the tables that differ from those of the same name in `expected`, with how many rows on either side. */
export async function differences(
  server: Pick<TestServer, 'url' | 'username' | 'password'>,
  tables: readonly string[],
  databases: { readonly actual: string; readonly expected: string },
): Promise<string[]> {
  const found = await Promise.all(
    tables.map(async (table) => {
      const [row] = await rowsOf<{ missing: number; extra: number }>(
        server,
        `SELECT
          (SELECT count() FROM (SELECT * FROM {expected:Identifier}.{table:Identifier} FINAL EXCEPT SELECT * FROM {actual:Identifier}.{table:Identifier} FINAL)) AS missing,
          (SELECT count() FROM (SELECT * FROM {actual:Identifier}.{table:Identifier} FINAL EXCEPT SELECT * FROM {expected:Identifier}.{table:Identifier} FINAL)) AS extra`,
        { ...databases, table },
      )
      return row!.missing + row!.extra === 0
        ? []
        : [`${table}: ${row!.missing} missing, ${row!.extra} too many`]
    }),
  )
  return found.flat()
}
