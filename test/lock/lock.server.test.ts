import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { identity } from '../../src/seam/process.ts'
import { lockName } from '../../src/lock/fence.ts'
import { commentLiteral } from '../../src/lock/comment.ts'
import type { Server } from '../../src/clickhouse/server.ts'
import { ledgerEvent, useServer } from '../support/clickhouse.ts'
import { createLock, KEY, locked, lockTables, NETWORK, openRunner, silent } from '../support/locks.ts'
import { post, rowsOf, type TestServer } from '../support/server.ts'
import { serverTime } from '../support/audit.ts'
import { recordSleeps } from '../support/sleeps.ts'

let testServer: TestServer
let server: Server

useServer((login, connected) => {
  testServer = login
  server = connected
})

// The slowest first: those that wait for real time wait together.
test.concurrent('a lock whose comment stands still for 20 s is taken over, and not before', async ({
  expect: hope,
}) => {
  const { locks, names } = await openRunner(server)
  await createLock(server, names, 1, {})
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
  const { locks, names } = await openRunner(server)
  const held = await locks.acquire(KEY, silent)
  const other = await openRunner(server, names)
  // It is not released before.
  await hope(other.locks.acquire(KEY, silent)).rejects.toMatchObject({
    ...locked,
    message: hope.stringContaining(`process ${process.pid} on ${hostname()}`),
  })
  await held.release()
})

test.concurrent('a held lock is waited for as long as one is told, and taken when it is released', async ({
  expect: hope,
}) => {
  const { locks, names } = await openRunner(server)
  const held = await locks.acquire(KEY, silent)
  const other = await openRunner(server, names)
  const taking = other.locks.acquire(KEY, silent, 60_000)
  await sleep(7_000) // long enough to see a heartbeat
  await held.release()
  const lock = await taking
  hope(lock.epoch).toBe(held.epoch + 1)
  await lock.release()
})

test.concurrent('a lock that another host still beats is refused as soon as the comment moves', async ({
  expect: hope,
}) => {
  const { locks, names } = await openRunner(server)
  const name = await createLock(server, names, 1, {})
  const beat = async () => {
    await server.client.command({
      query: `ALTER TABLE {locks:Identifier}.{name:Identifier} MODIFY COMMENT 'alive, in words that nobody can read'`,
      query_params: { locks: names.locks, name },
    })
    return await serverTime(testServer)
  }
  let moved: Promise<string> | undefined // the note comes once the comment has been seen for the first time
  await hope(locks.acquire(KEY, () => void (moved = beat()))).rejects.toMatchObject(locked)
  const since = (await moved) ?? ''
  const readLooks = async () => {
    await post(testServer, 'SYSTEM FLUSH LOGS query_log')
    const rows = await rowsOf<{ all: number; late: number }>(
      testServer,
      `SELECT count() AS all, countIf(query_start_time_microseconds > {since:String}) AS late FROM system.query_log
      WHERE type = 'QueryFinish' AND query LIKE '%comment%FROM system.tables%' AND query LIKE {locks:String}`,
      { since, locks: `%${names.locks}%` },
    )
    return rows[0]!
  }
  let looks = await readLooks()
  while (looks.all < 2) looks = await readLooks() // a statement may be logged a moment after its answer
  hope(looks.late).toBeLessThan(2)
})

test.concurrent('of 30 takers one wins, and the others are told that it is locked', async ({
  expect: hope,
}) => {
  const { names } = await openRunner(server)
  const runners = await Promise.all(Array.from({ length: 30 }, () => openRunner(server, names)))
  const takings = await Promise.allSettled(runners.map(({ locks }) => locks.acquire(KEY, silent)))
  const won = takings.flatMap((taking) => (taking.status === 'fulfilled' ? [taking.value] : []))
  const lost: unknown[] = takings.flatMap((taking) => (taking.status === 'rejected' ? [taking.reason] : []))
  hope(won).toHaveLength(1)
  hope(lost).toEqual(lost.map(() => hope.objectContaining(locked)))
  hope(await lockTables(server, names)).toEqual([won[0]!.name])
  await won[0]!.release()
})

test('a released lock is taken at once, and each epoch is one higher', async () => {
  const { locks, names } = await openRunner(server)
  const sleeps = recordSleeps()
  for (const epoch of [1, 2, 3]) {
    const lock = await locks.acquire(KEY, silent)
    expect(lock.epoch).toBe(epoch)
    expect(await lockTables(server, names)).toEqual([lockName({ network: NETWORK, key: KEY, epoch })])
    await lock.release()
  }
  expect(sleeps).toEqual([])
})

test('what was seen of a free lock is of no use once another has had it: the next takes the epoch after that', async () => {
  const { locks, names } = await openRunner(server)
  const other = await openRunner(server, names)
  const seen = await locks.look([KEY])
  await (await other.locks.acquire(KEY, silent)).release()
  const lock = await locks.acquire(KEY, silent, 0, 'up', seen)
  expect(lock.epoch).toBe(2)
  const stillFree = await locks.look([KEY])
  expect(stillFree(KEY)).toBeUndefined()
  await lock.release()
})

test('epochs go on from the ledger where the locks were dropped, so that new events come after the old ones', async () => {
  const { locks, ledger, names } = await openRunner(server)
  await createLock(server, names, 41, { released: true })
  const before = await locks.acquire(KEY, silent)
  await ledger.append(before, ledgerEvent({ range: { from: 1, to: 1 }, targetUuid: randomUUID() }))
  await before.release()
  await server.client.command({ query: 'DROP DATABASE {locks:Identifier}', query_params: names })
  await server.client.command({ query: 'CREATE DATABASE {locks:Identifier}', query_params: names })

  const after = await locks.acquire(KEY, silent)
  expect([before.epoch, after.epoch]).toEqual([42, 43])
  await after.release()
})

test('an owner drops all lower epochs and never the highest, and only those of its own lock', async () => {
  const { locks, names } = await openRunner(server)
  for (const epoch of [1, 2, 9, 10]) await createLock(server, names, epoch, { released: true })
  const other = await (await openRunner(server, names)).locks.acquire('address_diffs_too', silent)
  const sepolia = await (await openRunner(server, names, { network: 'sepolia' })).locks.acquire(KEY, silent)

  const lock = await locks.acquire(KEY, silent)
  expect(lock.epoch).toBe(11)
  await lock.release()
  expect((await lockTables(server, names)).toSorted()).toEqual(
    [lock.name, other.name, sepolia.name].toSorted(),
  )
  await Promise.all([other.release(), sepolia.release()])
})

test('the lock of a process of this host that is gone is taken at once', async () => {
  const { locks, names } = await openRunner(server)
  const child = spawn(process.execPath, ['-e', '0'])
  await once(child, 'close')
  await createLock(server, names, 1, { ...identity(), pid: child.pid! })
  const sleeps = recordSleeps()
  const lock = await locks.acquire(KEY, silent)
  expect(sleeps).toEqual([])
  expect(lock.epoch).toBe(2)
  await lock.release()
})

test('who is alone on the server takes what an earlier process left, at once', async () => {
  const { locks, names } = await openRunner(server, undefined, { exclusive: true })
  await createLock(server, names, 1, identity())
  const sleeps = recordSleeps()
  const lock = await locks.acquire(KEY, silent)
  expect(sleeps).toEqual([])
  expect(lock.epoch).toBe(2)
  await lock.release()
})

test('holders tell for each table of the network who holds its highest epoch', async () => {
  const { locks, names } = await openRunner(server)
  await createLock(server, names, 7, { released: true })
  await createLock(server, names, 12, { host: 'other-host', pid: 17, since: 'S', heartbeat: 'H' })
  const free = await locks.acquire('block_slots_stat', silent)
  await free.release()
  const held = await locks.acquire('address_reads', silent)
  await (
    await openRunner(server, names, { network: 'sepolia' })
  ).locks
    .acquire('address_reads', silent)
    .then((lock) => lock.release())

  const holders = await locks.holders()
  expect([...holders.keys()].toSorted()).toEqual([KEY, 'address_reads', 'block_slots_stat'])
  expect(holders.get(KEY)).toEqual({
    name: lockName({ network: NETWORK, key: KEY, epoch: 12 }),
    epoch: 12,
    released: false,
    command: '',
    host: 'other-host',
    pid: 17,
    pidNamespace: 'another',
    since: 'S',
    silentSeconds: expect.any(Number),
    heartbeat: 'H',
  })
  expect(holders.get('address_reads')).toMatchObject({
    epoch: 1,
    released: false,
    command: '',
    host: hostname(),
    pid: process.pid,
  })
  expect(holders.get('block_slots_stat')).toMatchObject({ epoch: 1, released: true })
  await held.release()
})

test('a host with a hostile name takes a lock like any other, and its comment stays a comment', async () => {
  const { names } = await openRunner(server)
  const hosts = ["'; DROP TABLE x; --", '\\', "\\'", "' ENGINE = Memory --", '{name:String}', '$$', '\n']
  for (const [index, host] of hosts.entries()) await createLock(server, names, index + 1, { host })
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
        pidNamespace: 'another',
        since: 'then',
        heartbeat: 'then',
        beats: 0,
        released: false,
      }),
    })),
  )
})
