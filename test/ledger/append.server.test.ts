// Owns the promises of events that several tables append at once.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Names, Server } from '../../src/clickhouse/server.ts'
import type { Lock } from '../../src/lock/lock.ts'
import { ledgerEvent, useServer } from '../support/clickhouse.ts'
import { locked, openRunner, silent } from '../support/locks.ts'

const KEYS = ['address_diffs', 'address_reads', 'block_slots_stat']

let server: Server
useServer((_, connected) => void (server = connected))

const at = (from: number, said: Partial<Parameters<typeof ledgerEvent>[0]> = {}) =>
  ledgerEvent({ range: { from, to: from }, targetUuid: randomUUID(), ...said })

const found = ({ ledger }: Names) =>
  server.db
    .withSchema(ledger)
    .selectFrom('ledger')
    .select(['table_key', 'epoch', 'seq', 'range_from', 'error'])
    .orderBy('range_from')
    .orderBy('seq')
    .execute()

/** INSERTs into this ledger that the server has run. */
async function statements({ ledger }: Names): Promise<number> {
  await server.client.command({ query: 'SYSTEM FLUSH LOGS query_log' })
  const [row] = await server.client.rows<{ n: number }>({
    query: `SELECT toUInt32(count()) AS n FROM system.query_log
      WHERE type = 'QueryFinish' AND startsWith(query, {text:String})`,
    query_params: { text: `INSERT INTO ${ledger}.ledger (` },
  })
  return row!.n
}

test('events of several tables at once are one statement, and each has its own lock and number', async () => {
  const { locks, ledger, names } = await openRunner(server)
  const held: Lock[] = []
  for (const key of KEYS) held.push(await locks.acquire(key, silent))
  await Promise.all(held.map((lock, index) => ledger.append(lock, at(index))))
  expect(await statements(names)).toBe(1)
  // While one is on its way, what comes meanwhile goes with the next; of one lock only its next event.
  await Promise.all([...held, ...held].map((lock, index) => ledger.append(lock, at(10 + index))))
  expect(await statements(names)).toBe(3)
  const rows = await found(names)
  expect(rows.map(({ table_key, epoch, seq }) => [table_key, epoch, seq])).toEqual([
    ...KEYS.map((key) => [key, 1, 1]),
    ...KEYS.map((key) => [key, 1, 2]),
    ...KEYS.map((key) => [key, 1, 3]),
  ])
  await Promise.all(held.map((lock) => lock.release()))
})

test('a lock that is lost keeps its own events out, and nobody else’s', async () => {
  const { locks, ledger, names } = await openRunner(server)
  const held: Lock[] = []
  for (const key of KEYS) held.push(await locks.acquire(key, silent))
  const [lost, ...others] = held as [Lock, ...Lock[]]
  await locks.takeOver(lost.key)
  const outcomes = await Promise.allSettled(held.map((lock, index) => ledger.append(lock, at(index))))
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  expect(outcomes[0]).toMatchObject({ reason: locked })
  expect((await found(names)).map(({ table_key }) => table_key)).toEqual(others.map(({ key }) => key))
  await Promise.all(others.map((lock) => lock.release()))
})

test('any text of an event arrives as it is, and half a character that a cut left harms nothing', async () => {
  const { locks, ledger, names } = await openRunner(server)
  const lock = await locks.acquire(KEYS[0]!, silent)
  const texts = ['a\nb\t"c" \\ \'d\' {e:String} \u0000 é 😀', 'cut \ud83d']
  for (const [index, error] of texts.entries())
    await ledger.append(lock, { ...at(index), event: 'failed', error })
  expect((await found(names)).map(({ error }) => error)).toEqual([texts[0], 'cut \ufffd'])
  await lock.release()
})
