import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { compiledFence, lockName } from '../../src/lock/fence.ts'
import type { Names, Server } from '../../src/clickhouse/server.ts'
import { ledgerEvent, useServer } from '../support/clickhouse.ts'
import { KEY, locked, NETWORK, openRunner, silent } from '../support/locks.ts'

const UUID = randomUUID()

let server: Server

useServer((_, connected) => void (server = connected))

const at = (from: number, to: number) => ledgerEvent({ range: { from, to }, targetUuid: UUID })

/** Runs a statement under the fence of a lock, as the executor does. */
async function insertFenced(names: Names, lock: { readonly name: string }, select: string): Promise<void> {
  const { text, params } = compiledFence(server.db, { lockName: lock.name, names })
  const query = `INSERT INTO {ledger:Identifier}.ledger (range_from) SELECT n FROM (${select}) WHERE ${text}`
  await server.client.command({ query, query_params: { ...params, ledger: names.ledger } })
}

const ledgerRows = async ({ ledger }: Names) => {
  const rows = await server.db
    .withSchema(ledger)
    .selectFrom('ledger')
    .select(['epoch', 'range_from'])
    .orderBy('range_from')
    .execute()
  return rows.map(({ epoch, range_from }) => [epoch, range_from])
}

test('whoever has lost the lock cannot write events any more, and is told so', async () => {
  const { locks, ledger, names } = await openRunner(server)
  const old = await locks.acquire(KEY, silent)
  await ledger.append(old, at(1, 1))
  await old.release()
  const present = await locks.acquire(KEY, silent)

  await expect(ledger.append(old, at(2, 2))).rejects.toMatchObject(locked)
  await expect(ledger.checkpoint([{ lock: old, targetUuid: UUID }], 'run')).rejects.toMatchObject(locked)
  await ledger.append(present, at(3, 3))
  expect(await ledgerRows(names)).toEqual([
    [1, 1],
    [2, 3],
  ])
  await present.release()
})

test('a lost lock refuses a statement also where it yields no row', async () => {
  const { locks, names } = await openRunner(server)
  const old = await locks.acquire(KEY, silent)
  const none = 'SELECT number AS n FROM numbers(0)'
  await insertFenced(names, old, none)
  await insertFenced(names, old, 'SELECT 1 AS n')
  await old.release()
  const present = await locks.acquire(KEY, silent)

  await expect(insertFenced(names, old, none)).rejects.toMatchObject(locked)
  await expect(insertFenced(names, old, 'SELECT 2 AS n')).rejects.toMatchObject(locked)
  await insertFenced(names, present, 'SELECT 3 AS n')
  expect((await ledgerRows(names)).map(([, block]) => block)).toEqual([1, 3])
  await present.release()
})

test('nothing can be written where the locks were dropped', async () => {
  const { locks, ledger, names } = await openRunner(server)
  const lock = await locks.acquire(KEY, silent)
  await server.client.command({ query: 'DROP DATABASE {locks:Identifier}', query_params: names })
  await expect(ledger.append(lock, at(1, 1))).rejects.toMatchObject(locked)
  await lock.release()
})

test('the locks of other tables and networks, however alike their names, do not matter to a fence', async () => {
  const { locks, names } = await openRunner(server)
  const lock = await locks.acquire('a_b', silent)
  const others = [
    lockName({ network: NETWORK, key: 'axb', epoch: 99 }),
    lockName({ network: NETWORK, key: 'a_b_c', epoch: 99 }),
    lockName({ network: 'mainnet_a', key: 'a_b', epoch: 99 }),
    `${lockName({ network: NETWORK, key: 'a_b', epoch: 99 })}0`,
  ]
  for (const name of others)
    await server.client.command({
      query: 'CREATE TABLE {locks:Identifier}.{name:Identifier} (nothing UInt8) ENGINE = Null',
      query_params: { ...names, name },
    })
  await insertFenced(names, lock, 'SELECT 1 AS n')
  expect(await ledgerRows(names)).toHaveLength(1)
  await lock.release()
})
