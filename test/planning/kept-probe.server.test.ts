// Owns the promise that what a run found missing from the sources is used only while it is true.
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest'
import { status } from '../../src/commands/status/status.ts'
import { planUp } from '../../src/planning/plan.ts'
import type { TableDefinition } from '../../src/model/model.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { RunEvent } from '../../src/runner/events.ts'
import { up } from '../../src/runner/up.ts'
import type { Workspace } from '../../src/runner/workspace.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { OPTIONS, openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../support/workspace.ts'

/** Reads traces and transaction, which both have every block. */
const TABLE = 'pre_6780_accounts_destructs'
const TABLES = ['traces', 'transaction']
const GAPS = [
  { from: 31, to: 2_000_000 },
  { from: 2_000_034, to: 4_899_999 },
]
const INCOMPLETE = [{ from: 2_000_031, to: 2_000_033 }]

const catalogue = await readCatalogue(SQL_FOLDER)
let server: TestServer
let source: string
let place: TestWorkspace
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())
beforeEach(async () => {
  source = uniqueDatabase('source')
  await createSourceTables(server, catalogue, source, TABLES)
  // A merge of parts far away from each other would have to be looked at from end to end.
  for (const table of TABLES) await sql(`SYSTEM STOP MERGES {source:Identifier}.canonical_execution_${table}`)
  await add(1, 30)
  await add(2_000_001, 2_000_030)
  await add(2_000_031, 2_000_033, ['transaction'])
  await add(4_900_000, 4_900_030)
  place = await openTestWorkspace({ server, source, tables: [TABLE] })
  await place.up()
})
afterEach(() => place.close())

const sql = (statement: string) => post(server, statement, { source })
const add = (from: number, to: number, tables = TABLES) => addBlocks(server, source, { from, to, tables })

/** The source, and the ends of what was probed in it. */
function watchedSource({ source: port }: Workspace['ports']) {
  const probed: number[] = []
  const buckets: typeof port.buckets = (...question) => {
    probed.push(question[1].from, question[1].to)
    return port.buckets(...question)
  }
  return { source: { ...port, buckets }, probed }
}

/** The report of the table, without what an earlier run found (`fresh`) or as it is, and whether the sources were probed. */
async function look(workspace: Workspace, fresh = false) {
  const { ports } = workspace
  const { source: watched, probed } = watchedSource(ports)
  const looking = {
    ...workspace,
    ports: {
      ...ports,
      source: watched,
      findings: fresh ? { ...ports.findings, read: async () => [] } : ports.findings,
    },
  }
  const { tables } = await status(looking, { lag: 0 })
  const { kept, ...report } = tables[0]!
  return { kept, report, probed }
}

/** Both ways of looking say the same. */
async function same(workspace = place.workspace) {
  const [found, fresh] = [await look(workspace), await look(workspace, true)]
  expect(found.report).toEqual(fresh.report)
  return found
}

const keptRows = () =>
  rowsOf<{ rows: number }>(server, 'SELECT count() AS rows FROM {ledger:Identifier}.source_probe', {
    ledger: place.ledger,
  })

test('what a run found is not looked at again, its age is said, and looking writes nothing', async () => {
  const before = await keptRows()
  const { report, kept, probed } = await same()
  expect(report).toMatchObject({ sourceGaps: GAPS, incomplete: INCOMPLETE, missing: [], state: 'waiting' })
  expect(kept!.ageMs).toBeGreaterThanOrEqual(0)
  expect(kept!.blocks).toEqual([
    { from: 31, to: 2_000_000 },
    { from: 2_000_031, to: 4_899_999 },
  ])
  expect(probed).toEqual([])
  expect((await planUp(place.workspace, { ...OPTIONS, lag: 0 })).tables).toMatchObject([
    { sourceGaps: GAPS, incomplete: INCOMPLETE, chunks: [] },
  ])
  expect(await keptRows()).toEqual(before)
})

/** A run, what it reported of blocks that it left out, what it probed, and the tables whose transforms it described. */
async function run(workspace = place.workspace) {
  const { ports } = workspace
  const described: string[] = []
  const { source: watched, probed } = watchedSource(ports)
  const events: RunEvent[] = []
  const counted = {
    ...workspace,
    ports: {
      ...ports,
      source: watched,
      executor: {
        ...ports.executor,
        describe: (table: TableDefinition) => {
          described.push(table.key)
          return ports.executor.describe(table)
        },
      },
    },
  }
  const report = (event: RunEvent) => void events.push(event)
  const { blocks } = await up(counted, OPTIONS, { report, signal: new AbortController().signal })
  return { probed, described, blocks, skipped: events.filter(({ type }) => type === 'skipped') }
}

test('a run with nothing to do past a source gap looks at no source and describes no transform, and leaves out the same blocks', async () => {
  const { skipped, ...idle } = await run()
  expect(idle).toEqual({ probed: [], described: [], blocks: 0 })
  const fresh = { ...place.workspace.ports.findings, read: async () => [] }
  const looked = await run({ ...place.workspace, ports: { ...place.workspace.ports, findings: fresh } })
  expect(looked.probed).not.toEqual([])
  expect(looked.skipped).toEqual(skipped)
  expect(skipped.length).toBeGreaterThan(0)
})

test('after an hour a run looks again, and keeps what it finds; until then it keeps nothing anew', async () => {
  const ages = () =>
    rowsOf<{ hours: number }>(
      server,
      `SELECT dateDiff('hour', probed_at, now64(6)) AS hours FROM {ledger:Identifier}.source_probe ORDER BY hours`,
      { ledger: place.ledger },
    )
  const { ledger } = place
  await run()
  expect(await keptRows()).toEqual([{ rows: 1 }])
  await post(server, `CREATE TABLE ${ledger}.old AS ${ledger}.source_probe`)
  await post(
    server,
    `INSERT INTO ${ledger}.old SELECT * REPLACE (probed_at - INTERVAL 2 HOUR AS probed_at) FROM ${ledger}.source_probe`,
  )
  await post(server, `EXCHANGE TABLES ${ledger}.old AND ${ledger}.source_probe`)
  expect(await ages()).toEqual([{ hours: 2 }])
  expect((await run()).probed).not.toEqual([])
  expect((await ages())[0]).toEqual({ hours: 0 })
  expect((await run()).probed).toEqual([])
})

test('new blocks at the head are looked at, and what is far below them is not', async () => {
  await add(4_900_031, 4_900_040)
  const { report, kept, probed } = await same()
  expect(report.missing).toEqual([{ from: 4_900_031, to: 4_900_040 }])
  expect(report.sourceGaps).toEqual(GAPS)
  expect(kept!.blocks[0]).toEqual(GAPS[0])
  expect(Math.min(...probed)).toBeGreaterThan(4_000_000)
})

test('rows that arrive late, in a source gap and in incomplete blocks, are missing at once', async () => {
  await add(1_000_000, 1_000_002)
  expect((await same()).report.missing).toEqual([{ from: 1_000_000, to: 1_000_002 }])
  await add(2_000_031, 2_000_032, ['traces'])
  const { report } = await same()
  expect(report.missing).toEqual([
    { from: 1_000_000, to: 1_000_002 },
    { from: 2_000_031, to: 2_000_032 },
  ])
  expect(report.incomplete).toEqual([{ from: 2_000_033, to: 2_000_033 }])
  await place.up()
  expect((await same()).report).toMatchObject({
    missing: [],
    incomplete: [{ from: 2_000_033, to: 2_000_033 }],
  })
})

test('rows that go make a source gap of incomplete blocks: deleted, with their partition, or with all others', async () => {
  const gap = [
    { from: 31, to: 2_000_000 },
    { from: 2_000_031, to: 4_899_999 },
  ]
  // A DELETE waits for merges.
  for (const table of TABLES)
    await sql(`SYSTEM START MERGES {source:Identifier}.canonical_execution_${table}`)
  await sql(
    'DELETE FROM {source:Identifier}.canonical_execution_transaction WHERE block_number > 2000030 AND block_number < 2000034',
  )
  expect((await same()).report).toMatchObject({ incomplete: [], sourceGaps: [{ ...gap[0] }, { ...gap[1] }] })
  await sql(`ALTER TABLE {source:Identifier}.canonical_execution_traces DROP PARTITION ('mainnet', 0)`)
  await same()
  for (const table of TABLES) await sql(`TRUNCATE TABLE {source:Identifier}.canonical_execution_${table}`)
  await add(1, 10)
  await add(1_500_000, 1_500_000)
  await add(4_900_000, 4_900_030)
  expect((await same()).report.missing).toEqual([{ from: 1_500_000, to: 1_500_000 }])
})

test('a source table that was replaced by another one is looked at', async () => {
  await sql(`CREATE TABLE ${source}.other AS ${source}.canonical_execution_transaction`)
  await sql(`INSERT INTO {source:Identifier}.other SELECT * REPLACE (block_number + 1 AS block_number)
    FROM {source:Identifier}.canonical_execution_transaction`)
  await sql(`EXCHANGE TABLES ${source}.other AND ${source}.canonical_execution_transaction`)
  const { report } = await same()
  expect(report.incomplete).toContainEqual({ from: 2_000_031, to: 2_000_034 })
})

test('another coverage of a source, another length of source gaps, and another network are looked at', async () => {
  const { network } = place.workspace
  for (const changed of [
    { ...network, sourceGapBlocks: 2_500_000 },
    {
      ...network,
      blockCoverage: { ...network.blockCoverage, canonical_execution_traces: 'most-blocks' as const },
    },
  ]) {
    const { kept, report } = await same({ ...place.workspace, network: changed })
    expect(kept).toBeNull()
    expect(report.missing.length).toBeGreaterThan(0)
  }
  await addBlocks(server, source, { from: 1, to: 5, network: 'holesky', tables: TABLES })
  await addBlocks(server, source, { from: 800_000, to: 800_005, network: 'holesky', tables: TABLES })
  const other = await openTestWorkspace({
    server,
    source,
    ledger: place.ledger,
    network: 'holesky',
    tables: [TABLE],
  })
  try {
    expect((await look(other.workspace)).kept).toBeNull()
    // Its rows are in parts of their own.
    expect((await same()).probed).toEqual([])
  } finally {
    await other.close()
  }
})
