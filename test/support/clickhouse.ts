// Owns the adapters' ground in tests: a `Server` of ours on a test server, and databases that no other test has.
import { fileURLToPath } from 'node:url'
import { type Names, openServer, type Server, serverAs } from '../../src/clickhouse/server.ts'
import { namesFor } from '../../src/clickhouse/connection.ts'
import { openTarget } from '../../src/targets/target.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { LedgerEvent } from '../../src/ledger/events.ts'
import { startTestServer, type TestServer, uniqueDatabase } from './server.ts'
import { afterAll, beforeAll } from 'vitest'

export const catalogue = await readCatalogue(fileURLToPath(new URL('../../sql', import.meta.url)))

/** Our own connection to a test server, in a database of its own; close it before the server stops. */
export function connect({ url, username, password }: TestServer): Promise<Server> {
  return openServer({ side: 'target', url, username, password, database: uniqueDatabase('target') })
}

/** Gives the tests of a file a server and a connection to it before they run; both are ended after them. */
export function useServer(give: (login: TestServer, server: Server) => void): void {
  let login: TestServer | undefined
  let server: Server | undefined
  beforeAll(async () => {
    login = await startTestServer()
    server = await connect(login)
    give(login, server)
  })
  afterAll(async () => {
    await server?.close()
    await login?.stop()
  })
}

/** Creates an empty ledger and its locks' database, as `up` would. */
export async function createLedger(server: Server): Promise<Names> {
  const names = namesFor(uniqueDatabase('ledger'))
  await openTarget({ server, names }).prepare(catalogue.ledger)
  return names
}

/** Creates the nine source tables, empty; what is returned has their database as its own. */
export async function createSources(server: Server): Promise<Server> {
  const source = uniqueDatabase('source')
  await server.client.command({ query: 'CREATE DATABASE {source:Identifier}', query_params: { source } })
  await Promise.all(
    catalogue.sources.map(({ ddl }) => server.client.command({ query: ddl.text, query_params: { source } })),
  )
  return serverAs(server, { ...server.connection, side: 'source', database: source })
}

/** Appends rows to a table, as they are. */
export function insertRows(server: Server, table: string, rows: readonly object[]): Promise<void> {
  const lines = rows.map((row) => JSON.stringify(row)).join('\n')
  return server.client.command({ query: `INSERT INTO ${table} FORMAT JSONEachRow\n${lines}` })
}

/** A `done` of the range, except where said otherwise. */
export function ledgerEvent(
  event: Pick<LedgerEvent, 'range' | 'targetUuid'> & Partial<LedgerEvent>,
): LedgerEvent {
  return {
    event: 'done',
    sqlHash: 'hash',
    attempt: 1,
    runId: 'run',
    queryId: 'query',
    ...event,
  }
}
