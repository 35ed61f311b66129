// Owns the proof on real blocks: all eleven tables hold exactly the rows that a program without SQL computed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import type { Range } from '../../src/model/blocks.ts'
import { readDigests, type TableDigest } from '../../src/commands/digest/command.ts'
import { planRedo } from '../../src/commands/redo/plan.ts'
import { redo } from '../../src/commands/redo/redo.ts'
import { edited } from '../support/edited.ts'
import { seededShuffle } from '../support/random.ts'
import { loadExpected, loadRealSource, MISSING_REAL_DATA } from '../support/real-data.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { oddities, rebuildWorkspace } from '../support/verifying.ts'
import {
  differences,
  openTestWorkspace,
  OPTIONS,
  SQL_FOLDER,
  type TestWorkspace,
} from '../support/workspace.ts'

if (MISSING_REAL_DATA) console.warn(MISSING_REAL_DATA)

const SOURCE = uniqueDatabase('source')
const EXPECTED = uniqueDatabase('expected')
/** One row per key: it cannot be redone by range. */
const REBUILT = 'address_storage_slot_last_access'
const REDONE = 'address_diffs'
const STALE = {
  request: { kind: 'stale' },
  dependants: 'refuse',
  lag: 0,
  jobs: undefined,
  typed: '--stale',
} as const
/**
 * Blocks that have a row, in pieces that part blocks which belong together; between the last two is a gap, with the empty
 * block 20000005.
 */
const PIECES: readonly Range[] = [
  { from: 2_000_001, to: 17_073_191 },
  { from: 17_073_192, to: 20_000_003 },
  { from: 20_000_007, to: 20_000_011 },
]
const GAP = '20000004-20000006'

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
    workspace: TestWorkspace,
    on: TestServer = server,
    names: readonly string[] = tables(),
  ): Promise<void> {
    expect(await differences(on, names, { actual: workspace.target, expected: EXPECTED })).toEqual([])
    for (const table of names) {
      const counts = { actual: workspace.target, expected: EXPECTED, table }
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

  /** The digests of all tables by 1,000 blocks, which must be those of the first test that asks. */
  let digests: readonly TableDigest[] | undefined
  async function expectSameDigests(workspace: TestWorkspace): Promise<void> {
    const found = await readDigests(workspace, { from: 0, to: 30_000_000, every: 1000 })
    expect(found.length).toBeGreaterThan(5)
    digests ??= found
    expect(found).toEqual(digests)
  }

  /** Opens a world on fresh databases, uses it and closes it. */
  async function withWorkspace(use: (workspace: TestWorkspace) => Promise<void>): Promise<void> {
    const workspace = await openTestWorkspace({ server, source: SOURCE })
    try {
      await use(workspace)
    } finally {
      await workspace.close()
    }
  }

  test('all eleven tables are exact after one run; a second run writes no row into a target and no event', () =>
    withWorkspace(async (workspace) => {
      expect((await workspace.up()).failed).toEqual([])
      await expectExact(workspace)
      await expectSameDigests(workspace)
      const before = await rowsOf(server, 'SELECT count() AS events FROM {ledger:Identifier}.ledger', {
        ledger: workspace.ledger,
      })
      await post(server, 'SYSTEM FLUSH LOGS query_log')
      const [{ now }] = (await rowsOf<{ now: string }>(server, 'SELECT toString(now64(6)) AS now')) as [
        { now: string },
      ]
      const summary = await workspace.up()
      expect(summary).toMatchObject({ chunks: 0, blocks: 0, rowsWritten: 0, failed: [] })
      expect(
        await rowsOf(server, 'SELECT count() AS events FROM {ledger:Identifier}.ledger', {
          ledger: workspace.ledger,
        }),
      ).toEqual(before)
      expect(await writesSince(workspace, now)).toEqual([])
    }))

  test('all eleven tables are exact in chunks of one block', () =>
    withWorkspace(async (workspace) => {
      const summary = await workspace.up({ chunk: 1, jobs: 3, tableJobs: 2 })
      expect(summary.failed).toEqual([])
      await expectExact(workspace)
      await expectSameDigests(workspace)
    }))

  test('all eleven tables are exact in random chunk order; after a..b and d..e a plain run fills only the gap', () =>
    withWorkspace(async (workspace) => {
      const seed = Number(process.env['BACKFILL_TEST_SEED'] ?? Date.now() % 1_000_000)
      console.log(`random chunk order: BACKFILL_TEST_SEED=${seed}`)
      for (const work of seededShuffle(PIECES, seed)) {
        const summary = await workspace.up(work)
        expect(summary.failed).toEqual([])
        expect(workspace.events.filter(({ type }) => type === 'waiting')).toEqual([])
      }
      await post(server, 'SYSTEM FLUSH LOGS query_log')
      const [{ now }] = (await rowsOf<{ now: string }>(server, 'SELECT toString(now64(6)) AS now')) as [
        { now: string },
      ]
      const summary = await workspace.up()
      expect(summary.failed).toEqual([])
      const written = await writesSince(workspace, now)
      expect(written.map(({ key }) => key)).toEqual(
        catalogue.tables
          .map(({ key }) => key)
          .filter((key) => key !== 'pre_6780_accounts_destructs')
          .toSorted(),
      )
      for (const { key, range } of written) expect(range, key).toBe(GAP)
      await expectExact(workspace)
    }))

  test('a table that other SQL has built is stale, and exact after redo --stale', async () => {
    const { text } = catalogue.tables.find(({ key }) => key === REDONE)!.transform
    expect(text).toContain('max(tx)')
    const at = { server, source: SOURCE, tables: [REDONE] }
    const wrong = await openTestWorkspace({
      ...at,
      catalogue: edited(catalogue, REDONE, { sql: text.replace('max(tx)', 'min(tx)') }),
    })
    const workspace = await openTestWorkspace({ ...at, target: wrong.target, ledger: wrong.ledger })
    try {
      expect((await wrong.up()).failed).toEqual([])
      const plan = await planRedo(workspace.workspace, STALE)
      const { redo: stale, rows, tableRows } = plan.report.tables[0]!
      expect(stale.at(-1)!.to).toBe(20_000_011)
      expect(rows).toBe(tableRows)
      const hooks = { report: () => {}, signal: new AbortController().signal }
      expect((await redo(workspace.workspace, plan, OPTIONS, hooks)).failed).toEqual([])
      await expectExact(workspace, server, [`int_${REDONE}`])
      expect((await planRedo(workspace.workspace, STALE)).report.tables).toEqual([])
    } finally {
      await workspace.close()
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
      const wrong = await openTestWorkspace({ ...at, catalogue: wrongFiles, tables: [REBUILT] })
      const places = { ...at, target: wrong.target, ledger: wrong.ledger }
      const one = await openTestWorkspace({ ...places, tables: [REBUILT] })
      const workspace = await openTestWorkspace(places)
      try {
        expect((await wrong.up()).failed).toEqual([])
        expect((await workspace.up()).failed).toEqual([])
        expect((await oddities(one)).join('\n')).toContain('different')
        await rebuildWorkspace(one, { chunk: 5 })
        await expectExact(workspace, other)
        await expectSameDigests(workspace)
        expect(await oddities(workspace)).toEqual([])
      } finally {
        await Promise.all([wrong, one, workspace].map((open) => open.close()))
      }
    } finally {
      await other.stop()
    }
  })

  /** INSERTs into the world's derived tables since a time, by the server's own log: table key and range of each. */
  async function writesSince(
    workspace: TestWorkspace,
    since: string,
  ): Promise<{ key: string; range: string }[]> {
    await post(server, 'SYSTEM FLUSH LOGS query_log')
    return rowsOf(
      server,
      `SELECT DISTINCT extract(query_id, '^backfill-mainnet-([a-z0-9_]+)-') AS key, extract(query_id, '-([0-9]+-[0-9]+)-') AS range
       FROM system.query_log
       WHERE query_kind = 'Insert' AND event_time_microseconds > {since:String} AND has(databases, {target:String})
       ORDER BY key, range`,
      { since, target: workspace.target },
    )
  }
})
