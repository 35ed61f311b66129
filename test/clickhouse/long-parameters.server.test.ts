// Owns the promises about long parameters: they pass a proxy that takes lines of 8 KiB, and the limits of a server.
import * as fc from 'fast-check'
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { touchesSome, typed } from '../../src/clickhouse/dialect.ts'
import type { Server } from '../../src/clickhouse/server.ts'
import { openQueries } from '../../src/runner/query-fate.ts'
import { openLedger } from '../../src/ledger/writer.ts'
import { openLocks } from '../../src/lock/lock.ts'
import { blockSet, intersect } from '../../src/model/blocks.ts'
import { connect, createLedger, ledgerEvent } from '../support/clickhouse.ts'
import { type Proxy, startProxy } from '../support/proxy.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let testServer: TestServer
let proxy: Proxy
let server: Server

beforeAll(async () => {
  testServer = await startTestServer()
  proxy = await startProxy(testServer.url, 8192)
  server = await connect({ ...testServer, url: proxy.url })
})

afterAll(async () => {
  await server?.close()
  await proxy?.close()
  await testServer?.stop()
})

const HOSTILE = [
  '',
  "it's",
  '\\',
  "\\'",
  '\\N',
  '{p0:String}',
  'tab\tnewline\nreturn\r',
  'Ünïcödé 🦊',
  '\r\n--form--',
]
const words = Array.from({ length: 5_000 }, (_, index) => `${HOSTILE[index % HOSTILE.length]} ${index}`)
const numbers = Array.from({ length: 50_000 }, (_, index) => 9_007_199_254_690_991 + index)

test('arrays of any length come back as they went, in a question', async () => {
  const [row] = await server.db
    .selectNoFrom([
      sql<number[]>`${typed(numbers, 'Array(UInt64)')}`.as('numbers'),
      sql<string[]>`${typed(words, 'Array(String)')}`.as('words'),
    ])
    .execute()
  expect(row).toEqual({ numbers, words })
})

test('long values come back as they went, in a writing statement', async () => {
  const query_params = { words, text: words.join(), yes: true, one: 1, table: `long_${randomUUID()}` }
  const of = (query: string) => ({ query, query_params })
  await server.client.command({
    ...of(
      'CREATE TABLE default.{table:Identifier} (words Array(String), text String, yes Bool, one UInt8) ENGINE = Memory',
    ),
    query_params: { table: query_params.table },
  })
  const insert =
    'INSERT INTO default.{table:Identifier} SELECT {words:Array(String)}, {text:String}, {yes:Bool}, {one:UInt8}'
  await server.client.command(of(insert))
  await server.client.text(of(insert))
  const row = { words, text: words.join(), yes: true, one: 1 }
  const found = await server.client.rows({
    query: 'SELECT * FROM default.{table:Identifier}',
    query_params: { table: query_params.table },
  })
  expect(found).toEqual([row, row])
})

test('a dead run may have left thousands of statements: they are looked for, and ended', async () => {
  const ids = Array.from({ length: 5_000 }, (_, index) => `unknown-${randomUUID()}-${19_000_000 + index}`)
  await openQueries({ server, source: server }).end(ids)
  const [row] = await server.client.rows<{ n: number }>({
    query:
      'SELECT toUInt32(length({ids:Array(String)})) AS n, toUInt32(length({more:Array(Array(String))})) AS m',
    query_params: { ids, more: ids.map((id) => [id, id]) },
  })
  expect(row).toEqual({ n: 5_000, m: 5_000 })
})

test('what fails in a long statement fails as in a short one', async () => {
  const query_params = { words }
  const query =
    "INSERT INTO FUNCTION null('a UInt8') SELECT throwIf(length({words:Array(String)}) > 0, 'too many words')"
  await expect(server.client.command({ query, query_params, doing: 'counting' })).rejects.toMatchObject({
    code: 395,
    message: expect.stringMatching(/ failed while counting: too many words/),
  })
})

test('200 tables are folded, get their checkpoints under all their locks, and have their costs', async () => {
  const names = await createLedger(server)
  const options = { server, names, network: 'mainnet' }
  const ledger = openLedger({ ...options, toolVersion: 'test' })
  const locks = openLocks({ ...options, exclusive: true })
  const uuids = new Map(Array.from({ length: 200 }, (_, index) => [`table_${index}`, randomUUID()]))
  const held = await Promise.all(
    [...uuids].map(async ([key, targetUuid]) => {
      const lock = await locks.acquire(key, () => {})
      await ledger.append(lock, ledgerEvent({ range: { from: 1, to: 9 }, targetUuid, rowsExpected: 5 }))
      return { lock, targetUuid }
    }),
  )
  const islands = [{ from: 1, to: 9, state: 'done', sqlHash: 'hash', forks: '', inputs: '' }]
  const views = async () => [...(await ledger.fold(uuids)).values()]
  expect(await views()).toEqual(held.map(() => expect.objectContaining({ islands, tail: 1 })))
  await ledger.checkpoint(held, 'run')
  expect(await views()).toEqual(held.map(() => expect.objectContaining({ islands, tail: 0 })))
  expect((await ledger.costs(uuids)).size).toBe(200)

  await held[199]!.lock.renew()
  const lost = { ...held[199]!.lock, name: held[199]!.lock.name.replace(/2$/, '1') }
  const one = { lock: lost, targetUuid: held[199]!.targetUuid }
  await expect(ledger.checkpoint([...held.slice(0, 199), one], 'run')).rejects.toMatchObject({
    kind: 'locked',
  })
  await Promise.all(held.map(({ lock }) => lock.release()))
})

test('20,000 events of a kind are recorded by a few statements, in order; an abort ends it', async () => {
  const names = await createLedger(server)
  const options = { server, names, network: 'mainnet' }
  const ledger = openLedger({ ...options, toolVersion: 'test' })
  const lock = await openLocks({ ...options, exclusive: true }).acquire('a', () => {})
  const targetUuid = randomUUID()
  const blocks = Array.from({ length: 20_000 }, (_, index) => ({ from: index * 3, to: index * 3 + 1 }))
  await ledger.appendEach(lock, { event: 'done', blocks, targetUuid, runId: 'run', sqlHash: 'hash' })
  const view = (await ledger.fold(new Map([['a', targetUuid]]))).get('a')!
  expect(view.islands.map(({ from, to }) => ({ from, to }))).toEqual(blocks)
  expect(view.tail).toBe(20_000)
  expect(lock.nextSeq()).toBe(20_001)
  const stopped = { event: 'invalidated', blocks, targetUuid, runId: 'run', sqlHash: 'hash' } as const
  await ledger.appendEach(lock, stopped, undefined, AbortSignal.abort())
  expect((await ledger.fold(new Map([['a', targetUuid]]))).get('a')!.tail).toBe(20_000)
  // None of the invalidations was sent.
  const known = await ledger.attempts('a', targetUuid, blocks)
  expect([known.length, known.filter(({ suspect }) => suspect)]).toEqual([20_000, []])
  await lock.release()
})

test('the server finds the ranges that touch a set of blocks, as the algebra of blocks does', async () => {
  const range = fc.tuple(fc.nat(60), fc.nat(8)).map(([from, more]) => ({ from, to: from + more }))
  await fc.assert(
    fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 8 }), range, async (ranges, asked) => {
      const set = blockSet(ranges)
      const { from, to } = asked
      const row = await server.db
        .selectFrom(
          sql<{ a: number; b: number }>`(SELECT toUInt32(${from}) AS a, toUInt64(${to}) AS b)`.as('asked'),
        )
        .select([touchesSome(set, 'a', 'b').as('both'), touchesSome(set, 'a').as('one')])
        .executeTakeFirstOrThrow()
      expect(Number(row.both)).toBe(intersect(set, [asked]).length > 0 ? 1 : 0)
      expect(Number(row.one)).toBe(intersect(set, [{ from, to: from }]).length > 0 ? 1 : 0)
    }),
    { numRuns: 60 },
  )
})
