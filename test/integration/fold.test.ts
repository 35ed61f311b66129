import { randomUUID } from 'node:crypto'
import { createClient } from '@clickhouse/client'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kyselyFor } from '../../src/clickhouse/dialect.ts'
import { foldQuery } from '../../src/clickhouse/fold.ts'
import { openLedger } from '../../src/clickhouse/ledger.ts'
import { openLocks } from '../../src/clickhouse/lock.ts'
import type { Names } from '../../src/clickhouse/names.ts'
import type { Schema } from '../../src/clickhouse/schema.ts'
import { type Server, STATEMENT_SETTINGS } from '../../src/clickhouse/server.ts'
import type { EventName, Island } from '../../src/runner/ledger-model.ts'
import type { Range } from '../../src/runner/model.ts'
import { connect, createLedger, ledgerEvent } from '../support/clickhouse.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** The highest block there can be: all lie below 2^53. */
const LAST_BLOCK = Number.MAX_SAFE_INTEGER

let testServer: TestServer
let server: Server
let names: Names

beforeAll(async () => {
  testServer = await startTestServer()
  server = await connect(testServer)
  names = await createLedger(server)
})

afterAll(async () => {
  await server?.close()
  await testServer?.stop()
})

type Event = {
  readonly key: string
  readonly uuid: string
  readonly epoch: number
  readonly seq: number
  readonly event: EventName
  readonly range: Range
  readonly hash: string
  /** Of a checkpoint. */
  readonly islands?: readonly Island[]
}

const STATES = { started: 'dirty', failed: 'dirty', done: 'done', cleaned: undefined, invalidated: 'invalidated', accepted: 'accepted' } as const

/**
 * The oracle: every block has the state of the latest event over it, by (epoch, seq), and nothing else counts.
 * It looks at one block of each stretch that no event's end cuts.
 */
function paint(events: readonly Event[]): Island[] {
  const ordered = events.filter(({ event }) => event !== 'checkpoint').toSorted((a, b) => a.epoch - b.epoch || a.seq - b.seq)
  const cuts = [...new Set(ordered.flatMap(({ range }) => [range.from, range.to + 1]))].toSorted((a, b) => a - b)
  const islands: Island[] = []
  for (const [index, from] of cuts.slice(0, -1).entries()) {
    const latest = ordered.findLast(({ range }) => range.from <= from && from <= range.to)
    const state = latest && STATES[latest.event as keyof typeof STATES]
    if (latest === undefined || state === undefined) continue
    const to = cuts[index + 1]! - 1
    const last = islands.at(-1)
    const goesOn = last !== undefined && last.to + 1 === from && last.state === state && last.sqlHash === latest.hash
    if (goesOn) islands[islands.length - 1] = { ...last, to }
    else islands.push({ from, to, state, sqlHash: latest.hash })
  }
  return islands
}

/** Appends events by hand, in whatever order they come. */
function insert(network: string, events: readonly Event[]) {
  return server.client.insert({
    table: `${names.ledger}.ledger`,
    format: 'JSONEachRow',
    values: events.map(({ key, uuid, epoch, seq, event, range, hash, islands = [] }) => ({
      network,
      table_key: key,
      target_uuid: uuid,
      epoch,
      seq,
      event,
      from_block: range.from,
      to_block: range.to,
      sql_hash: hash,
      islands: islands.map(({ from, to, state, sqlHash }) => ({ from_block: from, to_block: to, state, sql_hash: sqlHash })),
    })),
  })
}

type FoldOptions = { readonly network: string; readonly uuids: ReadonlyMap<string, string>; readonly fromCheckpoint: boolean }

/** What the fold says, by table key. */
async function fold(options: FoldOptions, db = server.db): Promise<Record<string, Island[]>> {
  const rows = await foldQuery(db.withSchema(names.ledger), options).execute()
  const keys = [...options.uuids.keys()].map((key): [string, Island[]] => [
    key,
    rows
      .filter((row) => row.table_key === key)
      .map(({ from_block, to_block, state, sql_hash }) => ({ from: from_block, to: to_block, state, sqlHash: sql_hash })),
  ])
  return Object.fromEntries(keys)
}

let networks = 0
/** A network that no other history has: they share one ledger. */
const newNetwork = () => `history_${++networks}`

/** Few blocks, so that ranges repeat, overlap, touch and nest; at both ends of what a block number can be. */
const someRange = (low: number, blocks: number) =>
  fc.tuple(fc.nat(blocks - 1), fc.nat(blocks - 1)).map(([a, b]) => ({ from: low + Math.min(a, b), to: low + Math.max(a, b) }))
const anyRange = fc.oneof(
  { weight: 6, arbitrary: someRange(0, 30) },
  { weight: 2, arbitrary: someRange(LAST_BLOCK - 9, 10) },
  { weight: 1, arbitrary: someRange(2 ** 32 - 5, 10) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ from: 0, to: LAST_BLOCK }, { from: 17, to: LAST_BLOCK - 1 }, { from: 2 ** 40 + 1, to: 2 ** 52 - 2 }),
  },
)
/** Many tables in one fold: a query costs more than the events. */
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'] as const
const anyEvent = fc.record({
  key: fc.constantFrom(...KEYS),
  /** Which of the table's targets: the present one, or one that was dropped. */
  target: fc.constantFrom('present', 'present', 'dropped'),
  event: fc.constantFrom('started', 'done', 'done', 'done', 'failed', 'cleaned', 'invalidated', 'accepted', 'checkpoint') as fc.Arbitrary<EventName>,
  range: anyRange,
  hash: fc.constantFrom('old', 'new'),
  /** Whether a new epoch begins with it, and how much higher. */
  newEpoch: fc.constantFrom(0, 0, 0, 1, 7),
  /** How often its append was repeated, and when the server got it. */
  copies: fc.constantFrom(1, 1, 1, 2, 3),
  arrival: fc.nat(1000),
})
const anyHistory = fc.array(anyEvent, { minLength: 1, maxLength: 160, size: 'max' })
type DrawnEvent = typeof anyEvent extends fc.Arbitrary<infer T> ? T : never

/** Numbers the drawn events and lets each checkpoint hold what the oracle makes of those before it. */
function makeHistory(drawn: readonly DrawnEvent[]) {
  const uuids = { present: randomUUID(), dropped: randomUUID() } as const
  const uuidOf = ({ key, target }: { readonly key: string; readonly target: keyof typeof uuids }) => uuids[target].slice(0, -1) + key
  const history: Event[] = []
  let [epoch, seq] = [1, 0]
  for (const one of drawn) {
    if (one.newEpoch > 0) [epoch, seq] = [epoch + one.newEpoch, 0]
    const { key, event, range, hash } = one
    const uuid = uuidOf(one)
    const before = history.filter((other) => other.key === key && other.uuid === uuid)
    history.push({ key, uuid, epoch, seq: ++seq, event, range, hash, ...(event === 'checkpoint' && { islands: paint(before) }) })
  }
  const arrived = drawn
    .flatMap(({ copies, arrival }, index) => Array.from({ length: copies }, (_, copy) => ({ event: history[index]!, at: (arrival * (copy + 1)) % 997 })))
    .toSorted((a, b) => a.at - b.at)
    .map(({ event }) => event)
  const present = new Map(KEYS.map((key) => [key, uuidOf({ key, target: 'present' })]))
  const painted = [...present].map(([key, uuid]): [string, Island[]] => [key, paint(history.filter((one) => one.key === key && one.uuid === uuid))])
  return { arrived, uuids: present, expected: Object.fromEntries(painted) }
}

test('whatever was appended, in whatever order it arrived, the latest event over a block says its state', async () => {
  await fc.assert(
    fc.asyncProperty(anyHistory, async (drawn) => {
      const network = newNetwork()
      const { arrived, uuids, expected } = makeHistory(drawn)
      const half = Math.ceil(arrived.length / 2)
      await insert(network, arrived.slice(0, half))
      if (half < arrived.length) await insert(network, arrived.slice(half))
      const [short, whole] = await Promise.all([true, false].map((fromCheckpoint) => fold({ network, uuids, fromCheckpoint })))
      expect(whole).toEqual(expected)
      expect(short).toEqual(expected)
    }),
    { numRuns: 20 },
  )
})

const someStep = fc.record({
  event: fc.constantFrom('started', 'done', 'done', 'failed', 'cleaned', 'accepted', 'checkpoint') as fc.Arbitrary<EventName>,
  range: anyRange,
  hash: fc.constantFrom('old', 'new'),
  newEpoch: fc.constantFrom(false, false, false, true),
})

test('what a runner appends and checkpoints reads the same from the checkpoint and from the first event', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(someStep, { minLength: 15, maxLength: 25 }), async (steps) => {
      const network = newNetwork()
      const options = { server, names, network }
      const ledger = openLedger({ ...options, toolVersion: 'test' })
      const locks = openLocks({ ...options, alone: true })
      const uuid = randomUUID()
      const uuids = new Map([['a', uuid]])
      const history: Event[] = []
      let lock = await locks.acquire('a', () => {})
      let seq = 0
      let tail = 0
      for (const { event, range, hash, newEpoch } of steps) {
        if (newEpoch) {
          await lock.release()
          lock = await locks.acquire('a', () => {})
          seq = 0
        }
        if (event === 'checkpoint') await ledger.checkpoint(lock, { targetUuid: uuid, runId: 'run' })
        else await ledger.append(lock, ledgerEvent({ event, range, targetUuid: uuid, sqlHash: hash }))
        history.push({ key: 'a', uuid, epoch: lock.epoch, seq: ++seq, event, range, hash })
        tail = event === 'checkpoint' ? 0 : tail + 1
      }
      await lock.release()

      const view = (await ledger.fold(uuids)).get('a')!
      const whole = await fold({ network, uuids, fromCheckpoint: false })
      expect(whole['a']).toEqual(paint(history))
      expect(view.islands).toEqual(whole['a'])
      expect(view.tail).toBe(tail)
    }),
    { numRuns: 2 },
  )
})

const UUID = '6f9619ff-8b86-d011-b42d-00c04fc964ff'
const done = (epoch: number, seq: number, from: number, to: number, more: Partial<Event> = {}): Event => ({
  key: 'a',
  uuid: UUID,
  epoch,
  seq,
  event: 'done',
  range: { from, to },
  hash: 'h',
  ...more,
})
const isDone = (from: number, to: number): Island => ({ from, to, state: 'done', sqlHash: 'h' })
const present = new Map([['a', UUID]])

test('events are ordered by epoch, then by seq, both as numbers', async () => {
  const network = newNetwork()
  await insert(network, [
    done(10, 1, 0, 9),
    done(9, 10, 0, 9, { event: 'failed' }),
    done(2, 10, 20, 29),
    done(2, 9, 20, 29, { event: 'failed' }),
    done(1, 11, 20, 29, { event: 'invalidated' }),
  ])
  expect(await fold({ network, uuids: present, fromCheckpoint: true })).toEqual({ a: [isDone(0, 9), isDone(20, 29)] })
})

test('a chunk that was started and never ended is dirty, and so is a failed one', async () => {
  const network = newNetwork()
  await insert(network, [done(1, 1, 0, 9, { event: 'started' }), done(1, 2, 20, 29, { event: 'started' }), done(1, 3, 20, 29, { event: 'failed' })])
  expect(await fold({ network, uuids: present, fromCheckpoint: true })).toEqual({
    a: [
      { from: 0, to: 9, state: 'dirty', sqlHash: 'h' },
      { from: 20, to: 29, state: 'dirty', sqlHash: 'h' },
    ],
  })
})

test('a checkpoint stands for everything before it: nothing older is read, everything later is', async () => {
  const network = newNetwork()
  await insert(network, [
    done(1, 1, 0, 9),
    done(1, 2, 0, 0, { event: 'checkpoint', islands: [isDone(100, 109)] }), // not what the events say, to tell them apart
    done(1, 3, 110, 119),
    done(0, 9, 50, 59),
  ])
  expect(await fold({ network, uuids: present, fromCheckpoint: true })).toEqual({ a: [isDone(100, 119)] })
  expect(await fold({ network, uuids: present, fromCheckpoint: false })).toEqual({ a: [isDone(0, 9), isDone(50, 59), isDone(110, 119)] })
})

test('a table that was dropped and created again is not done; other tables and networks do not count', async () => {
  const network = newNetwork()
  await insert(network, [done(1, 1, 0, 9), done(1, 2, 5, 5, { key: 'b' })])
  await insert(newNetwork(), [done(1, 1, 20, 29)])
  const ledger = openLedger({ server, names, network, toolVersion: 'test' })
  const view = await ledger.fold(new Map([['a', randomUUID()], ['b', UUID]]))
  expect(view.get('a')).toEqual({ islands: [], tail: 0, lastRun: undefined })
  expect(view.get('b')).toMatchObject({ islands: [isDone(5, 5)], tail: 1 })
})

test('ranges that reach the highest block are whole, alone and in a crowd', async () => {
  const network = newNetwork()
  const uuids = new Map([...present, ['b', UUID], ['c', UUID]])
  await insert(network, [
    done(1, 1, LAST_BLOCK - 1, LAST_BLOCK - 1),
    done(1, 2, LAST_BLOCK, LAST_BLOCK, { key: 'b' }),
    done(1, 3, 0, LAST_BLOCK, { key: 'c' }),
    done(1, 4, 5, LAST_BLOCK - 1, { key: 'c', event: 'cleaned' }),
  ])
  expect(await fold({ network, uuids, fromCheckpoint: true })).toEqual({
    a: [isDone(LAST_BLOCK - 1, LAST_BLOCK - 1)],
    b: [isDone(LAST_BLOCK, LAST_BLOCK)],
    c: [isDone(0, 4), isDone(LAST_BLOCK, LAST_BLOCK)],
  })
})

test('a profile of the user’s does not change what the fold says', async () => {
  const network = newNetwork()
  await insert(network, [done(1, 1, 0, 9), done(1, 2, 20, 29), done(1, 3, 20, 22, { event: 'cleaned' })])
  const { url, username, password } = server.connection
  const profile = { join_use_nulls: 1, transform_null_in: 1, enable_named_columns_in_function_tuple: 1, max_threads: 1 } as const
  const client = createClient({ url, username, password, clickhouse_settings: { ...STATEMENT_SETTINGS, ...profile } })
  try {
    const other: Server = { ...server, client, db: kyselyFor<Schema>(client) }
    const ledger = openLedger({ server: other, names, network, toolVersion: 'test' })
    expect((await ledger.fold(present)).get('a')).toMatchObject({ islands: [isDone(0, 9), isDone(23, 29)], tail: 3 })
  } finally {
    await client.close()
  }
})
