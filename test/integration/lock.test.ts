import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compiledFence, lockName } from '../../src/clickhouse/fence.ts'
import { openLedger } from '../../src/clickhouse/ledger.ts'
import { commentLiteral, type LockComment, openLocks } from '../../src/clickhouse/lock.ts'
import type { Names } from '../../src/clickhouse/names.ts'
import type { Server } from '../../src/clickhouse/server.ts'
import { connect, createLedger, ledgerEvent } from '../support/clickhouse.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const NETWORK = 'mainnet'
const KEY = 'address_diffs'
const UUID = '6f9619ff-8b86-d011-b42d-00c04fc964ff'

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

/** A ledger of its own with what stands on it, as one runner has it. */
async function openRunner(names?: Names, { network = NETWORK, alone = false } = {}) {
  const own = names ?? (await createLedger(server))
  return {
    names: own,
    locks: openLocks({ server, names: own, network, alone }),
    ledger: openLedger({ server, names: own, network, toolVersion: 'test' }),
  }
}

const silent = () => {}
const at = (from: number, to: number) => ledgerEvent({ range: { from, to }, targetUuid: UUID })
const locked = { kind: 'locked' }

async function lockTables({ locks }: Names): Promise<string[]> {
  const rows = await server.db
    .selectFrom('system.tables')
    .select('name')
    .where('database', '=', locks)
    .orderBy('name')
    .execute()
  return rows.map(({ name }) => name)
}

/** A lock as another process would have left it. */
async function createLock(names: Names, epoch: number, comment: Partial<LockComment>): Promise<string> {
  const name = lockName({ network: NETWORK, key: KEY, epoch })
  const full = {
    host: 'elsewhere',
    pid: 4711,
    since: 'then',
    heartbeat: 'then',
    beats: 0,
    released: false,
    ...comment,
  }
  await server.client.command({
    query: `CREATE TABLE {locks:Identifier}.{name:Identifier} (nothing UInt8) ENGINE = Null COMMENT ${commentLiteral(full)}`,
    query_params: { locks: names.locks, name },
  })
  return name
}

/** Runs a statement under the fence of a lock, as the executor does. */
async function insertFenced(names: Names, lock: { readonly name: string }, select: string): Promise<void> {
  const { text, params } = compiledFence(server.db, { lockName: lock.name, locksDatabase: names.locks })
  const query = `INSERT INTO {ledger:Identifier}.ledger (from_block) SELECT n FROM (${select}) WHERE ${text}`
  await server.client.command({ query, query_params: { ...params, ledger: names.ledger } })
}

const ledgerRows = async ({ ledger }: Names) => {
  const rows = await server.db
    .withSchema(ledger)
    .selectFrom('ledger')
    .select(['epoch', 'from_block'])
    .orderBy('from_block')
    .execute()
  return rows.map(({ epoch, from_block }) => [epoch, from_block])
}

// The slowest first: those that wait for real time wait together.

test.concurrent('a lock whose comment stands still for 20 s is taken over, and not before', async ({
  expect: hope,
}) => {
  const { locks, names } = await openRunner()
  await createLock(names, 1, {})
  const notes: string[] = []
  const started = performance.now()
  const lock = await locks.acquire(KEY, (text) => notes.push(text))
  hope(performance.now() - started).toBeGreaterThanOrEqual(20_000)
  hope(lock.epoch).toBe(2)
  hope(notes).toEqual([hope.stringContaining('process 4711 on elsewhere')])
  await lock.release()
})

test.concurrent('a held lock is refused, naming host and process: nobody waits for a run to end', async ({
  expect: hope,
}) => {
  const { locks, names } = await openRunner()
  const held = await locks.acquire(KEY, silent)
  const other = await openRunner(names)
  const started = performance.now()
  await hope(other.locks.acquire(KEY, silent)).rejects.toMatchObject({
    ...locked,
    message: hope.stringContaining(`process ${process.pid} on ${hostname()}`),
  })
  hope(performance.now() - started).toBeLessThan(15_000)
  await held.release()
})

test.concurrent('a lock that another host still beats is refused as soon as the comment moves', async ({
  expect: hope,
}) => {
  const { locks, names } = await openRunner()
  const name = await createLock(names, 1, {})
  const beat = () =>
    server.client.command({
      query: `ALTER TABLE {locks:Identifier}.{name:Identifier} MODIFY COMMENT 'alive, in words that nobody can read'`,
      query_params: { locks: names.locks, name },
    })
  const started = performance.now()
  // The note comes once the comment has been seen for the first time.
  await hope(locks.acquire(KEY, () => void beat())).rejects.toMatchObject(locked)
  hope(performance.now() - started).toBeLessThan(10_000)
})

test.concurrent('of 30 takers one wins, and the others are told that it is locked', async ({
  expect: hope,
}) => {
  const { names } = await openRunner()
  const runners = await Promise.all(Array.from({ length: 30 }, () => openRunner(names)))
  const takings = await Promise.allSettled(runners.map(({ locks }) => locks.acquire(KEY, silent)))
  const won = takings.flatMap((taking) => (taking.status === 'fulfilled' ? [taking.value] : []))
  const lost: unknown[] = takings.flatMap((taking) => (taking.status === 'rejected' ? [taking.reason] : []))
  hope(won).toHaveLength(1)
  hope(lost).toEqual(lost.map(() => hope.objectContaining(locked)))
  hope(await lockTables(names)).toEqual([won[0]!.name])
  await won[0]!.release()
})

test('a released lock is taken at once, and each epoch is one higher', async () => {
  const { locks, names } = await openRunner()
  const started = performance.now()
  for (const epoch of [1, 2, 3]) {
    const lock = await locks.acquire(KEY, silent)
    expect(lock.epoch).toBe(epoch)
    expect(await lockTables(names)).toEqual([lockName({ network: NETWORK, key: KEY, epoch })])
    await lock.release()
  }
  expect(performance.now() - started).toBeLessThan(4_000)
})

test('epochs go on from the ledger where the locks were dropped, so that new events come after the old ones', async () => {
  const { locks, ledger, names } = await openRunner()
  await createLock(names, 41, { released: true })
  const before = await locks.acquire(KEY, silent)
  await ledger.append(before, at(1, 1))
  await before.release()
  await server.client.command({ query: 'DROP DATABASE {locks:Identifier}', query_params: names })
  await server.client.command({ query: 'CREATE DATABASE {locks:Identifier}', query_params: names })

  const after = await locks.acquire(KEY, silent)
  expect([before.epoch, after.epoch]).toEqual([42, 43])
  await after.release()
})

test('an owner drops all lower epochs and never the highest, and only those of its own lock', async () => {
  const { locks, names } = await openRunner()
  for (const epoch of [1, 2, 9, 10]) await createLock(names, epoch, { released: true })
  const other = await (await openRunner(names)).locks.acquire('address_diffs_too', silent)
  const sepolia = await (await openRunner(names, { network: 'sepolia' })).locks.acquire(KEY, silent)

  const lock = await locks.acquire(KEY, silent)
  expect(lock.epoch).toBe(11)
  await lock.release()
  expect((await lockTables(names)).toSorted()).toEqual([lock.name, other.name, sepolia.name].toSorted())
  await Promise.all([other.release(), sepolia.release()])
})

test('whoever has lost the lock cannot write events any more, and is told so', async () => {
  const { locks, ledger, names } = await openRunner()
  const old = await locks.acquire(KEY, silent)
  await ledger.append(old, at(1, 1))
  await old.release()
  const present = await locks.acquire(KEY, silent)

  await expect(ledger.append(old, at(2, 2))).rejects.toMatchObject(locked)
  await expect(ledger.checkpoint(old, { targetUuid: UUID, runId: 'run' })).rejects.toMatchObject(locked)
  await ledger.append(present, at(3, 3))
  expect(await ledgerRows(names)).toEqual([
    [1, 1],
    [2, 3],
  ])
  await present.release()
})

test('a lost lock refuses a statement also where it yields no row', async () => {
  const { locks, names } = await openRunner()
  const old = await locks.acquire(KEY, silent)
  const none = 'SELECT number AS n FROM numbers(0)'
  await insertFenced(names, old, none)
  await insertFenced(names, old, 'SELECT 1 AS n')
  await old.release()
  const present = await locks.acquire(KEY, silent)

  await expect(insertFenced(names, old, none)).rejects.toThrow('lock lost')
  await expect(insertFenced(names, old, 'SELECT 2 AS n')).rejects.toThrow('lock lost')
  await insertFenced(names, present, 'SELECT 3 AS n')
  expect((await ledgerRows(names)).map(([, block]) => block)).toEqual([1, 3])
  await present.release()
})

test('nothing can be written where the locks were dropped', async () => {
  const { locks, ledger, names } = await openRunner()
  const lock = await locks.acquire(KEY, silent)
  await server.client.command({ query: 'DROP DATABASE {locks:Identifier}', query_params: names })
  await expect(ledger.append(lock, at(1, 1))).rejects.toMatchObject(locked)
  await lock.release()
})

test('the locks of other tables and networks, however alike their names, do not matter to a fence', async () => {
  const { locks, names } = await openRunner()
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

test('the lock of a process of this host that is gone is taken at once', async () => {
  const { locks, names } = await openRunner()
  const child = spawn(process.execPath, ['-e', '0'])
  await once(child, 'close')
  await createLock(names, 1, { host: hostname(), pid: child.pid! })
  const started = performance.now()
  const lock = await locks.acquire(KEY, silent)
  expect(performance.now() - started).toBeLessThan(4_000)
  expect(lock.epoch).toBe(2)
  await lock.release()
})

test('who is alone on the server takes what an earlier process left, at once', async () => {
  const { locks, names } = await openRunner(undefined, { alone: true })
  await createLock(names, 1, { host: hostname(), pid: process.pid })
  const started = performance.now()
  const lock = await locks.acquire(KEY, silent)
  expect(performance.now() - started).toBeLessThan(4_000)
  expect(lock.epoch).toBe(2)
  await lock.release()
})

test('holders tell for each table of the network who holds its highest epoch', async () => {
  const { locks, names } = await openRunner()
  await createLock(names, 7, { released: true })
  await createLock(names, 12, { host: 'other-host', pid: 17, since: 'S', heartbeat: 'H' })
  const free = await locks.acquire('block_slots_stat', silent)
  await free.release()
  const held = await locks.acquire('address_reads', silent)
  await (
    await openRunner(names, { network: 'sepolia' })
  ).locks
    .acquire('address_reads', silent)
    .then((lock) => lock.release())

  const holders = await locks.holders()
  expect([...holders.keys()].toSorted()).toEqual([KEY, 'address_reads', 'block_slots_stat'])
  expect(holders.get(KEY)).toEqual({
    name: lockName({ network: NETWORK, key: KEY, epoch: 12 }),
    epoch: 12,
    released: false,
    host: 'other-host',
    pid: 17,
    since: 'S',
    heartbeat: 'H',
  })
  expect(holders.get('address_reads')).toMatchObject({
    epoch: 1,
    released: false,
    host: hostname(),
    pid: process.pid,
  })
  expect(holders.get('block_slots_stat')).toMatchObject({ epoch: 1, released: true })
  await held.release()
})

test('a host with a hostile name takes a lock like any other, and its comment stays a comment', async () => {
  const { names } = await openRunner()
  const hosts = ["'; DROP TABLE x; --", '\\', "\\'", "' ENGINE = Memory --", '{name:String}', '$$', '\n']
  for (const [index, host] of hosts.entries()) await createLock(names, index + 1, { host })
  const rows = await server.db
    .selectFrom('system.tables')
    .select(['engine', sql<string>`concat('\\'', comment, '\\'')`.as('comment')])
    .where('database', '=', names.locks)
    .orderBy('name')
    .execute()
  expect(rows).toEqual(
    hosts.map((host) => ({
      engine: 'Null',
      comment: commentLiteral({
        host,
        pid: 4711,
        since: 'then',
        heartbeat: 'then',
        beats: 0,
        released: false,
      }),
    })),
  )
})
