// Owns the promise that a table among the locks which no run has made stops nobody.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Server } from '../../src/clickhouse/server.ts'
import { connect } from '../support/clickhouse.ts'
import { KEY, NETWORK, openRunner, silent } from '../support/locks.ts'
import { post, startTestServer, type TestServer } from '../support/server.ts'

let testServer: TestServer
let server: Server
beforeAll(async () => {
  testServer = await startTestServer()
  server = await connect(testServer)
})
afterAll(async () => {
  await server?.close()
  await testServer?.stop()
})

test('a lock whose number is above 2^53 - 1, or is none, is ignored by takers and by fences', async () => {
  const { locks, names, ledger } = await openRunner(server)
  const held = await locks.acquire(KEY, silent)
  for (const number of [
    '18446744073709551615',
    '00009007199254740992',
    'zzzzzzzzzzzzzzzzzzzz',
    '!!!!!!!!!!!!!!!!!!!!',
  ])
    await post(
      testServer,
      `CREATE TABLE ${names.locks}.\`${NETWORK}__${KEY}__${number}\` (nothing UInt8) ENGINE = Null COMMENT '{}'`,
    )
  expect((await locks.holders()).get(KEY)).toMatchObject({ epoch: 1 })
  void ledger
  await held.renew()
  expect(held.epoch).toBe(2)
  await held.release()
  expect((await (await openRunner(server, names)).locks.acquire(KEY, silent)).epoch).toBe(3)
})
