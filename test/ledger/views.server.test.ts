// Owns the promise that the views of sql/ledger/views say what the program says of a ledger, with SELECT on its database alone.
import * as fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { beforeEach, expect, test } from 'vitest'
import type { Names, Server } from '../../src/clickhouse/server.ts'
import type { Island } from '../../src/ledger/events.ts'
import { createLedger, useServer } from '../support/clickhouse.ts'
import { foldOf, insertEvents } from '../support/handmade-ledger.ts'
import { anyHistory, type Event, makeHistory } from '../support/ledger-history.ts'
import { post, rowsOf, type TestServer } from '../support/server.ts'

/** In the order in which they need each other. */
const VIEWS = ['ranges', 'watermarks', 'attempts', 'runs']

let login: TestServer
let server: Server
let names: Names
useServer((testServer, connection) => ([login, server] = [testServer, connection]))
beforeEach(async () => {
  names = await createLedger(server)
  for (const view of VIEWS) await post(login, inLedger(readFileSync(`sql/ledger/views/${view}.sql`, 'utf8')))
})

/** The files name the database `backfill`; the test has one of its own. */
const inLedger = (text: string) => text.replaceAll('backfill.', `${names.ledger}.`)

type Row = {
  readonly network: string
  readonly table_key: string
  readonly target_uuid: string
  readonly range_from: number
  readonly range_to: number
  readonly state: Island['state']
  readonly reason: string
  readonly sql_hash: string
  readonly forks: string
  readonly inputs: string
}

test('backfill.ranges has the islands of the fold, of 100 random ledgers, whatever was appended in whatever order', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const histories = fc
    .sample(anyHistory, { numRuns: 100, seed })
    .map((drawn, index) => ({ network: `network_${index}`, ...makeHistory(drawn) }))
  for (const { network, arrived } of histories) await insertEvents({ server, names }, network, arrived)
  const rows = await rowsOf<Row>(login, inLedger('SELECT * FROM backfill.ranges ORDER BY range_from'))
  const byTable = Map.groupBy(rows, (row) => `${row.network} ${row.table_key} ${row.target_uuid}`)
  let islands = 0
  for (const [index, { network, uuids, expected }] of histories.entries()) {
    const found = Object.fromEntries(
      [...uuids].map(([key, uuid]) => [key, (byTable.get(`${network} ${key} ${uuid}`) ?? []).map(islandOf)]),
    )
    expect(found, `seed ${seed}, history ${index}`).toEqual(expected)
    islands += Object.values(found).flat().length
    if (index % 20 === 0)
      expect(await foldOf({ server, names }, { network, uuids, fromCheckpoint: true })).toEqual(found)
  }
  expect(islands).toBeGreaterThan(500)
})

function islandOf({ range_from, range_to, state, reason, sql_hash, forks, inputs }: Row): Island {
  const sqlHash = reason === '' ? sql_hash : `${reason}-${sql_hash}`
  return { from: range_from, to: range_to, state, sqlHash, forks, inputs }
}

const UUID = '6f9619ff-8b86-d011-b42d-00c04fc964ff'
const event = (seq: number, name: Event['event'], from: number, to: number, hash = 'h'): Event => ({
  key: 'a',
  uuid: UUID,
  epoch: 1,
  seq,
  event: name,
  range: { from, to },
  hash,
})

test('backfill.watermarks ends at the first block that is not done; a stale block is done, a dirty one is not', async () => {
  await insertEvents({ server, names }, 'x', [
    event(1, 'done', 10, 19),
    event(2, 'accepted', 20, 24),
    event(3, 'done', 25, 29, 'sources-h'),
    event(4, 'started', 30, 34),
    event(5, 'done', 35, 39),
  ])
  const watermarks = async () =>
    await rowsOf<object>(
      login,
      inLedger(
        'SELECT first_block, watermark, done_blocks, accepted_blocks, stale_blocks, dirty_blocks FROM backfill.watermarks',
      ),
    )
  const facts = { first_block: 10, accepted_blocks: 5, stale_blocks: 5 }
  expect(await watermarks()).toEqual([{ ...facts, watermark: 29, done_blocks: 25, dirty_blocks: 5 }])
  await insertEvents({ server, names }, 'x', [event(6, 'done', 30, 34)])
  expect(await watermarks()).toEqual([{ ...facts, watermark: 39, done_blocks: 30, dirty_blocks: 0 }])
  await insertEvents({ server, names }, 'y', [event(1, 'failed', 1, 2)])
  expect(
    await rowsOf(login, inLedger("SELECT watermark FROM backfill.watermarks WHERE network = 'y'")),
  ).toEqual([{ watermark: null }])
})

test('backfill.attempts joins both events of an attempt, and backfill.runs says whether what failed was done later', async () => {
  const add = async (values: string) =>
    await post(
      login,
      `INSERT INTO ${names.ledger}.ledger (network, table_key, epoch, seq, event, range_from, range_to, run_id, query_id, rows_written, error)
       SELECT 'x', 'a', 1, * FROM VALUES('s UInt64, ev String, f UInt64, t UInt64, r String, q String, w UInt64, e String', ${values})`,
    )
  const runs = async () =>
    await rowsOf(
      login,
      inLedger(
        'SELECT run_id, outcome, chunks_done, chunks_failed, chunks_open, blocks, rows_written, error FROM backfill.runs ORDER BY run_id',
      ),
    )
  await add(`(1, 'started', 1, 10, 'r1', 'q1', 0, ''), (2, 'failed', 1, 10, 'r1', 'q1', 0, 'boom'),
    (3, 'started', 1, 5, 'r1', 'q2', 0, ''), (4, 'done', 1, 5, 'r1', 'q2', 50, ''), (4, 'done', 1, 5, 'r1', 'q2', 50, '')`)
  const first = { run_id: 'r1', chunks_failed: 1, chunks_open: 0, error: 'boom' }
  expect(await runs()).toEqual([{ ...first, outcome: 'failed', chunks_done: 1, blocks: 5, rows_written: 50 }])
  await add(
    `(5, 'started', 6, 10, 'r1', 'q3', 0, ''), (6, 'done', 6, 10, 'r1', 'q3', 7, ''), (7, 'started', 20, 29, 'r2', 'q4', 0, '')`,
  )
  expect(await runs()).toEqual([
    { ...first, outcome: 'done', chunks_done: 2, blocks: 10, rows_written: 57 },
    {
      run_id: 'r2',
      outcome: 'open',
      chunks_done: 0,
      chunks_failed: 0,
      chunks_open: 1,
      blocks: 0,
      rows_written: 0,
      error: '',
    },
  ])
  expect(
    await rowsOf(
      login,
      inLedger('SELECT id, outcome, range_from, range_to FROM backfill.attempts ORDER BY position'),
    ),
  ).toEqual([
    { id: 'q1', outcome: 'failed', range_from: 1, range_to: 10 },
    { id: 'q2', outcome: 'done', range_from: 1, range_to: 5 },
    { id: 'q3', outcome: 'done', range_from: 6, range_to: 10 },
    { id: 'q4', outcome: 'open', range_from: 20, range_to: 29 },
  ])
})

test('backfill.runs says that a run was interrupted, ran out of time, or found a lock before its first event, as `log` does', async () => {
  const [one, two, three, four] = ['1', '2', '3', '4'].map(
    (digit) => `00000000-0000-0000-0000-00000000000${digit}`,
  )
  await post(
    login,
    `INSERT INTO ${names.ledger}.ledger (network, table_key, epoch, seq, event, range_from, range_to, run_id, query_id)
     SELECT 'x', 'a', * FROM VALUES('p UInt64, s UInt64, ev String, f UInt64, t UInt64, r String, q String',
       (1, 1, 'started', 1, 10, '${one}', 'q1'), (2, 1, 'started', 1, 10, '${two}', 'q2'), (2, 2, 'done', 1, 10, '${two}', 'q2'),
       (3, 1, 'started', 11, 20, '${three}', 'q3'))`,
  )
  await post(
    login,
    `INSERT INTO ${names.ledger}.run_reports (network, run_id, says, said_at) VALUES ('x', '${two}', 'load', now64(6) - 60), ('x', '${two}', 'out of time', now64(6)),
       ('x', '${four}', 'locked', now64(6))`,
  )
  expect(await rowsOf(login, inLedger('SELECT run_id, outcome FROM backfill.runs ORDER BY run_id'))).toEqual([
    { run_id: one, outcome: 'interrupted' },
    { run_id: two, outcome: 'out of time' },
    { run_id: three, outcome: 'open' },
    { run_id: four, outcome: 'locked' },
  ])
})

test('the views read the ledger’s database alone', () => {
  for (const view of VIEWS) {
    const text = readFileSync(`sql/ledger/views/${view}.sql`, 'utf8').replaceAll(/^--.*$/gm, '')
    const databases = [...text.matchAll(/\b(?:FROM|(?<!ARRAY )JOIN)\s+(\w+)\./g)].map(
      ([, database]) => database,
    )
    expect(new Set(databases), view).toEqual(new Set(['backfill']))
  }
})

test('every question of docs/how-to/ask-the-ledger.md is answered', async () => {
  await insertEvents({ server, names }, 'mainnet', [
    { ...event(1, 'done', 1, 9), key: 'address_diffs' },
    { ...event(2, 'done', 12, 19_000_000), key: 'address_diffs' },
  ])
  const page = readFileSync('docs/how-to/ask-the-ledger.md', 'utf8')
  const questions = [...page.matchAll(/```sql\n(.*?)```/gs)].map((match) => inLedger(match[1]!.trim()))
  expect(questions.length).toBeGreaterThanOrEqual(7)
  const answers = await Promise.all(
    questions.map((question) => rowsOf<Record<string, unknown>>(login, question)),
  )
  const answer = (words: string) => answers[questions.findIndex((question) => question.includes(words))]
  expect(answer('SELECT table_key, watermark')).toEqual([{ table_key: 'address_diffs', watermark: 9 }])
  expect(answer('19000000 BETWEEN')).toMatchObject([{ table_key: 'address_diffs', state: 'done' }])
  expect(answer('leadInFrame')).toEqual([{ table_key: 'address_diffs', first_block: 10, last_block: 11 }])
  expect(Object.values(answer('min(watermark)')![0]!)).toEqual([0])
})

test('the dashboard’s questions to the views are answered', async () => {
  await insertEvents({ server, names }, 'mainnet', [
    { ...event(1, 'done', 1, 9), key: 'address_diffs' },
    { ...event(2, 'failed', 10, 12), key: 'address_diffs' },
  ])
  const { panels } = JSON.parse(readFileSync('packaging/grafana/backfill.json', 'utf8')) as {
    panels: { title: string; targets?: { rawSql?: string }[] }[]
  }
  // What Grafana puts in.
  const values: Readonly<Record<string, string>> = {
    '${network:singlequote}': `'mainnet','sepolia'`,
    '${table:singlequote}': `'address_diffs','address_reads'`,
    $__fromTime: 'toDateTime(0)',
    $__toTime: 'now() + 3600',
  }
  const answers = new Map<string, readonly object[]>()
  for (const { title, targets = [] } of panels)
    for (const { rawSql } of targets) {
      if (rawSql === undefined) continue
      const asked = Object.entries(values).reduce(
        (text, [name, value]) => text.replaceAll(name, value),
        rawSql,
      )
      expect(asked, title).not.toContain('$')
      answers.set(title, await rowsOf(login, inLedger(asked)))
    }
  expect(answers.get('Watermarks')).toMatchObject([{ table_key: 'address_diffs', watermark: 9 }])
  expect(answers.get('Attempts that failed')).toMatchObject([{ range_from: 10, range_to: 12 }])
  expect(answers.get('Runs')!.length).toBeGreaterThan(0)
})
