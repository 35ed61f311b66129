// Owns the promise about the latest events of a ledger of any size: the server paints and pages as a person would count.
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Names, Server } from '../../src/clickhouse/server.ts'
import { isLater, type Position } from '../../src/ledger/events.ts'
import { type LatestEvent, openEvents } from '../../src/ledger/latest-events.ts'
import type { Range } from '../../src/model/blocks.ts'
import { connect, createLedger } from '../support/clickhouse.ts'
import { anyHistory, anyRange, type Event, makeHistory } from '../support/ledger-history.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

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

let networks = 0

/** Appends the events, each with a fingerprint and rows by which it is known again, to a network of their own. */
async function insert(events: readonly Event[]): Promise<string> {
  const network = `latest_${++networks}`
  const rows = events.map(({ key, uuid, epoch, seq, event, range, hash }) =>
    JSON.stringify({
      network,
      table_key: key,
      target_uuid: uuid,
      epoch,
      seq,
      event,
      range_from: range.from,
      range_to: range.to,
      sql_hash: hash,
      source_fingerprint: `s=${epoch}@${seq}`,
      rows_read: epoch * 1000 + seq,
    }),
  )
  await server.client.command({
    query: `INSERT INTO {ledger:Identifier}.ledger FORMAT JSONEachRow\n${rows.join('\n')}`,
    query_params: { ledger: names.ledger },
  })
  return network
}

async function read(
  events: ReturnType<typeof openEvents>,
  question: Parameters<ReturnType<typeof openEvents>['latest']>[0],
): Promise<readonly (readonly LatestEvent[])[]> {
  const pages: (readonly LatestEvent[])[] = []
  for await (const page of events.latest(question)) pages.push(page)
  return pages
}

/** The oracle: every event in turn is asked of one block of each stretch that no end cuts. */
function paint(history: readonly Event[], window: Range): readonly { range: Range; position: Position }[] {
  const starts = [...new Set([window.from, ...history.flatMap(({ range }) => [range.from, range.to + 1])])]
    .filter((block) => window.from <= block && block <= window.to)
    .toSorted((a, b) => a - b)
  const painted: { range: Range; position: Position }[] = []
  for (const [index, from] of starts.entries()) {
    let latest: Position | undefined
    for (const { range, epoch, seq } of history)
      if (range.from <= from && from <= range.to && (latest === undefined || isLater([epoch, seq], latest)))
        latest = [epoch, seq]
    if (latest !== undefined)
      painted.push({ range: { from, to: (starts[index + 1] ?? window.to + 1) - 1 }, position: latest })
  }
  return joined(painted)
}

/** Stretches that touch and show the same event become one: a page's end may cut it. */
function joined(segments: readonly { readonly range: Range; readonly position: Position }[]) {
  const whole: { range: Range; position: Position }[] = []
  for (const { range, position } of segments) {
    const last = whole.at(-1)
    if (last && last.range.to + 1 === range.from && String(last.position) === String(position))
      last.range = { from: last.range.from, to: range.to }
    else whole.push({ range, position })
  }
  return whole
}

test('over every block of the window the latest event is seen, whole, however the pages cut; marks are looked through on demand', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyHistory,
      anyRange,
      fc.constantFrom(1, 3, 50_000),
      fc.boolean(),
      async (drawn, window, pageRows, withoutMarks) => {
        const { arrived, uuids } = makeHistory(
          drawn.map((one) => (one.hash === 'old' ? { ...one, hash: 'sources-old' } : one)) as typeof drawn,
        )
        const events = openEvents({ server, names, network: await insert(arrived), pageRows })
        const [key, targetUuid] = [...uuids][0]!
        const pages = await read(events, {
          key,
          targetUuid,
          window,
          withoutStaleTags: withoutMarks,
        })
        const history = arrived.filter(
          (one) =>
            one.key === key &&
            one.uuid === targetUuid &&
            one.event !== 'checkpoint' &&
            !(withoutMarks && one.hash.startsWith('sources-')),
        )
        expect(joined(pages.flat())).toEqual(paint(history, window))
        for (const page of pages) expect(page.length).toBeLessThanOrEqual(pageRows + 1)
        for (const { position, ...seen } of pages.flat()) {
          const [epoch, seq] = position
          const event = history.find((one) => one.epoch === epoch && one.seq === seq)!
          expect(seen).toMatchObject({
            event: event.event,
            eventRange: event.range,
            sqlHash: event.hash,
            rows: epoch * 1000 + seq,
          })
        }
      },
    ),
    { numRuns: 15 },
  )
})

const UUID = '00000000-0000-4000-8000-000000000001'
const done = (epoch: number, seq: number, from: number, to: number): Event => ({
  key: 'a',
  uuid: UUID,
  epoch,
  seq,
  event: 'done',
  range: { from, to },
  hash: 'new',
})

test('what was written since a position is known, of the window alone; fingerprints come in the order of their positions', async () => {
  const network = await insert([done(1, 1, 0, 9), done(1, 2, 10, 19), done(2, 1, 5, 12), done(2, 1, 5, 12)])
  const events = openEvents({ server, names, network })
  const question = { key: 'a', targetUuid: UUID, window: { from: 0, to: 11 } }
  expect(await events.last('a', UUID)).toEqual([2, 1])
  expect(await events.last('b', UUID)).toEqual([0, 0])
  expect(await events.touchedSince([1, 1], question)).toEqual([{ from: 5, to: 19 }])
  expect(await events.touchedSince([1, 2], question)).toEqual([{ from: 5, to: 12 }])
  expect(await events.touchedSince([1, 1], { ...question, window: { from: 0, to: 4 } })).toEqual([])
  expect(await events.touchedSince([2, 1], question)).toEqual([])
  expect(
    await events.fingerprints('a', [
      [2, 1],
      [9, 9],
      [1, 1],
    ]),
  ).toEqual(['s=2@1', '', 's=1@1'])
  const many = Array.from({ length: 5_000 }, (): Position => [1, 2])
  expect(new Set(await events.fingerprints('a', many))).toEqual(new Set(['s=1@2']))
})
