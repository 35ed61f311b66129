// Owns the promise that whatever a run sent before it lost its lock, and arrives late, writes nothing.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { type Held, type Proxy, startProxy } from '../support/proxy.ts'
import { intoTarget, ledgerEvent } from '../support/requests.ts'
import { rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../support/workspace.ts'

const SOURCE = uniqueDatabase('source')
const TABLE = 'block_slots_stat'

let catalogue: Catalogue
let server: TestServer
let proxy: Proxy
beforeAll(async () => {
  catalogue = await readCatalogue(SQL_FOLDER)
  server = await startTestServer()
  proxy = await startProxy(server.url)
  await createSourceTables(server, catalogue, SOURCE)
  await addBlocks(server, SOURCE, { from: 1, to: 20 })
})
afterAll(async () => {
  await proxy?.close()
  await server?.stop()
})

/** Runs `up` of one table through the proxy, takes its lock away while the request is held, then lets it go. */
async function takeLockWhileHeld(
  first: TestWorkspace,
  held: Held,
): Promise<{ status: number; text: string }> {
  const running = first.up()
  await held.arrived
  const second = await openTestWorkspace({ ...sameDatabases(first), server, exclusive: true })
  try {
    const lock = await second.workspace.ports.locks.acquire(TABLE, () => {})
    expect(lock.epoch).toBe(2)
    const answer = await held.release()
    const summary = await running
    expect(summary.failed.map(({ table, error }) => [table, error.kind])).toEqual([[TABLE, 'locked']])
    expect(summary.failed[0]!.error.message).toContain('lost the lock')
    return answer
  } finally {
    await second.close()
  }
}

function sameDatabases({ source, target, ledger }: TestWorkspace) {
  return { source, target, ledger, tables: [TABLE] }
}

const openFirst = (sourceServer?: TestServer) =>
  openTestWorkspace({
    server: { ...server, url: proxy.url },
    ...(sourceServer && { sourceServer }),
    source: SOURCE,
    tables: [TABLE],
  })

const targetRows = (workspace: TestWorkspace, on: TestServer = server) =>
  rowsOf(on, 'SELECT * FROM {target:Identifier}.int_block_slots_stat', { target: workspace.target })
const events = async (workspace: TestWorkspace) =>
  (
    await rowsOf<{ event: string }>(
      server,
      'SELECT event FROM {ledger:Identifier}.ledger ORDER BY epoch, seq',
      { ledger: workspace.ledger },
    )
  ).map((row) => row.event)

test('an INSERT … SELECT that arrives after the lock was taken is refused and writes nothing', async () => {
  const workspace = await openFirst()
  const answer = await takeLockWhileHeld(workspace, proxy.hold(intoTarget()))
  expect(answer.text).toContain('backfill: lock lost')
  expect(await targetRows(workspace)).toEqual([])
  expect(await events(workspace)).toEqual(['started'])
  await workspace.close()
})

test('a streamed INSERT that arrives after the lock was taken is refused and writes nothing', async () => {
  const other = await startTestServer()
  try {
    await createSourceTables(other, catalogue, SOURCE)
    await addBlocks(other, SOURCE, { from: 1, to: 20 })
    const workspace = await openFirst(other)
    const answer = await takeLockWhileHeld(
      workspace,
      proxy.hold((seen) => intoTarget()(seen) && seen.statement.includes('FROM input(')),
    )
    expect(answer.text).toContain('backfill: lock lost')
    expect(await targetRows(workspace)).toEqual([])
    expect(await events(workspace)).toEqual(['started'])
    await workspace.close()
  } finally {
    await other.stop()
  }
})

test('a ledger event that arrives after the lock was taken is refused and not recorded', async () => {
  const workspace = await openFirst()
  const answer = await takeLockWhileHeld(workspace, proxy.hold(ledgerEvent('done')))
  expect(answer.text).toContain('backfill: lock lost')
  expect(await events(workspace)).toEqual(['started'])
  await workspace.close()
})
