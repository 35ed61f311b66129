// Owns the way from the Python scripts, docs/how-to/from-the-python-scripts.md, on tables as the scripts leave them: a
// plain MergeTree, counters that wrap, a block that is there twice, missing blocks.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { backfillHere } from '../support/cli.ts'
import { type Outcome, temporaryDirectory } from '../support/processes.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

type Step = (words: string) => Promise<Outcome>

test('check names each difference and the way out; up leaves what does not fit; adopt, rebuild, ALTER; then all is exact', async () => {
  const server = await startTestServer()
  onTestFinished(() => server.stop())
  const database = {
    source: uniqueDatabase('source'),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  await leaveTables(server, database)
  const cwd = temporaryDirectory()
  // The file of the scripts, unchanged.
  writeFileSync(
    join(cwd, '.env'),
    `XATU_CLICKHOUSE_URL=${new URL(server.url).host}
XATU_CLICKHOUSE_PROTOCOL=http
XATU_CLICKHOUSE_USERNAME=${server.username}
XATU_CLICKHOUSE_PASSWORD=${server.password}
`,
  )
  const env = {
    SOURCE_CLICKHOUSE_DATABASE: database.source,
    TARGET_CLICKHOUSE_DATABASE: database.target,
    BACKFILL_LEDGER_DATABASE: database.ledger,
    BACKFILL_LAG: '0',
  }
  const step: Step = (words) => backfillHere(words.split(' '), { cwd, env })

  const checked = await step('check')
  expect(checked.code).toBe(2)
  const findings = checked.stdout.split('\n').filter((line) => / [EW]\d{3} /.test(line))
  // A table that is to be rebuilt needs no word about its comments and codecs; no hint wants an edit of a file.
  expect(
    findings.filter((line) => line.includes('int_block_slots_stat')).map((line) => line.split(/: | /)[1]),
  ).toEqual(['E072', 'E072', 'E074', 'E076'])
  for (const line of findings)
    expect(line).toMatch(/; (`backfill rebuild block_slots_stat` builds it as the file says|ALTER TABLE .*)$/)

  const first = await step('up')
  expect(first.code).toBe(1)
  expect(first.stderr).toMatch(
    /int_block_slots_stat is not as .*block_slots_stat\.sql says: column 'slots_cleared' is UInt32 .* and UInt16/,
  )
  expect(first.stdout).toContain('3 tables failed; done: 6 chunks, 240 blocks')
  expect((await step('plan')).stdout).toContain('is not as ')
  expect((await step('doctor --idle 1')).stdout).toMatch(/fail +misfit +block_slots_stat/)
  expect((await step('status')).stdout).toMatch(
    /block_slots_stat: \S+\.int_block_slots_stat is not as \S+ says: .*: `backfill rebuild block_slots_stat`/,
  )
  expect((await step('status --check')).stderr).toMatch(
    /block_slots_stat[^;]*: `up` does not write to it: it is not as its file/,
  )
  expect(await step('adopt block_slots_stat')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('`backfill rebuild block_slots_stat`'),
  })

  expect(await step('adopt address_diffs')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Recorded as done: 1-40'),
  })
  for (const line of findings.filter((one) => one.includes('int_address_reads')))
    for (const alter of line.slice(line.indexOf('; ALTER TABLE') + 2).split('; ')) await post(server, alter)
  expect((await step('check address_reads')).stdout).toMatch(/: no errors\n$/)
  expect(await step('adopt address_reads')).toMatchObject({ code: 0 })
  expect(await step('rebuild block_slots_stat --drop-old --yes')).toMatchObject({ code: 0 })
  expect(await step('up')).toMatchObject({ code: 0 })
  expect(await step('check')).toMatchObject({ code: 0 })
  expect(await step('verify address_diffs address_reads block_slots_stat')).toMatchObject({ code: 0 })
  // Every block once, also the one that was there twice and those that were missing.
  expect(
    await rowsOf(
      server,
      `SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(block_number)) AS blocks FROM ${database.target}.int_block_slots_stat`,
    ),
  ).toEqual([{ rows: 40, blocks: 40 }])
})

test('a table that reads a plain MergeTree with FINAL stops itself, not the others; check, status and doctor name the rebuild', async () => {
  const server = await startTestServer()
  onTestFinished(() => server.stop())
  const [source, target] = [uniqueDatabase('source'), uniqueDatabase('target')]
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  await addBlocks(server, source, { from: 1, to: 40 })
  await post(server, 'CREATE DATABASE {target:Identifier}', { target })
  await post(
    server,
    `CREATE TABLE ${target}.int_pre_6780_accounts_destructs (address String, block_number UInt32,
      transaction_hash FixedString(66), transaction_index UInt64)
    ENGINE = MergeTree PARTITION BY cityHash64(address) % 16 ORDER BY (address, block_number, transaction_hash)`,
  )
  const env = {
    TARGET_CLICKHOUSE_URL: server.url,
    TARGET_CLICKHOUSE_USERNAME: server.username,
    TARGET_CLICKHOUSE_PASSWORD: server.password,
    SOURCE_CLICKHOUSE_DATABASE: source,
    TARGET_CLICKHOUSE_DATABASE: target,
    BACKFILL_LEDGER_DATABASE: uniqueDatabase('ledger'),
    BACKFILL_LAG: '0',
  }
  const cwd = temporaryDirectory()
  const step: Step = (words) => backfillHere(words.split(' '), { cwd, env })
  const why =
    /accounts_alive\.sql:.* it reads with FINAL, and \S+\.int_pre_6780_accounts_destructs is a MergeTree.*\n?.*`backfill rebuild pre_6780_accounts_destructs` builds it as the file says/

  expect((await step('check')).stdout).toMatch(why)
  const first = await step('up')
  expect(first).toMatchObject({ code: 1, stderr: expect.stringMatching(why) })
  expect(first.stdout).toContain('1 table failed; done: 9 chunks, 360 blocks')
  expect((await step('plan')).stdout).toContain('it reads with FINAL')
  expect((await step('status')).stdout).toMatch(why)
  expect((await step('doctor --idle 1')).stdout).toMatch(/fail +misfit +accounts_alive/)
  expect(await step('rebuild pre_6780_accounts_destructs --drop-old --yes')).toMatchObject({ code: 0 })
  expect(await step('up')).toMatchObject({ code: 0 })
  expect(await step('verify accounts_alive')).toMatchObject({ code: 0 })
})

/** A source of 40 blocks, and three targets as the scripts, or a person after them, have left them. */
async function leaveTables(
  server: TestServer,
  { source, target }: { readonly source: string; readonly target: string },
) {
  const catalogue = await readCatalogue(SQL_FOLDER)
  await createSourceTables(server, catalogue, source)
  await addBlocks(server, source, { from: 1, to: 40 })
  await post(server, 'CREATE DATABASE {target:Identifier}', { target })
  const of = (key: string) => catalogue.tables.find((table) => table.key === key)!
  const params = { source, target, network: 'mainnet' }
  const fill = async (key: string, columns: string, ranges: readonly (readonly [number, number])[]) => {
    for (const [from_block, to_block] of ranges)
      await post(server, `INSERT INTO ${target}.${of(key).target} (${columns}) ${of(key).transform.text}`, {
        ...params,
        from_block,
        to_block,
      })
  }
  await post(
    server,
    `CREATE TABLE ${target}.int_block_slots_stat (block_number UInt32, slots_cleared UInt16, slots_set UInt16,
      net_slots Int32 DEFAULT slots_set - slots_cleared, net_slots_bytes Int32 DEFAULT (slots_set - slots_cleared) * 64)
    ENGINE = MergeTree ORDER BY block_number`,
  )
  await fill('block_slots_stat', 'block_number, slots_cleared, slots_set', [
    [1, 20],
    [20, 30],
    [36, 40],
  ])
  const perAddress = 'address, block_number, tx_count, last_tx_index'
  await post(server, of('address_diffs').ddl.text, params)
  await fill('address_diffs', perAddress, [[1, 40]])
  await post(
    server,
    `CREATE TABLE ${target}.int_address_reads (address String, block_number UInt32, tx_count UInt32, last_tx_index UInt32)
    ENGINE = ReplacingMergeTree PARTITION BY cityHash64(address) % 16 ORDER BY (address, block_number)`,
  )
  await fill('address_reads', perAddress, [[1, 30]])
}
