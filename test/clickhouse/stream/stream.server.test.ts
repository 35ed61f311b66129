// Owns the promises about rows that cross from one server to another: every way of packing them gives the same rows,
// and what breaks a stream is told in the words of the server that broke it.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { type Catalogue, type Compression, COMPRESSIONS } from '../../../src/model/model.ts'
import { replaceSilenceLimits } from '../../../src/clickhouse/silence.ts'
import { blocksWhere, type Edit, edited, ROW_BY_ROW } from '../../support/edited.ts'
import { rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { startFront } from '../../support/front.ts'
import { startProxy } from '../../support/proxy.ts'
import { startThrottle } from '../../support/throttle.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspaceOptions } from '../../support/workspace.ts'

const TABLE = 'block_slots_stat'
const BLOCKS = 12
const SOURCE = uniqueDatabase('source')

let catalogue: Catalogue
let from: TestServer
let to: TestServer
beforeAll(async () => {
  catalogue = await readCatalogue(SQL_FOLDER)
  ;[from, to] = await Promise.all([startTestServer(), startTestServer()])
  await createSourceTables(from, catalogue, SOURCE)
  await addBlocks(from, SOURCE, { from: 1, to: BLOCKS })
})
afterAll(() => Promise.all([from?.stop(), to?.stop()]))

/** Runs `up` for one table whose transform is `sql`; what became of it. */
async function cross(
  sql: string,
  {
    settings = {},
    ...options
  }: Partial<TestWorkspaceOptions> & Pick<Edit, 'settings'> & { readonly compression: Compression },
) {
  const withSql = edited(catalogue, TABLE, { sql, settings })
  // Many rows of few blocks stay as many as they are.
  const tables = withSql.tables.map(({ ddl, ...table }) => ({
    ...table,
    ddl: { ...ddl, text: ddl.text.replace(/ReplacingMergeTree(?:\([^)]*\))?/, 'MergeTree') },
  }))
  const workspace = await openTestWorkspace({
    server: to,
    sourceServer: from,
    source: SOURCE,
    tables: [TABLE],
    catalogue: { ...withSql, tables },
    ...options,
  })
  try {
    const summary = await workspace.up({ giveUpMs: 5_000 })
    const [rows] = await rowsOf<{ rows: number }>(
      to,
      'SELECT count() AS rows FROM {target:Identifier}.int_block_slots_stat',
      { target: workspace.target },
    )
    return { ...summary, rows: rows!.rows, events: [...workspace.events] }
  } finally {
    await workspace.close()
  }
}

/** A million rows, and then an exception. */
const BREAKS = `SELECT toUInt32(number) AS block_number, toUInt32(cityHash64(number) % 1000) AS slots_cleared,
    toUInt32(throwIf(number = 900000, 'the words of the source')) AS slots_set
  FROM numbers(1000000) WHERE {to_block:UInt64} > 0`

describe.each(COMPRESSIONS)('rows on the wire as %s', (compression) => {
  test('all arrive', async () => {
    const { failed, rows } = await cross(blocksWhere('true'), { compression })
    expect(failed).toEqual([])
    expect(rows).toBe(BLOCKS)
  })

  test('a transform that fails in the middle of its stream fails with the words of the source', async () => {
    const { failed, events } = await cross(BREAKS, { compression })
    expect(failed[0]!.error.message).toMatch(
      /^ClickHouse \(source .* the words of the source.* \(code 395\)$/,
    )
    expect(failed[0]!.error.message).toContain(`while reading blocks 1-${BLOCKS} of ${TABLE}`)
    // A zstd stream cannot be read at its end: the next try is, and then it is over. In each form a connection that ends
    // before its last bytes have come says nothing either, and is tried again for that reason alone, here once.
    const tries = events.flatMap((event) => (event.type === 'chunk-failed' ? [event.error.message] : []))
    const earlier = tries.slice(0, -1)
    expect(earlier.filter((text) => !text.endsWith(': aborted'))).toEqual([])
    expect(earlier.length).toBeLessThanOrEqual(compression === 'zstd' ? 2 : 1)
    if (compression === 'zstd') expect(earlier).not.toEqual([])
    expect(tries.at(-1)).toContain('the words of the source')
  })

  test('one that fails before its first row does so at the first try', async () => {
    const { failed, events } = await cross(
      `SELECT toUInt32(block_number) AS block_number, toUInt32(0) AS slots_cleared, toUInt32(throwIf(1, 'at once')) AS slots_set
       FROM {source:Identifier}.canonical_execution_transaction WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}`,
      { compression },
    )
    expect(failed[0]!.error.message).toMatch(/at once.* \(code 395\)$/)
    expect(events.filter(({ type }) => type === 'chunk-failed')).toHaveLength(1)
  })
})

const rowsOfHashes = (
  rows: number,
) => `SELECT toUInt32(1 + number % ${BLOCKS}) AS block_number, toUInt32(cityHash64(number)) AS slots_cleared,
    toUInt32(cityHash64(number, 1)) AS slots_set
  FROM numbers(${rows}) WHERE {to_block:UInt64} > 0`

/** Some megabytes that arrive late enough to be cut. */
const LONG = rowsOfHashes(300_000)

test.each([
  ['source', 300_000, 2e6, /^cannot reach ClickHouse \(source .*while reading blocks/],
  // More than the sockets hold: the source still has rows to send when the target is gone.
  ['target', 3_000_000, 2e7, /^cannot reach ClickHouse \(target .*while inserting blocks/],
] as const)(
  'a stream whose %s is cut off says which side broke, and the next try ends it',
  async (side, all, bytesPerSecond, words) => {
    const line = await startThrottle(side === 'source' ? from.url : to.url, bytesPerSecond)
    onTestFinished(() => line.close())
    const end =
      side === 'source' ? { sourceServer: { ...from, url: line.url } } : { server: { ...to, url: line.url } }
    const crossing = cross(rowsOfHashes(all), { compression: 'lz4', ...end })
    await Promise.race([line.reached(1_000_000), crossing])
    line.cut()
    const { failed, rows, events } = await crossing
    expect(failed).toEqual([])
    expect(rows).toBe(all)
    const failures = events.flatMap((event) => (event.type === 'chunk-failed' ? [event.error.message] : []))
    expect(failures).toEqual([expect.stringMatching(words)])
  },
)

test('a stream whose source falls silent in its middle is noticed, and the next try ends it', async () => {
  onTestFinished(replaceSilenceLimits({ lookMs: 500, answerMs: 5_000 }))
  const line = await startThrottle(from.url, 2e6)
  onTestFinished(() => line.close())
  const crossing = cross(LONG, { compression: 'lz4', sourceServer: { ...from, url: line.url } })
  await Promise.race([line.reached(1_000_000), crossing])
  line.mute()
  const { failed, rows, events } = await crossing
  expect(failed).toEqual([])
  expect(rows).toBe(300_000)
  expect(events.flatMap((event) => (event.type === 'chunk-failed' ? [event.error.message] : []))).toEqual([
    expect.stringMatching(/\(source .*while reading blocks .*: the connection has fallen silent$/),
  ])
})

test('a stream whose rows come slowly is not taken for silent on its target, which lists it only later', async () => {
  onTestFinished(replaceSilenceLimits({ lookMs: 100, answerMs: 5_000 }))
  const { failed, rows, events } = await cross(
    `SELECT toUInt32(number + 1) AS block_number, toUInt32(0) AS slots_cleared, toUInt32(sleepEachRow(0.15)) AS slots_set
      FROM numbers(${BLOCKS}) WHERE {to_block:UInt64} > 0`,
    { compression: 'none', settings: ROW_BY_ROW },
  )
  expect({ failed, rows }).toEqual({ failed: [], rows: BLOCKS })
  expect(events.filter(({ type }) => type === 'chunk-failed')).toEqual([])
})

test('a stream whose target has written all and falls silent is noticed: it is asked what became of the rows', async () => {
  onTestFinished(replaceSilenceLimits({ lookMs: 500, answerMs: 5_000 }))
  const proxy = await startProxy(to.url)
  onTestFinished(() => proxy.close())
  const held = proxy.hold(({ statement }) => statement.includes('{backfill_structure:String}'), 'answer')
  const { failed, rows } = await cross(blocksWhere('true'), {
    compression: 'lz4',
    server: { ...to, url: proxy.url },
  })
  expect((await held.arrived).statement).toContain('INSERT INTO')
  expect({ failed, rows }).toEqual({ failed: [], rows: BLOCKS })
})

test('what something in front of the source does not let it pack is refused, with the way out', async () => {
  const front = await startFront(from.url, { without: 'compress' })
  onTestFinished(() => front.close())
  const sourceServer = { ...from, url: front.url }
  const { failed, rows } = await cross(blocksWhere('true'), { compression: 'lz4', sourceServer })
  expect(failed[0]!.error.message).toBe('the answer of the source does not have the requested compression')
  expect(failed[0]!.error.hint).toMatch(/use --compression none, or BACKFILL_COMPRESSION=none$/)
  expect(rows).toBe(0)
  expect((await cross(blocksWhere('true'), { compression: 'none', sourceServer })).rows).toBe(BLOCKS)
})
