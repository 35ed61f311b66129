// Owns the promise that what a run found missing from the sources is used only while it is true.
import { expect, test } from 'vitest'
import { status } from '../../src/commands/status/status.ts'
import { planUp } from '../../src/planning/plan.ts'
import type { Workspace } from '../../src/runner/workspace.ts'
import {
  GAPS,
  INCOMPLETE,
  TABLE,
  TABLES,
  useGappedSources,
  watchedSource,
} from '../support/gapped-sources.ts'
import { addBlocks } from '../support/small-chain.ts'
import { OPTIONS, openTestWorkspace } from '../support/workspace.ts'

const scene = useGappedSources()
const { add, sql, keptRows } = scene

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
async function same(workspace = scene.place.workspace) {
  const [found, fresh] = [await look(workspace), await look(workspace, true)]
  expect(found.report).toEqual(fresh.report)
  return found
}

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
  expect((await planUp(scene.place.workspace, { ...OPTIONS, lag: 0 })).tables).toMatchObject([
    { sourceGaps: GAPS, incomplete: INCOMPLETE, chunks: [] },
  ])
  expect(await keptRows()).toEqual(before)
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
  await scene.place.up()
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
  await sql(`CREATE TABLE ${scene.source}.other AS ${scene.source}.canonical_execution_transaction`)
  await sql(`INSERT INTO {source:Identifier}.other SELECT * REPLACE (block_number + 1 AS block_number)
    FROM {source:Identifier}.canonical_execution_transaction`)
  await sql(`EXCHANGE TABLES ${scene.source}.other AND ${scene.source}.canonical_execution_transaction`)
  const { report } = await same()
  expect(report.incomplete).toContainEqual({ from: 2_000_031, to: 2_000_034 })
})

test('another coverage of a source, another length of source gaps, and another network are looked at', async () => {
  const { network } = scene.place.workspace
  for (const changed of [
    { ...network, sourceGapBlocks: 2_500_000 },
    {
      ...network,
      blockCoverage: { ...network.blockCoverage, canonical_execution_traces: 'most-blocks' as const },
    },
  ]) {
    const { kept, report } = await same({ ...scene.place.workspace, network: changed })
    expect(kept).toBeNull()
    expect(report.missing.length).toBeGreaterThan(0)
  }
  await addBlocks(scene.server, scene.source, { from: 1, to: 5, network: 'holesky', tables: TABLES })
  await addBlocks(scene.server, scene.source, {
    from: 800_000,
    to: 800_005,
    network: 'holesky',
    tables: TABLES,
  })
  const other = await openTestWorkspace({
    server: scene.server,
    source: scene.source,
    ledger: scene.place.ledger,
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
