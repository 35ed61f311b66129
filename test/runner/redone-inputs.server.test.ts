// Owns the promise that a range is done only if the tables it was computed from stayed as they were meanwhile.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EventName } from '../../src/clickhouse/schema.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { ledgerEvent as event } from '../support/clickhouse.ts'
import { startProxy } from '../support/proxy.ts'
import { intoTarget, lockCreation } from '../support/requests.ts'
import { rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER } from '../support/workspace.ts'

const DEPENDANT = 'accounts_alive'
const INPUTS = ['address_diffs', 'pre_6780_accounts_destructs', 'post_6780_accounts_destructs']
const SOURCE = uniqueDatabase('source')

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), SOURCE)
  await addBlocks(server, SOURCE, { from: 1, to: 12 })
})
afterAll(() => server?.stop())

/** Inputs that are built, and their dependant behind a proxy. `change`: what another run records of blocks 5-8 of address_diffs meanwhile. */
async function builtInputs() {
  const proxy = await startProxy(server.url)
  const inputs = await openTestWorkspace({ server, source: SOURCE, tables: INPUTS })
  const { target, ledger } = inputs
  expect((await inputs.up()).failed).toEqual([])
  const workspace = await openTestWorkspace({
    server: { ...server, url: proxy.url },
    source: SOURCE,
    target,
    ledger,
    tables: [DEPENDANT],
  })
  const { ports } = inputs.workspace
  return {
    proxy,
    inputs,
    workspace,
    ledger,
    async change(...names: readonly EventName[]) {
      const { uuid } = (await ports.target.tables(['int_address_diffs'])).get('int_address_diffs')!
      const lock = await ports.locks.acquire('address_diffs', () => {})
      for (const name of names)
        await ports.ledger.append(lock, event({ event: name, targetUuid: uuid, range: { from: 5, to: 8 } }))
      await lock.release()
    },
    async [Symbol.asyncDispose]() {
      await workspace.close()
      await inputs.close()
      await proxy.close()
    },
  }
}

test('a range whose input was redone while it was computed is not done, and comes right in the next run', async () => {
  await using scene = await builtInputs()
  const { proxy, workspace, ledger } = scene
  const held = proxy.hold(intoTarget(DEPENDANT), 'answer')
  const running = workspace.up()
  await held.arrived
  await scene.change('started', 'done')
  await held.release()
  const { failed } = await running
  expect(failed).toMatchObject([{ table: DEPENDANT, error: { kind: 'failed' } }])
  expect(failed[0]!.error.message).toBe('the inputs of accounts_alive were redone in blocks 1-12 meanwhile')
  const events = await rowsOf<{ event: string; inputs: string }>(
    server,
    `SELECT event, inputs FROM {ledger:Identifier}.ledger WHERE table_key = 'accounts_alive' ORDER BY epoch, seq`,
    { ledger },
  )
  expect(events.map((row) => row.event)).toEqual(['started', 'failed'])
  // As test/unit/persisted.test.ts reads it; a table that holds none of these blocks was not read.
  expect(events[0]!.inputs.replaceAll(/[0-9a-f-]{36}/g, 'U')).toBe(
    'address_diffs=U@1.2 post_6780_accounts_destructs=- pre_6780_accounts_destructs=U@1.2',
  )
  expect((await workspace.up()).failed).toEqual([])
})

test('a range whose input has lost blocks since the run began is not done, and comes right when they are there again', async () => {
  await using scene = await builtInputs()
  const { proxy, inputs, workspace, ledger } = scene
  // It knows by now which blocks its inputs hold.
  const held = proxy.hold(lockCreation(DEPENDANT))
  const running = workspace.up()
  await held.arrived
  await scene.change('invalidated')
  await held.release()
  const { failed } = await running
  expect(failed.map(({ error }) => error.message)).toEqual([
    'blocks 5-8 of address_diffs were taken out before blocks 1-12 of accounts_alive were computed',
  ])
  expect((await inputs.up()).failed).toEqual([])
  expect((await workspace.up()).failed).toEqual([])
  const { n } = (
    await rowsOf<{ n: number }>(
      server,
      `SELECT count() AS n FROM {ledger:Identifier}.ledger WHERE table_key = 'accounts_alive' AND event = 'done'`,
      { ledger },
    )
  )[0]!
  expect(n).toBe(1)
})
