// Owns the proof on real blocks: all eleven tables hold exactly the rows that a program without SQL computed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import type { Range } from '../../src/model/blocks.ts'
import { planRedo } from '../../src/commands/redo/plan.ts'
import { redo } from '../../src/commands/redo/redo.ts'
import { edited } from '../support/edited.ts'
import { seededShuffle } from '../support/random.ts'
import { loadExpected, loadRealSource, MISSING_REAL_DATA } from '../support/real-data.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { oddities, rebuildWorld } from '../support/verifying.ts'
import { differences, openTestWorld, OPTIONS, SQL_FOLDER, type TestWorld } from '../support/world.ts'

if (MISSING_REAL_DATA) console.warn(MISSING_REAL_DATA)

const SOURCE = uniqueDatabase('source')
const EXPECTED = uniqueDatabase('expected')
/** One row per key: it cannot be redone by range. */
const REBUILT = 'address_storage_slot_last_access'
const REDONE = 'address_diffs'
const STALE = { request: { kind: 'stale' }, cascade: false, lag: 0, typed: '--stale' } as const
/** Every block that has a row, and the empty block 20000005, in pieces that part blocks which belong together. */
const PIECES: readonly Range[] = [
  { from: 2_000_001, to: 2_000_001 },
  { from: 17_073_191, to: 17_073_191 },
  { from: 17_073_192, to: 17_073_192 },
  { from: 20_000_001, to: 20_000_004 },
  { from: 20_000_005, to: 20_000_011 },
]

describe.skipIf(MISSING_REAL_DATA)('real blocks', () => {
  let catalogue: Catalogue
  let server: TestServer
  beforeAll(async () => {
    catalogue = await readCatalogue(SQL_FOLDER)
    server = await startTestServer()
    await loadRealSource(server, catalogue, SOURCE)
    await loadExpected(server, catalogue, EXPECTED)
  })
  afterAll(() => server?.stop())

  const tables = () => catalogue.tables.map(({ target }) => target)

  async function expectExact(
    world: TestWorld,
    on: TestServer = server,
    names: readonly string[] = tables(),
  ): Promise<void> {
    expect(await differences(on, names, { actual: world.target, expected: EXPECTED })).toEqual([])
    for (const table of names) {
      const counts = { actual: world.target, expected: EXPECTED, table }
      await post(on, 'OPTIMIZE TABLE {actual:Identifier}.{table:Identifier} FINAL', counts)
      const [row] = await rowsOf<{ actual: number; expected: number }>(
        on,
        `SELECT (SELECT count() FROM {actual:Identifier}.{table:Identifier}) AS actual,
          (SELECT count() FROM {expected:Identifier}.{table:Identifier} FINAL) AS expected`,
        counts,
      )
      expect(row!.actual, table).toBe(row!.expected)
    }
  }

  /** Opens a world on fresh databases, uses it and closes it. */
  async function withWorld(use: (world: TestWorld) => Promise<void>): Promise<void> {
    const world = await openTestWorld({ server, source: SOURCE })
    try {
      await use(world)
    } finally {
      await world.close()
    }
  }

  test('all eleven tables are exact after one run', () =>
    withWorld(async (world) => {
      const summary = await world.up()
      expect(summary.failed).toEqual([])
      await expectExact(world)
    }))

  test('a second run writes no row into a target and no event', () =>
    withWorld(async (world) => {
      await world.up()
      const before = await rowsOf(server, 'SELECT count() AS events FROM {ledger:Identifier}.ledger', {
        ledger: world.ledger,
      })
      await post(server, 'SYSTEM FLUSH LOGS query_log')
      const [{ now }] = (await rowsOf<{ now: string }>(server, 'SELECT toString(now64(6)) AS now')) as [
        { now: string },
      ]
      const summary = await world.up()
      expect(summary).toMatchObject({ chunks: 0, blocks: 0, rowsWritten: 0, failed: [] })
      expect(
        await rowsOf(server, 'SELECT count() AS events FROM {ledger:Identifier}.ledger', {
          ledger: world.ledger,
        }),
      ).toEqual(before)
      expect(await writesSince(world, now)).toEqual([])
    }))

  test('all eleven tables are exact in chunks of one block', () =>
    withWorld(async (world) => {
      const summary = await world.up({ chunk: 1, jobs: 3, tableJobs: 2 })
      expect(summary.failed).toEqual([])
      await expectExact(world)
    }))

  test('all eleven tables are exact in random chunk order', () =>
    withWorld(async (world) => {
      const seed = Number(process.env['BACKFILL_TEST_SEED'] ?? Date.now() % 1_000_000)
      console.log(`random chunk order: BACKFILL_TEST_SEED=${seed}`)
      for (const piece of seededShuffle(PIECES, seed)) {
        const summary = await world.up(piece)
        expect(summary.failed).toEqual([])
        expect(world.events.filter(({ type }) => type === 'waiting')).toEqual([])
      }
      await expectExact(world)
    }))

  test('after a..b and d..e a plain run fills only the gap', () =>
    withWorld(async (world) => {
      await world.up({ from: 2_000_001, to: 20_000_003 })
      await world.up({ from: 20_000_007, to: 20_000_011 })
      await post(server, 'SYSTEM FLUSH LOGS query_log')
      const [{ now }] = (await rowsOf<{ now: string }>(server, 'SELECT toString(now64(6)) AS now')) as [
        { now: string },
      ]
      const summary = await world.up()
      expect(summary.failed).toEqual([])
      const written = await writesSince(world, now)
      expect(written.map(({ key }) => key)).toEqual(
        catalogue.tables
          .map(({ key }) => key)
          .filter((key) => key !== 'pre_6780_accounts_destructs')
          .toSorted(),
      )
      for (const { key, range } of written) expect(range, key).toBe('20000004-20000006')
      await expectExact(world)
    }))

  test('a table that other SQL has built is stale, and exact after redo --stale', async () => {
    const { text } = catalogue.tables.find(({ key }) => key === REDONE)!.transform
    expect(text).toContain('max(tx)')
    const at = { server, source: SOURCE, tables: [REDONE] }
    const wrong = await openTestWorld({
      ...at,
      catalogue: edited(catalogue, REDONE, { sql: text.replace('max(tx)', 'min(tx)') }),
    })
    const world = await openTestWorld({ ...at, target: wrong.target, ledger: wrong.ledger })
    try {
      expect((await wrong.up()).failed).toEqual([])
      const plan = await planRedo(world.world, STALE)
      const { redo: stale, rows, tableRows } = plan.report.tables[0]!
      expect(stale.at(-1)!.to).toBe(20_000_011)
      expect(rows).toBe(tableRows)
      const hooks = { report: () => {}, signal: new AbortController().signal }
      expect((await redo(world.world, plan, OPTIONS, hooks)).failed).toEqual([])
      await expectExact(world, server, [`int_${REDONE}`])
      expect((await planRedo(world.world, STALE)).report.tables).toEqual([])
    } finally {
      await world.close()
      await wrong.close()
    }
  })

  test('all eleven tables are exact, and verified, when source and target are different servers; one that other SQL has built is exact after a rebuild', async () => {
    const { text } = catalogue.tables.find(({ key }) => key === REBUILT)!.transform
    expect(text).toContain('last_content AS value')
    const wrongFiles = edited(catalogue, REBUILT, {
      sql: text.replace('last_content AS value', "'0x' AS value"),
    })
    const other = await startTestServer()
    try {
      await loadExpected(other, catalogue, EXPECTED)
      const at = { server: other, sourceServer: server, source: SOURCE }
      const wrong = await openTestWorld({ ...at, catalogue: wrongFiles, tables: [REBUILT] })
      const places = { ...at, target: wrong.target, ledger: wrong.ledger }
      const one = await openTestWorld({ ...places, tables: [REBUILT] })
      const world = await openTestWorld(places)
      try {
        expect((await wrong.up()).failed).toEqual([])
        expect((await world.up()).failed).toEqual([])
        expect((await oddities(one)).join('\n')).toContain('different')
        await rebuildWorld(one, { chunk: 5 })
        await expectExact(world, other)
        expect(await oddities(world)).toEqual([])
      } finally {
        await Promise.all([wrong, one, world].map((open) => open.close()))
      }
    } finally {
      await other.stop()
    }
  })

  /** INSERTs into the world's derived tables since a time, by the server's own log: table key and range of each. */
  async function writesSince(world: TestWorld, since: string): Promise<{ key: string; range: string }[]> {
    await post(server, 'SYSTEM FLUSH LOGS query_log')
    return rowsOf(
      server,
      `SELECT DISTINCT extract(query_id, '^backfill-mainnet-([a-z0-9_]+)-') AS key, extract(query_id, '-([0-9]+-[0-9]+)-') AS range
       FROM system.query_log
       WHERE query_kind = 'Insert' AND event_time_microseconds > {since:String} AND has(databases, {target:String})
       ORDER BY key, range`,
      { since, target: world.target },
    )
  }
})
