// Owns the promises of `status` about tables that are not what the ledger says, emptied or left half written, and about
// those that promise to be fresh.
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { environmentFor } from '../../support/cli.ts'
import { editedFolder } from '../../support/edited-folder.ts'
import { backfillInside } from '../../support/inside.ts'
import { post, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER } from '../../support/workspace.ts'

let server: TestServer
const catalogue = await readCatalogue(SQL_FOLDER)
const tables = ['block_slots_stat']
const source = uniqueDatabase('source')
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, catalogue, source)
  await addBlocks(server, source, { from: 1, to: 20 })
})
afterAll(() => server?.stop())

/** Databases in which a run has done blocks 1-20, of each test's own. */
let databases: { readonly source: string; readonly target: string; readonly ledger: string }
beforeEach(async () => {
  databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const workspace = await openTestWorkspace({ server, ...databases, tables, catalogue })
  await workspace.up({ chunk: 10 })
  await workspace.close()
})

const run = (words: string) =>
  backfillInside(
    [...words.split(' '), ...(words.includes('--tables') ? [] : ['--tables', 'block_slots_stat'])],
    {
      ...environmentFor(server, databases),
      BACKFILL_LAG: '0',
    },
  )
const say = (statement: string) =>
  post(server, statement, { target: databases.target, ledger: databases.ledger })

test('a table that was truncated is named, with what builds it again', async () => {
  expect((await run('status')).stdout).not.toContain('is empty')
  await say('TRUNCATE TABLE {target:Identifier}.int_block_slots_stat')
  expect((await run('status')).stdout).toContain(
    'int_block_slots_stat is empty, but the ledger says that rows were written: was it truncated? Type DROP TABLE',
  )
  await say('DROP TABLE {target:Identifier}.int_block_slots_stat')
  expect((await run('up')).code).toBe(0)
  expect((await run('status')).stdout).not.toContain('is empty')
})

test('a range that a dead run left half written is named, fails --check, and the next up heals it', async () => {
  await say(
    `INSERT INTO {ledger:Identifier}.ledger (network, table_key, epoch, seq, event, range_from, range_to, target_uuid, sql_hash, query_id, user, event_time)
    SELECT network, table_key, max(epoch), max(seq) + 1, 'started', 5, 9, any(target_uuid), anyIf(sql_hash, event = 'done'), 'gone', currentUser(), now64(6)
    FROM {ledger:Identifier}.ledger WHERE table_key = 'block_slots_stat' GROUP BY network, table_key`,
  )
  const dirty = await run('status --check')
  expect(dirty.code).toBe(3)
  expect(dirty.stdout).toContain('dirty: an attempt at blocks 5-9 did not finish')
  expect(dirty.stdout).toContain('Next: `backfill up block_slots_stat` recovers the dirty ranges')
  expect((await run('up')).code).toBe(0)
  expect((await run('status --check')).code).toBe(0)
})

test('status --at says who built a block and when, what it waits for, and what is not expected', async () => {
  const at = async (block: number, ...more: readonly string[]) => {
    const { code, stdout } = await run(['status', '--at', String(block), ...more].join(' '))
    expect(code).toBe(0)
    return stdout.split('\n').at(-2)
  }
  expect(await at(7)).toMatch(
    /^block_slots_stat  done  by run [\da-f]{8} of \w+@\S+ with SQL [\da-f]{8}, \d{4}-\d\d-\d\d \d\d:\d\d UTC$/,
  )
  expect(await at(21)).toBe('block_slots_stat  not expected  its blocks are 1-20')
  await addBlocks(server, source, { from: 23, to: 24 })
  await addBlocks(server, source, { from: 21, to: 22, tables: ['transaction', 'storage_diffs'] })
  expect(await at(21)).toBe('block_slots_stat  missing  `backfill up block_slots_stat` runs it')
  await say(
    `INSERT INTO {ledger:Identifier}.ledger SELECT * REPLACE (epoch + 1 AS epoch, 'late-x' AS sql_hash)
     FROM {ledger:Identifier}.ledger WHERE event = 'done' AND range_from = 1`,
  )
  expect(await at(3)).toMatch(
    /^block_slots_stat  stale  sql: built by SQL late-x, .*; by run .*: `backfill redo block_slots_stat --stale` builds/,
  )
  const { stdout } = await run('status --at 3 --json')
  expect(JSON.parse(stdout)).toMatchObject({
    block: 3,
    tables: [{ state: 'stale', built: { sql_hash: 'late-x' } }],
  })
})

test('on a network without rows status says which networks the sources have, and what to type', async () => {
  databases = { ...databases, target: uniqueDatabase('target') }
  const { stdout } = await run('status --network sepolia')
  expect(stdout).toContain('No source has rows of the network sepolia. They have rows of mainnet.')
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('Next: `backfill status --network mainnet`')
  expect((await run('status --network mainnet')).stdout).toContain('network mainnet: head 24')
})

test('--network a,b and all work on one network after the other, each with its own hints; watching several is refused', async () => {
  await addBlocks(server, source, { from: 1, to: 5, network: 'sepolia' })
  const { TARGET_CLICKHOUSE_DATABASE: _, ...env } = environmentFor(server, databases)
  const on = (network: string, ...more: readonly string[]) =>
    backfillInside(['status', 'block_slots_stat', '--lag', '0', '--network', network, ...more], env)
  const heads = async (network: string) =>
    (await on(network, '--json')).stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { network: string; head: number })
      .map((one) => [one.network, one.head])
  expect(await heads('sepolia,mainnet')).toEqual([
    ['sepolia', 5],
    ['mainnet', 24],
  ])
  expect(await heads('all')).toEqual([
    ['mainnet', 24],
    ['sepolia', 5],
  ])
  expect((await on('sepolia,mainnet')).stdout).toContain(
    'Next: `backfill up --tables block_slots_stat --lag 0 --network sepolia` fills 5 missing blocks',
  )
  // Two lines on stderr, one for each.
  expect((await on('sepolia,mainnet', '--check', '--max-behind', '0')).stderr).toMatch(
    /^status --check: sepolia: exit 3: .*\nstatus --check: mainnet: exit 3: .*\n$/,
  )
  // Nothing is done on the first before the others are known.
  const wrong = await on('mainnet,sepolai')
  expect(wrong).toMatchObject({ code: 2, stdout: '' })
  expect(wrong.stderr).toContain("unknown network 'sepolai'")
  expect(await on('all', '--watch')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--watch follows one network'),
  })
})

const promise = (text: string) => text.replace('--! rows:', '--! fresh: 5m\n--! rows:')

test('a transform may promise to be fresher: it is late then, the others are not', async () => {
  databases = { ...databases, target: uniqueDatabase('target') }
  await addBlocks(server, source, { from: 1, to: 5, network: 'holesky' })
  const folder = editedFolder('transforms/block_slots_stat.sql', promise)
  const both = `--tables block_slots_stat,address_reads --sql ${folder} --network holesky`
  expect((await run(`up ${both}`)).code).toBe(0)
  await addBlocks(server, source, { from: 6, to: 8, at: 'now() - 600', network: 'holesky' })
  const { code, stdout } = await run(`status --check --json ${both}`)
  const { check } = JSON.parse(stdout) as { check: { reasons: readonly { table: string; text: string }[] } }
  expect([code, check.reasons]).toEqual([
    3,
    [{ table: 'block_slots_stat', exit: 3, text: '3 missing blocks' }],
  ])
  // A promise holds beside --max-behind.
  expect((await run(`status --check --max-behind 5 ${both}`)).code).toBe(3)
})

const keyed = (text: string) => text.replace('rows: per-block', 'rows: per-key latest block_number')

test('rows of another kind in the header and the DDL: status says that up does not write to the table that is there', async () => {
  const folder = editedFolder('transforms/block_slots_stat.sql', keyed)
  const ddl = `${folder}/ddl/block_slots_stat.sql`
  const sorted = readFileSync(ddl, 'utf8')
    .replace(/--! shard.*|PARTITION BY .*/g, '')
    .replace('ReplacingMergeTree', 'ReplacingMergeTree(block_number)')
    .replace(/ORDER BY .*/, 'ORDER BY slots_set')
  writeFileSync(ddl, sorted)
  const { code, stdout } = await run(`status --check --sql ${folder}`)
  expect(code).toBe(3)
  expect(stdout).toContain('the rows keep the latest block_number, but ReplacingMergeTree without a version')
  expect(stdout).toContain('`backfill rebuild block_slots_stat')
})
