// Owns the promises of `adopt`: rows that the ledger does not know are recorded as done only if a sample is what they should be.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { environmentFor } from '../../support/cli.ts'
import { backfillInside } from '../../support/inside.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

const KEY = 'block_slots_stat'
const TABLE = `int_${KEY}`

let server: TestServer
const source = uniqueDatabase('source')
beforeAll(async () => {
  server = await startTestServer()
  await createSourceTables(server, await readCatalogue(SQL_FOLDER), source)
  await addBlocks(server, source, { from: 1, to: 120 })
})
afterAll(() => server?.stop())

/** Databases in which a run has done blocks 1-120, of each test's own. */
let databases: { readonly source: string; readonly target: string; readonly ledger: string }
beforeEach(async () => {
  databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  await run(`up --tables ${KEY} --chunk 40`)
})

const run = (words: string) =>
  backfillInside(words.split(' '), { ...environmentFor(server, databases), BACKFILL_LAG: '0' })
const say = (statement: string) => post(server, statement, databases)
const ask = <Row>(select: string) => rowsOf<Row>(server, select, databases)
const state = async (key = KEY) => {
  const { stdout } = await run(`status --json --tables ${key}`)
  return (JSON.parse(stdout) as { tables: readonly { state: string }[] }).tables[0]!.state
}
const uuid = async () =>
  (
    await ask<{ uuid: string }>(
      `SELECT uuid FROM system.tables WHERE database = {target:String} AND name = '${TABLE}'`,
    )
  )[0]!.uuid
const events = async () =>
  (await ask<{ n: number }>('SELECT count() AS n FROM {ledger:Identifier}.ledger'))[0]!.n

const positions = (of: string) =>
  ask(
    `SELECT epoch, seq FROM {ledger:Identifier}.ledger WHERE target_uuid = '${of}' AND event = 'done' ORDER BY epoch, seq`,
  )

/** The table again under a new UUID, as a restored backup is; without the blocks above `last`. Returns the earlier UUID. */
async function restored(last = 1000): Promise<string> {
  const before = await uuid()
  await say(`RENAME TABLE ${databases.target}.${TABLE} TO ${databases.target}.moved`)
  await say(`CREATE TABLE ${databases.target}.${TABLE} AS ${databases.target}.moved`)
  await say(
    `INSERT INTO ${databases.target}.${TABLE} SELECT * FROM ${databases.target}.moved WHERE block_number <= ${last}`,
  )
  expect(await state()).toBe('unknown rows')
  return before
}

/** In an engine that keeps every row. Returns the statement that has copied them. */
async function restoredAsPlain(): Promise<string> {
  await restored()
  const columns = 'block_number, slots_cleared, slots_set'
  await say(`DROP TABLE ${databases.target}.${TABLE}`)
  await say(
    `CREATE TABLE ${databases.target}.${TABLE} (block_number UInt32, slots_cleared UInt32, slots_set UInt32,
      net_slots Int32 DEFAULT slots_set - slots_cleared, net_slots_bytes Int32 DEFAULT (slots_set - slots_cleared) * 64)
    ENGINE = MergeTree PARTITION BY intDiv(block_number, 5000000) ORDER BY block_number`,
  )
  const copy = `INSERT INTO ${databases.target}.${TABLE} (${columns}) SELECT ${columns} FROM ${databases.target}.moved FINAL`
  await say(copy)
  return copy
}

test('rows that are the same are recorded as done, and nothing is left to run', async () => {
  await restored()
  const before = await events()
  const dry = await run(`adopt ${KEY} --chunk 30 --sample 1 --dry-run`)
  expect(dry.code, dry.stderr).toBe(0)
  expect(dry.stdout).toContain(`Would record as done: 1-120 (120 blocks) of ${KEY}.`)
  const json = await run(`adopt ${KEY} --chunk 30 --dry-run --json`)
  expect(JSON.parse(json.stdout)).toMatchObject({
    schema: 1,
    table: KEY,
    outcome: 'dry-run',
    blocks: [[1, 120]],
    from_uuid: null,
    verification: { tables: [{ table: KEY, chunks: 4, verified: 4 }] },
  })
  expect(json.stderr).toBe('')
  expect(await events()).toBe(before)

  const adopted = await run(`adopt ${KEY} --chunk 30 --sample 2`)
  expect(adopted.code, adopted.stderr).toBe(0)
  expect(adopted.stdout).toContain('2 of 4 chunks verified')
  expect(await state()).toBe('up to date')
  expect((await run(`up --tables ${KEY}`)).stdout).toMatch(/^\S+Z Nothing to do; .*\n$/)
  for (const words of [
    `verify ${KEY}`,
    `verify --sources ${KEY}`,
    `status --check --tables ${KEY}`,
    `doctor --tables ${KEY} --idle 1`,
  ])
    expect((await run(words)).code, words).toBe(0)
  await say(`TRUNCATE TABLE {target:Identifier}.${TABLE}`)
  expect(await state()).toBe('emptied')
})

test('blocks without rows between the others stay missing, whatever the sample, and the next run computes them', async () => {
  await restored()
  await say(
    `DELETE FROM {target:Identifier}.${TABLE} WHERE block_number BETWEEN 50 AND 59 OR block_number = 77 SETTINGS lightweight_deletes_sync = 2`,
  )
  const { code, stdout, stderr } = await run(`adopt ${KEY} --chunk 30 --sample 1`)
  expect(code, stderr).toBe(0)
  expect(stdout).toContain(`Recorded as done: 1-49, 60-76, 78-120 (109 blocks) of ${KEY}.`)
  expect((await run(`up --tables ${KEY}`)).stdout).toContain('11 blocks, 11 rows')
  expect((await run(`verify ${KEY}`)).code).toBe(0)
})

test('changed source rows are found in adopted blocks as in computed ones', async () => {
  await restored()
  expect((await run(`adopt ${KEY} --chunk 30`)).code).toBe(0)
  await addBlocks(server, source, { from: 15, to: 15, at: 'now()' })
  const { stdout } = await run(`verify --sources ${KEY}`)
  expect(stdout).toContain('1-30')
})

test('rows that go or change after the adoption are found in the table alone', async () => {
  await restored()
  await say(
    `DELETE FROM {target:Identifier}.${TABLE} WHERE block_number = 50 SETTINGS lightweight_deletes_sync = 2`,
  )
  expect((await run(`adopt ${KEY} --chunk 30`)).code).toBe(0)
  const stored = async () => {
    const { stdout } = await run(`verify --stored ${KEY} --json`)
    const [found] = (JSON.parse(stdout) as { tables: readonly Record<string, unknown>[] }).tables
    return found
  }
  expect(await stored()).toMatchObject({ same: true, compared_blocks: 119, unknown_blocks: 0 })
  await say(
    `DELETE FROM {target:Identifier}.${TABLE} WHERE block_number = 77 SETTINGS lightweight_deletes_sync = 2`,
  )
  await say(
    `ALTER TABLE {target:Identifier}.${TABLE} UPDATE slots_set = 77 WHERE block_number = 3 SETTINGS mutations_sync = 2`,
  )
  const differences = [
    { from: 1, to: 30, kind: 'changed' },
    { from: 51, to: 80, kind: 'lost', recorded: 30, stored: 29 },
  ]
  expect(await stored()).toMatchObject({ same: false, differences })
})

test('rows that differ are shown and not recorded: exit 7', async () => {
  await restored()
  await say(
    `ALTER TABLE {target:Identifier}.${TABLE} UPDATE slots_set = 77 WHERE block_number = 33 SETTINGS mutations_sync = 2`,
  )
  const before = await events()
  const { code, stdout } = await run(`adopt ${KEY} --chunk 30`)
  expect(code).toBe(7)
  expect(stdout).toContain('31-60  DIFFERENT')
  expect(stdout).toContain('77')
  expect(stdout).toContain(`backfill rebuild ${KEY}`)
  const json = await run(`adopt ${KEY} --chunk 30 --json`)
  expect([json.code, (JSON.parse(json.stdout) as { outcome: string }).outcome]).toEqual([7, 'different'])
  expect(await events()).toBe(before)
  expect(await state()).toBe('unknown rows')

  // The blocks beside it are as they should be.
  expect((await run(`adopt ${KEY} --from 1 --to 30`)).code).toBe(0)
  expect(await state()).toBe('missing')
})

test('of a plain MergeTree, one block that is there twice is found whatever the sample: nothing is recorded', async () => {
  const copy = await restoredAsPlain()
  const once = await run(`adopt ${KEY} --chunk 1 --sample 1 --dry-run`)
  expect(once.code, once.stderr).toBe(0)
  await say(`${copy} WHERE block_number = 7`)
  const before = await events()
  const twice = await run(`adopt ${KEY} --chunk 1 --sample 1`)
  expect(twice).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /has rows of block 7 more than once: it is a MergeTree.*\n.*`backfill rebuild block_slots_stat`/,
    ),
  })
  expect(await events()).toBe(before)
})

test('a redo of adopted rows deletes them first, also in a plain MergeTree', async () => {
  await restoredAsPlain()
  expect((await run(`adopt ${KEY} --chunk 30`)).code).toBe(0)
  const { code, stderr } = await run(`redo ${KEY} --from 31 --to 40 --yes`)
  expect(code, stderr).toBe(0)
  expect(await ask(`SELECT count() AS rows FROM {target:Identifier}.${TABLE}`)).toEqual([{ rows: 120 }])
})

test('a table of rows per key is adopted, too', async () => {
  const words = 'address_last_access'
  expect((await run(`up --tables ${words}`)).code).toBe(0)
  await say('TRUNCATE TABLE {ledger:Identifier}.ledger')
  expect(await state(words)).toBe('unknown rows')
  const adopted = await run(`adopt ${words}`)
  expect(adopted.code, adopted.stderr).toBe(0)
  expect(await state(words)).toBe('up to date')
})

test('after a restore --from-uuid takes over what the ledger knows: stale ranges, acceptances, positions', async () => {
  await say(
    `INSERT INTO {ledger:Identifier}.ledger SELECT * REPLACE (epoch + 1 AS epoch, concat('late-', sql_hash) AS sql_hash)
     FROM {ledger:Identifier}.ledger WHERE event = 'done' AND range_from = 41`,
  )
  const folded = async () => {
    const { stdout } = await run(`status --json --tables ${KEY}`)
    const [table] = (JSON.parse(stdout) as { tables: readonly Record<string, unknown>[] }).tables
    return [table!['state'], table!['covered'], table!['stale'], table!['watermark']]
  }
  const before = await folded()
  expect(before[2]).toEqual([[41, 80]])
  const earlier = await restored()
  expect((await run(`status --tables ${KEY}`)).stdout).toContain(`adopt ${KEY} --from-uuid ${earlier}`)
  const { code, stderr } = await run(`adopt ${KEY} --from-uuid ${earlier}`)
  expect(code, stderr).toBe(0)
  expect(await folded()).toEqual(before)
  expect(await positions(await uuid())).toEqual(await positions(earlier))
  expect((await run(`redo ${KEY} --stale --yes`)).code).toBe(0)
  expect(await state()).toBe('up to date')
})

test('a backup that is older than the ledger is not taken over: its last blocks are looked at', async () => {
  const earlier = await restored(115)
  const { code, stdout } = await run(`adopt ${KEY} --from-uuid ${earlier} --sample 1 --chunk 1 --seed 1`)
  expect(code).toBe(7)
  expect(stdout).toContain('missing in the table')
  expect(await state()).toBe('unknown rows')
})

test('a UUID that the ledger does not know is refused with the one that it knows', async () => {
  const earlier = await restored()
  const { code, stderr } = await run(`adopt ${KEY} --from-uuid 00000000-0000-0000-0000-000000000001`)
  expect(code).toBe(2)
  expect(stderr).toContain(`adopt ${KEY} --from-uuid ${earlier}`)
  expect((await run(`adopt ${KEY} --from-uuid nonsense`)).code).toBe(2)
})
