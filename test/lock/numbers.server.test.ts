// Owns the promises of the numbers of locks: what no run has made stops nobody, how long a holder is silent, and renewals count one by one.
import { randomUUID } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import type { Server } from '../../src/clickhouse/server.ts'
import { lockName } from '../../src/lock/fence.ts'
import { ledgerEvent, useServer } from '../support/clickhouse.ts'
import { createLock, KEY, locked, lockTables, NETWORK, openRunner, silent } from '../support/locks.ts'
import { post, type TestServer } from '../support/server.ts'

let testServer: TestServer
let server: Server
useServer((login, connected) => {
  testServer = login
  server = connected
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
  await ledger.append(held, ledgerEvent({ range: { from: 1, to: 2 }, targetUuid: randomUUID() }))
  await held.renew()
  expect(held.epoch).toBe(2)
  await held.release()
  const next = await (await openRunner(server, names)).locks.acquire(KEY, silent)
  expect(next.epoch).toBe(3)
  await next.release()
})

test('a table that is no lock, however alike its name, is nobody’s lock, is not dropped, and counts no epoch', async () => {
  const { locks, names } = await openRunner(server)
  await (await locks.acquire(KEY, silent)).release()
  const alike = `${NETWORK}__${KEY}xx${'9'.padStart(20, '0')}`
  await post(
    testServer,
    `CREATE TABLE ${names.locks}.\`${alike}\` (nothing UInt8) ENGINE = Null COMMENT '{}'`,
  )
  expect(await locks.holders()).toMatchObject(new Map([[KEY, { epoch: 1 }]]))
  const lock = await locks.acquire(KEY, silent, 0, 'up', await locks.look([KEY]))
  expect(lock.epoch).toBe(2)
  await lock.release()
  await locks.sweep()
  expect(await lockTables(server, names)).toEqual([alike, lock.name].toSorted())
})

test('a lock that two chunks renew at once has the number that its name says', async () => {
  const { locks, names } = await openRunner(server)
  const lock = await locks.acquire(KEY, silent)
  await Promise.all([lock.renew(), lock.renew()])
  expect(lock).toMatchObject({ epoch: 3, name: lockName({ network: NETWORK, key: KEY, epoch: 3 }) })
  await lock.release()
  expect(await lockTables(server, names)).toEqual([lock.name])
})

test('a runner that has slept while another had two epochs of its lock is told so, although the one after its own is free again', async () => {
  const { locks, names } = await openRunner(server)
  const slept = await locks.acquire(KEY, silent)
  await createLock(server, names, 2, { released: true })
  const other = await (await openRunner(server, names)).locks.acquire(KEY, silent)
  expect(await lockTables(server, names)).toEqual([lockName({ network: NETWORK, key: KEY, epoch: 3 })])

  await expect(slept.renew()).rejects.toMatchObject(locked)
  await Promise.all([other.release(), slept.release()])
})

test('how long a holder has given no sign is counted by the clock of the server', async () => {
  const { locks, names } = await openRunner(server)
  const name = await createLock(server, names, 1, { heartbeat: '2020-01-01T00:00:00Z' })
  const silence = async () => (await locks.holders()).get(KEY)!.silentSeconds
  await vi.waitFor(async () => expect(await silence()).toBeGreaterThanOrEqual(2), { timeout: 60_000 })
  await server.client.command({
    query: `ALTER TABLE {locks:Identifier}.{name:Identifier} MODIFY COMMENT 'alive'`,
    query_params: { locks: names.locks, name },
  })
  expect(await silence()).toBeLessThan(2)
})
