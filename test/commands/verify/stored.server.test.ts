// Owns the promises of digests: they depend on rows alone, and tell which rows are no longer as the ledger recorded them.
import { expect, test } from 'vitest'
import { readDigests } from '../../../src/commands/digest/command.ts'
import { verifyStored } from '../../../src/commands/verify/stored.ts'
import { ledgerEvent } from '../../support/clickhouse.ts'
import { rowsOf, type TestServer } from '../../support/server.ts'
import { useBuiltTables } from '../../support/verifying.ts'
import { type TestWorkspace } from '../../support/workspace.ts'

const SLOTS = 'block_slots_stat'
const LATEST = 'address_last_access'
const BLOCKS = 40

let server: TestServer
const { open, built, change } = useBuiltTables(BLOCKS, (place) => ({ server } = place))

const DIFFS = 'address_diffs'
const stored = async (workspace: TestWorkspace) =>
  await verifyStored(workspace.workspace, workspace.connected, new AbortController().signal)
const digests = (workspace: TestWorkspace, every: number) =>
  readDigests(workspace, { from: 0, to: 1_000_000, every })

test('digests do not depend on chunks and jobs: those in the ledger add up to those of the tables', async () => {
  const tables = [SLOTS, DIFFS]
  const worlds = await Promise.all([
    built(tables, 5),
    built(tables, 7),
    open(tables).then(async (workspace) => {
      expect((await workspace.up({ chunk: BLOCKS, jobs: 4, tableJobs: 4 })).failed).toEqual([])
      return workspace
    }),
  ])
  const [first, ...others] = await Promise.all(worlds.map((world) => digests(world, 8)))
  expect(first!.map(({ table, ranges }) => [table, ranges.length, ranges[0]!.rows > 0])).toEqual(
    tables.toSorted().map((table) => [table, 6, true]),
  )
  for (const other of others) expect(other).toEqual(first)
  for (const workspace of worlds) {
    const rows = await rowsOf<{ table: string; rows: number; sum: string; unknown: number }>(
      server,
      `SELECT table_key AS table, sum(digest_rows) AS rows, toString(sum(digest_sum)) AS sum, countIf(digest_sum IS NULL) AS unknown
        FROM {ledger:Identifier}.ledger WHERE event = 'done' GROUP BY table ORDER BY table`,
      { ledger: workspace.ledger },
    )
    const whole = await digests(workspace, 1_000_000)
    expect(rows).toEqual(
      whole.map(({ table, ranges: [range] }) => ({ table, rows: range!.rows, sum: range!.sum, unknown: 0 })),
    )
    expect(
      (await stored(workspace)).map(({ comparedBlocks, unknownBlocks, differences }) => [
        comparedBlocks,
        unknownBlocks,
        differences,
      ]),
    ).toEqual(tables.map(() => [BLOCKS, 0, []]))
  }
})

test('rows that were lost, doubled, changed or belong to nobody are found from table and ledger alone; what was redone in part is not known', async () => {
  const workspace = await built([SLOTS, DIFFS, LATEST], 10)
  await change(workspace, SLOTS, 'DELETE FROM $T WHERE block_number IN (3, 5)')
  await change(
    workspace,
    SLOTS,
    'ALTER TABLE $T UPDATE slots_set = slots_set + 1 WHERE block_number = 33 SETTINGS mutations_sync = 2',
  )
  await change(workspace, SLOTS, 'INSERT INTO $T (block_number, slots_set) VALUES (77, 1), (78, 1)')
  await change(workspace, DIFFS, "INSERT INTO $T VALUES ('0xforeign', 15, 1, 1)")
  // Rows that merge into those that are there are no difference.
  await change(workspace, DIFFS, 'INSERT INTO $T SELECT * FROM $T WHERE block_number = 12')
  const found = (await stored(workspace)).map(({ table, unknownBlocks: unknown, differences }) => ({
    table,
    unknown,
    differences: differences.map(
      ({ from, to, kind, stored: now, recorded }) => `${kind} ${from}-${to} ${now - recorded}`,
    ),
  }))
  expect(found).toEqual([
    { table: DIFFS, unknown: 0, differences: ['extra 11-20 1'] },
    { table: SLOTS, unknown: 0, differences: ['lost 1-10 -2', 'changed 31-40 0', 'stray 77-78 2'] },
  ])

  const { ports } = workspace.workspace
  const { uuid } = (await ports.target.tables([`int_${SLOTS}`])).get(`int_${SLOTS}`)!
  const lock = await ports.locks.acquire(SLOTS, () => {})
  await ports.ledger.append(
    lock,
    ledgerEvent({ event: 'invalidated', targetUuid: uuid, range: { from: 3, to: 5 } }),
  )
  await lock.release()
  expect((await workspace.up()).failed).toEqual([])
  const [, again] = await stored(workspace)
  expect(again).toMatchObject({ table: SLOTS, comparedBlocks: 33, unknownBlocks: 7 })
  expect(again!.differences.map(({ kind, from }) => `${kind} ${from}`)).toEqual(['changed 31', 'stray 77'])
})
