import * as fc from 'fast-check'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openLedger } from '../../src/ledger/writer.ts'
import { openLocks } from '../../src/lock/lock.ts'
import { type Names, openAgain, type Server } from '../../src/clickhouse/server.ts'
import type { EventName } from '../../src/clickhouse/schema.ts'
import type { Island } from '../../src/ledger/events.ts'
import { connect, createLedger, ledgerEvent } from '../support/clickhouse.ts'
import { foldOf, insertEvents } from '../support/handmade-ledger.ts'
import {
  anyHistory,
  anyRange,
  type Event,
  LAST_BLOCK,
  makeHistory,
  paint,
} from '../support/ledger-history.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let testServer: TestServer
let server: Server
let names: Names

beforeAll(async () => {
  testServer = await startTestServer()
  server = await connect(testServer)
})

/** Of each test's own: the tables of one ledger are of one network. */
beforeEach(async () => {
  names = await createLedger(server)
})

afterAll(async () => {
  await server?.close()
  await testServer?.stop()
})

const insert = (network: string, events: readonly Event[]) => insertEvents({ server, names }, network, events)
const fold = (options: Parameters<typeof foldOf>[1]) => foldOf({ server, names }, options)

let networks = 0
/** A network that no other history has. */
const newNetwork = () => `history_${++networks}`

test('whatever was appended, in whatever order it arrived, the latest event over a block says its state', async () => {
  await fc.assert(
    fc.asyncProperty(anyHistory, async (drawn) => {
      const network = newNetwork()
      const { arrived, uuids, expected } = makeHistory(drawn)
      const half = Math.ceil(arrived.length / 2)
      await insert(network, arrived.slice(0, half))
      if (half < arrived.length) await insert(network, arrived.slice(half))
      const [short, whole] = await Promise.all(
        [true, false].map((fromCheckpoint) => fold({ network, uuids, fromCheckpoint })),
      )
      expect(whole).toEqual(expected)
      expect(short).toEqual(expected)
    }),
    { numRuns: 15 },
  )
})

const someStep = fc.record({
  event: fc.constantFrom(
    'started',
    'done',
    'done',
    'failed',
    'cleaned',
    'accepted',
    'checkpoint',
  ) as fc.Arbitrary<EventName>,
  range: anyRange,
  hash: fc.constantFrom('old', 'new'),
  newEpoch: fc.constantFrom(false, false, false, true),
})

test('what a runner appends and checkpoints reads the same from the checkpoint and from the first event', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(someStep, { minLength: 20, maxLength: 30, size: 'max' }), async (steps) => {
      const network = newNetwork()
      const options = { server, names, network }
      const ledger = openLedger({ ...options, toolVersion: 'test' })
      const locks = openLocks({ ...options, exclusive: true })
      const uuid = randomUUID()
      const uuids = new Map([['a', uuid]])
      const history: Event[] = []
      let lock = await locks.acquire('a', () => {})
      let seq = 0
      let tail = 0
      // Nothing waits for an answer before it sends the next event: chunks end whenever they end.
      let sent: Promise<void>[] = []
      for (const { event, range, hash, newEpoch } of steps) {
        if (newEpoch) {
          await Promise.all(sent)
          await lock.release()
          lock = await locks.acquire('a', () => {})
          sent = []
          seq = 0
        }
        if (event === 'checkpoint') sent.push(ledger.checkpoint([{ lock, targetUuid: uuid }], 'run'))
        else sent.push(ledger.append(lock, ledgerEvent({ event, range, targetUuid: uuid, sqlHash: hash })))
        history.push({ key: 'a', uuid, epoch: lock.epoch, seq: ++seq, event, range, hash })
        tail = event === 'checkpoint' ? 0 : tail + 1
      }
      await Promise.all(sent)
      await lock.release()

      const view = (await ledger.fold(uuids)).get('a')!
      const whole = await fold({ network, uuids, fromCheckpoint: false })
      expect(whole['a']).toEqual(paint(history))
      expect(view.islands).toEqual(whole['a'])
      expect(view.tail).toBe(tail)
    }),
    { numRuns: 2, endOnFailure: true },
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
const unknown = { forks: '', inputs: '' }
const isDone = (from: number, to: number): Island => ({ from, to, state: 'done', sqlHash: 'h', ...unknown })
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
  expect(await fold({ network, uuids: present, fromCheckpoint: true })).toEqual({
    a: [isDone(0, 9), isDone(20, 29)],
  })
})

test('a chunk that was started and never ended is dirty, and so is a failed one', async () => {
  const network = newNetwork()
  await insert(network, [
    done(1, 1, 0, 9, { event: 'started' }),
    done(1, 2, 20, 29, { event: 'started' }),
    done(1, 3, 20, 29, { event: 'failed' }),
  ])
  expect(await fold({ network, uuids: present, fromCheckpoint: true })).toEqual({
    a: [
      { ...isDone(0, 9), state: 'dirty' },
      { ...isDone(20, 29), state: 'dirty' },
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
  expect(await fold({ network, uuids: present, fromCheckpoint: false })).toEqual({
    a: [isDone(0, 9), isDone(50, 59), isDone(110, 119)],
  })
})

test('a table that was dropped and created again is not done; other tables and networks do not count', async () => {
  const network = newNetwork()
  await insert(network, [done(1, 1, 0, 9), done(1, 2, 5, 5, { key: 'b' })])
  await insert(newNetwork(), [{ ...done(1, 1, 20, 29), uuid: randomUUID() }])
  const ledger = openLedger({ server, names, network, toolVersion: 'test' })
  const view = await ledger.fold(
    new Map([
      ['a', randomUUID()],
      ['b', UUID],
    ]),
  )
  const nothing = { islands: [], tail: 0, position: [0, 0], digestRows: 0, oldestParts: [] }
  expect(view.get('a')).toEqual(nothing)
  expect(view.get('b')).toMatchObject({ islands: [isDone(5, 5)], tail: 1 })
})

test('a table with nothing behind its checkpoint is what the checkpoint says, one with events is folded', async () => {
  const network = newNetwork()
  const uuids = new Map([...present, ['b', UUID]])
  await insert(network, [
    done(1, 1, 0, 9),
    done(1, 2, 0, 0, { event: 'checkpoint', islands: [isDone(0, 9)] }),
    done(2, 1, 0, 0, { event: 'checkpoint', islands: [isDone(0, 9), isDone(20, 29)] }),
    done(1, 1, 0, 0, { key: 'b', event: 'checkpoint', islands: [isDone(0, 9)] }),
    done(1, 2, 0, 9, { key: 'b', event: 'cleaned' }),
  ])
  const view = await openLedger({ server, names, network, toolVersion: 'test' }).fold(uuids)
  expect(view.get('a')).toMatchObject({ islands: [isDone(0, 9), isDone(20, 29)], tail: 0 })
  expect(view.get('b')).toMatchObject({ islands: [], tail: 1 })
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
  await insert(network, [
    done(1, 1, 0, 9),
    done(1, 2, 20, 29),
    done(1, 3, 20, 22, { event: 'cleaned' }),
    done(1, 1, 0, 0, { key: 'b', event: 'checkpoint', islands: [isDone(5, 5)] }),
  ])
  const profile = {
    join_use_nulls: 1,
    transform_null_in: 1,
    enable_named_columns_in_function_tuple: 1,
    output_format_json_named_tuples_as_objects: 1,
    max_threads: 1,
  } as const
  const other = openAgain(server, profile)
  try {
    const ledger = openLedger({ server: other, names, network, toolVersion: 'test' })
    const view = await ledger.fold(new Map([...present, ['b', UUID]]))
    expect(view.get('a')).toMatchObject({ islands: [isDone(0, 9), isDone(23, 29)], tail: 3 })
    expect(view.get('b')).toMatchObject({ islands: [isDone(5, 5)], tail: 0 })
  } finally {
    await other.close()
  }
})
