// Owns the promise that the view `watermarks` says of head, missing blocks and source gaps what `status` says after a run.
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { status } from '../../src/commands/status/status.ts'
import { countBlocks } from '../../src/model/blocks.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from '../support/cli.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../support/workspace.ts'

const TABLES = ['traces', 'transaction']
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
  await add(1, 30)
  await add(1_001, 1_030)
  await add(1_031, 1_033, ['transaction'])
  await add(3_000, 3_030)
  place = await openTestWorkspace({ server, source, tables: ['pre_6780_accounts_destructs'] })
})
afterEach(() => place.close())

const add = (from: number, to: number, tables = TABLES) => addBlocks(server, source, { from, to, tables })

/** What the view says now, with SELECT on the ledger's database alone. */
async function seen() {
  for (const view of ['ranges', 'watermarks']) {
    const text = readFileSync(`sql/ledger/views/${view}.sql`, 'utf8')
    await post(server, text.replaceAll('backfill.', `${place.ledger}.`))
  }
  return await rowsOf<Record<string, unknown>>(
    server,
    `SELECT expected_from, head, newest, watermark, done_blocks, missing_blocks, source_gap_blocks, incomplete_blocks, stale_blocks
    FROM {ledger:Identifier}.watermarks`,
    { ledger: place.ledger },
  )
}

/** The same facts by `status`. */
async function known() {
  const { tables } = await status(place.workspace, { lag: 0 })
  return tables.map((table) => ({
    expected_from: table.first,
    head: table.head,
    newest: table.newest,
    watermark: table.watermark,
    done_blocks: countBlocks(table.covered),
    missing_blocks: table.missingBlocks,
    source_gap_blocks: countBlocks(table.sourceGaps),
    incomplete_blocks: countBlocks(table.incomplete),
    stale_blocks: countBlocks(table.stale),
  }))
}

test('after a run the view says what `status` says: of gaps, of incomplete blocks, of what arrives later', async () => {
  await place.up()
  const first = await known()
  expect(first).toMatchObject([{ head: 3_030, source_gap_blocks: 1_966, incomplete_blocks: 3 }])
  expect(await seen()).toEqual(first)
  // Until the next run it says what the last one saw.
  await add(31, 40)
  await add(3_031, 3_035)
  expect(await seen()).toEqual(first)
  await place.up()
  expect(await seen()).toEqual(await known())
})

test('what other SQL built than that of the last run is stale in the view, as in `status`', async () => {
  await place.up({ to: 1_010 })
  const edited = {
    ...catalogue,
    tables: catalogue.tables.map((table) => ({ ...table, sqlHash: table.sqlHash.replace(/^../, 'ff') })),
  }
  const { target, ledger } = place
  const later = await openTestWorkspace({
    server, source, target, ledger, catalogue: edited, tables: ['pre_6780_accounts_destructs'],
  }) // prettier-ignore
  await later.up()
  const { tables } = await status(later.workspace, { lag: 0 })
  expect(countBlocks(tables[0]!.stale)).toBe(1_010)
  expect(await seen()).toMatchObject([{ stale_blocks: 1_010 }])
  await later.close()
})

test('a run of a part of the chain says nothing of the rest', async () => {
  await place.up({ to: 1_010 })
  expect(await seen()).toMatchObject([{ head: null, missing_blocks: null, done_blocks: 1_010 }])
})

test('a table inherits what its inputs cannot do, unless the run has not looked for it', async () => {
  const tables = ['pre_6780_accounts_destructs', 'address_diffs', 'accounts_alive']
  const { target, ledger } = place
  const more = ['balance_diffs', 'nonce_diffs', 'storage_diffs']
  await createSourceTables(server, catalogue, source)
  for (const [from, to] of [[1, 30], [1_001, 1_030], [3_000, 3_030]] as const) await add(from, to, more) // prettier-ignore
  const alone = await openTestWorkspace({ server, source, target, ledger, tables: ['accounts_alive'] })
  await alone.up()
  expect(await seen()).toEqual([])
  const all = await openTestWorkspace({ server, source, target, ledger, tables })
  await all.up()
  const report = await status(all.workspace, { lag: 0 })
  const gaps = report.tables.map((table) => countBlocks(table.sourceGaps))
  expect(gaps).toEqual([1_966, 1_966, 1_966])
  const rows = await seen()
  expect(rows).toHaveLength(3)
  for (const row of rows)
    expect(row).toMatchObject({ missing_blocks: 0, source_gap_blocks: 1_966, incomplete_blocks: 3 })
  await Promise.all([all.close(), alone.close()])
})

test('a redo of some blocks leaves what an `up` has seen of the others', async () => {
  await createSourceTables(server, catalogue, source)
  await place.up()
  const before = await seen()
  const words = 'redo pre_6780_accounts_destructs --from 1 --to 5 --yes'
  const env = { ...environmentFor(server, place), BACKFILL_LAG: '0' }
  expect(await backfillHere(words.split(' '), { env })).toMatchObject({ code: 0 })
  expect(await seen()).toEqual(before)
})

test('a ledger of an older version gets the table', async () => {
  await place.up()
  const drop = () => post(server, 'DROP TABLE {ledger:Identifier}.tables SYNC', { ledger: place.ledger })
  await drop()
  await add(3_031, 3_035)
  await place.up()
  expect(await seen()).toEqual(await known())
})
